/**
 * Load that does not wait for answers: requests are due at the instants of a Poisson process, whatever became of the ones before, and what
 * a request took counts from the instant at which it was due. So a server that stalls is charged for everybody who came meanwhile.
 * `node generator.mjs JSON`, with { host, port, path, body, headers, rate, seconds, seed, connections }; prints what came of it as JSON.
 * With a rate of null each connection sends as soon as it has its answer, which finds what a server can do at most.
 */
import { connect } from 'node:net'

const {
  host,
  port,
  path,
  body,
  headers = {},
  rate,
  seconds,
  seed,
  connections,
  drainMs = 3_000,
} = JSON.parse(process.argv[2])
const request = Buffer.from(
  `POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
)
const windowMs = 100

/** mulberry32 */
let state = seed >>> 0
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
}

const outcomes = { answered: [], degraded: [], refused: [] }
let failed = 0
let sent = 0
const windows = []
const free = []
let open = 0
/** Due instants that found no connection. */
const backlog = []
let backlogHead = 0
let ended = false

const began = performance.now()
const count = (kind, due) => {
  const now = performance.now()
  outcomes[kind].push(now - due)
  const at = Math.floor((due - began) / windowMs)
  windows[at] ??= { answered: 0, other: 0, slowest: 0 }
  if (kind === 'answered') {
    windows[at].answered++
    windows[at].slowest = Math.max(windows[at].slowest, now - due)
  } else windows[at].other++
}

function connection() {
  open++
  const socket = connect({ host, port, noDelay: true })
  const one = { socket, due: 0, text: '' }
  socket.setEncoding('latin1')
  socket.on('data', (text) => {
    one.text = one.text === '' ? text : one.text + text
    const head = one.text.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(one.text)?.[1] ?? 0)
    if (one.text.length < head + 4 + length) return
    const status = one.text.slice(9, 12)
    if (status === '200') count(one.text.includes('"degraded":[]') ? 'answered' : 'degraded', one.due)
    else if (status === '503' || status === '504' || status === '429') count('refused', one.due)
    else failed++
    one.text = ''
    one.due = 0
    next(one)
  })
  const gone = () => {
    if (one.due > 0) failed++
    one.due = 0
    open--
    const at = free.indexOf(one)
    if (at >= 0) free.splice(at, 1)
    socket.destroy()
  }
  socket.once('error', gone)
  socket.once('end', gone)
  return one
}

const use = (one, due) => {
  one.due = due
  sent++
  one.socket.write(request)
}
const next = (one) => {
  if (rate === null) return performance.now() < until && use(one, performance.now())
  if (backlogHead < backlog.length) use(one, backlog[backlogHead++])
  else free.push(one)
}
const send = (due) => {
  const one = free.pop()
  if (one !== undefined) use(one, due)
  else if (open < connections) use(connection(), due)
  else backlog.push(due)
}

let due = began
const until = began + seconds * 1000
const turn = () => {
  const now = performance.now()
  while (due <= now && due < until) {
    send(due)
    due += (-Math.log(1 - random()) / rate) * 1000
  }
  if (due < until) setTimeout(turn, 1)
  else setTimeout(finish, drainMs)
}

const quantile = (sorted, q) =>
  sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
function finish() {
  if (ended) return
  ended = true
  const summary = (list) => {
    const sorted = Float64Array.from(list).sort()
    return { count: list.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), most: sorted.at(-1) ?? null }
  }
  const waiting =
    sent +
    backlog.length -
    backlogHead -
    outcomes.answered.length -
    outcomes.degraded.length -
    outcomes.refused.length -
    failed
  process.stdout.write(
    `${JSON.stringify({
      offered: sent + backlog.length - backlogHead,
      answered: summary(outcomes.answered),
      degraded: summary(outcomes.degraded),
      refused: summary(outcomes.refused),
      excess: summary([...outcomes.degraded, ...outcomes.refused]),
      failed,
      unanswered: waiting,
      connections: open,
      windowMs,
      windows: Array.from(windows, (one) => one ?? { answered: 0, other: 0, slowest: 0 }),
    })}\n`,
  )
  process.exit(0)
}
if (rate === null) {
  for (let i = 0; i < connections; i++) use(connection(), performance.now())
  setTimeout(finish, seconds * 1000 + 1_000)
} else turn()
