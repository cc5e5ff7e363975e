/** When a request came in, how much time its caller gives it, and how urgent it is: read once, before anything else looks at it. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Carrier, Priority } from '../../inference/index.ts'
import { priorities } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** On the monotonic clock. */
    arrived: number
  }
}

export function stampArrivals(app: FastifyInstance): void {
  app.decorateRequest('arrived', 0)
  app.addHook('onRequest', (request, _, done) => {
    request.arrived = (request.raw as Stamped)[stamp] ?? performance.now()
    done()
  })
}

const stamp = Symbol('arrived')
interface Stamped extends IncomingMessage {
  [stamp]?: number
}

/** Of a request that was seen before the routes see it. */
export function keepArrival(request: IncomingMessage, arrived: number): void {
  ;(request as Stamped)[stamp] = arrived
}

export interface Urgency {
  readonly arrived: number
  readonly timeoutMs: number | undefined
  readonly priority: Priority | undefined
  readonly carrier: Carrier
}

/** Throws SX_REQUEST_INVALID for a header that says nothing that can be meant. */
export function urgencyOf({
  headers,
  arrived,
}: {
  readonly headers: IncomingHttpHeaders
  readonly arrived: number
}): Urgency {
  const timeout = headers['x-request-timeout-ms']
  const priority = headers['x-priority']
  return {
    arrived,
    timeoutMs: timeout === undefined ? undefined : millisecondsOf(timeout),
    priority: priority === undefined ? undefined : priorityOf(priority),
    carrier: headers,
  }
}

function millisecondsOf(header: string | readonly string[]): number {
  const milliseconds = /^\d{1,9}(\.\d{1,6})?$/.test(String(header)) ? Number(header) : Number.NaN
  if (milliseconds > 0) return milliseconds
  throw new SixfoldError(
    'SX_REQUEST_INVALID',
    `The header x-request-timeout-ms is '${shorten(String(header))}', no number of milliseconds.`,
    { fix: 'Send a positive number, or leave it out.' },
  )
}

function priorityOf(header: string | readonly string[]): Priority {
  const priority = priorities.find((one) => one === String(header))
  if (priority !== undefined) return priority
  throw new SixfoldError('SX_REQUEST_INVALID', `The header x-priority is '${shorten(String(header))}'.`, {
    fix: `Send one of ${priorities.join(', ')}, or leave it out.`,
  })
}
