/**
 * Compares and sets, in one step: Redis runs nothing else meanwhile. KEYS: the writer's record, then the keys that were read.
 * ARGV: this update's number, the lowest number that is not settled, how long to remember, and the two that packing.ts makes.
 *
 * It answers 1 when the changes are made, now or by an earlier try; else the values of the keys.
 *
 * The first write is one that needs memory: Redis refuses a script for lack of it at its first write only, so all of the changes
 * are made or none is.
 */
export const script = `
local writer, number = KEYS[1], ARGV[1]
if redis.call('ZSCORE', writer, number) then return 1 end

local count = #KEYS - 1
local values = {}
for from = 1, count, 1000 do
  local some = redis.call('MGET', unpack(KEYS, from + 1, math.min(from + 1000, count + 1)))
  for i = 1, #some do values[from + i - 1] = some[i] end
end

local packed, at = ARGV[4], 1
for i = 1, count do
  local what, value = string.byte(packed, at), values[i]
  local same
  if what == 0 then
    same = not value
    at = at + 1
  elseif what == 1 then
    local last = at + 4 + struct.unpack('<I4', packed, at + 1)
    same = value == string.sub(packed, at + 5, last)
    at = last + 1
  else
    same = value and redis.sha1hex(value) == string.sub(packed, at + 1, at + 40)
    at = at + 41
  end
  if not same then return values end
end

local sets, removals = {}, {}
packed, at = ARGV[5], 1
for i = 1, count do
  local what = string.byte(packed, at)
  if what == 2 then
    local last = at + 4 + struct.unpack('<I4', packed, at + 1)
    sets[#sets + 1] = KEYS[i + 1]
    sets[#sets + 1] = string.sub(packed, at + 5, last)
    at = last + 1
  else
    if what == 1 then removals[#removals + 1] = KEYS[i + 1] end
    at = at + 1
  end
end

redis.call('ZADD', writer, number, number)
redis.call('ZREMRANGEBYSCORE', writer, '-inf', '(' .. ARGV[2])
redis.call('PEXPIRE', writer, ARGV[3])
for from = 1, #sets, 2000 do redis.call('MSET', unpack(sets, from, math.min(from + 1999, #sets))) end
for from = 1, #removals, 1000 do redis.call('UNLINK', unpack(removals, from, math.min(from + 999, #removals))) end
return 1
`
