-- POST with a random user: TEMPLATE has %d for the user, USERS says how many there are.
local template, users = os.getenv("TEMPLATE"), tonumber(os.getenv("USERS"))
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  return wrk.format(nil, nil, nil, (template:gsub("%%d", tostring(math.random(0, users - 1)))))
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status
  ))
end
