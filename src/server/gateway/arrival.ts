/** Requests that trickle in: each has its time, and all bodies that are on their way have so much memory and no more. */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Limits } from '../../kernel/limits.ts'

/** Of bodies of the largest size that are on their way at once. */
const mostAtOnce = 32
/** Of a body that is on its way beside these, nobody needs to keep count. */
const smallBytes = 64 * 1024
const lookEveryMs = 100

export function boundArrivals(app: FastifyInstance, { bodyBytes, arrivalMs }: Limits): void {
  const most = mostAtOnce * bodyBytes
  /** Said of all bodies that have not come whole yet. */
  let declared = 0
  const streams = countedStreams(() => most - declared)

  app.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const { raw, routeOptions } = request
    const { headers } = raw
    const chunked = headers['transfer-encoding'] !== undefined
    const length = Number(headers['content-length'] ?? 0)
    if ((!chunked && !(length > 0)) || raw.complete || routeOptions.config.streams === true) return done()
    // One that is too long is refused before it is read.
    const counted = chunked || length > bodyBytes ? 0 : length
    if (counted > smallBytes && declared + streams.bytes() + counted > most) {
      reply.header('connection', 'close')
      return done(
        new SixfoldError('SX_OVERLOADED', 'As many large bodies are on their way here as memory is kept for.'),
      )
    }
    declared += counted
    if (chunked) streams.add(raw)
    // A connection on which a body trickles in is given up.
    const timer = setTimeout(() => raw.socket.destroy(), arrivalMs)
    timer.unref()
    let counts = true
    const over = (): void => {
      if (!counts) return
      counts = false
      clearTimeout(timer)
      declared -= counted
      if (chunked) streams.remove(raw)
    }
    raw.once('end', over)
    raw.once('close', over)
    done()
  })
}

/** Bodies that do not say how long they are: what has come of them is looked up now and then, and the largest are given up where it is too much. */
function countedStreams(room: () => number): {
  add(raw: IncomingMessage): void
  remove(raw: IncomingMessage): void
  bytes(): number
} {
  const begun = new Map<IncomingMessage, number>()
  let bytes = 0
  let timer: NodeJS.Timeout | null = null
  const come = (raw: IncomingMessage): number => raw.socket.bytesRead - begun.get(raw)!
  const look = (): void => {
    bytes = 0
    for (const raw of begun.keys()) bytes += come(raw)
    if (bytes <= room()) return
    for (const raw of [...begun.keys()].sort((a, b) => come(b) - come(a))) {
      if (bytes <= room()) return
      bytes -= come(raw)
      raw.socket.destroy()
    }
  }
  return {
    add: (raw) => {
      begun.set(raw, raw.socket.bytesRead)
      timer ??= setInterval(look, lookEveryMs).unref()
    },
    remove: (raw) => {
      begun.delete(raw)
      if (begun.size > 0 || timer === null) return
      clearInterval(timer)
      timer = null
      bytes = 0
    },
    bytes: () => bytes,
  }
}
