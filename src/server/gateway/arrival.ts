/** Requests that trickle in: each has its time, and all bodies that are on their way have so much memory and no more. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Limits } from '../../kernel/limits.ts'

/** Of bodies of the largest size that are on their way at once. */
const mostAtOnce = 32
/** Of a body that is on its way beside these, nobody needs to keep count. */
const smallBytes = 64 * 1024

export function boundArrivals(app: FastifyInstance, { bodyBytes, arrivalMs }: Limits): void {
  /** Said of all bodies that have not come whole yet. */
  let expected = 0

  app.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const { raw, routeOptions } = request
    const { headers } = raw
    const chunked = headers['transfer-encoding'] !== undefined
    const length = Number(headers['content-length'] ?? 0)
    if ((!chunked && !(length > 0)) || raw.complete || routeOptions.config.streams === true) return done()
    const counted = chunked ? bodyBytes : length > bodyBytes ? 0 : length
    if (counted > smallBytes && expected + counted > mostAtOnce * bodyBytes) {
      reply.header('connection', 'close')
      return done(
        new SixfoldError('SX_OVERLOADED', 'As many large bodies are on their way here as memory is kept for.'),
      )
    }
    expected += counted
    // A connection on which a body trickles in is given up.
    const timer = setTimeout(() => raw.socket.destroy(), arrivalMs)
    timer.unref()
    let counts = true
    const over = (): void => {
      clearTimeout(timer)
      if (counts) expected -= counted
      counts = false
    }
    raw.once('end', over)
    raw.once('close', over)
    done()
  })
}
