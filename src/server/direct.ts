/**
 * The questions that are asked most, answered before the routes are looked at: a request of the ordinary form, whose body came whole with
 * its head, to a path that is known by heart. What lets it in, reads it, answers it and counts it is what the routes use too. Whatever is
 * unusual, and whatever is to be refused before its body is read, goes on to them untouched.
 */
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { context, trace } from '@opentelemetry/api'
import { atEndOfTurn } from '../kernel/turn.ts'
import type { Admit, Needs } from './access.ts'
import type { Answer } from './answer.ts'
import type { RateLimits } from './gateway/rates.ts'
import { addressOf, headersOf } from './gateway/rates.ts'
import { keepArrival } from './gateway/timing.ts'
import type { RequestCounts } from './metrics/requests.ts'

/** A route of POST of one model. */
export interface DirectRoute {
  /** As it is asked for. */
  readonly path: string
  /** As it is counted: the route that would have taken it. */
  readonly route: string
  readonly needs: Needs
  readonly model: string
  takesType(type: string | undefined): boolean
  answer(body: Buffer, headers: IncomingHttpHeaders, arrived: number): Promise<Answer>
  refuse(error: unknown, path: string): Answer
}

export interface DirectOptions {
  readonly admit: Admit
  readonly rates: RateLimits
  readonly requests: RequestCounts
  /** The next request is to go to another server. */
  readonly stopping: () => boolean
}

/** What is longer mostly comes in pieces. */
const mostBytes = 64 * 1024

interface Known extends DirectRoute {
  readonly count: (status: number) => void
}
interface Waiting {
  readonly route: Known
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly arrived: number
}

/** To be called when the server has its listener: what is not answered here goes on to that. */
export function answerDirectly(
  server: Server,
  routes: readonly DirectRoute[],
  { admit, rates, requests, stopping }: DirectOptions,
): void {
  const known = new Map<string, Known>(
    routes.map((route) => [route.path, { ...route, count: requests.counter('POST', route.route) }]),
  )
  const [rest] = server.listeners('request') as RequestListener[]
  let waiting: Waiting[] = []

  const isOrdinary = (headers: IncomingHttpHeaders, { takesType }: Known): boolean => {
    const length = Number(headers['content-length'])
    return (
      length > 0 &&
      length <= mostBytes &&
      headers['transfer-encoding'] === undefined &&
      headers['content-encoding'] === undefined &&
      headers['idempotency-key'] === undefined &&
      headers.expect === undefined &&
      takesType(headers['content-type'])
    )
  }

  /** The headers of the rate, where there is one; null for whoever is not let in, which the routes tell them. */
  const letIn = ({ needs, model }: Known, request: IncomingMessage): readonly string[] | null => {
    try {
      const caller = admit(request.headers, 'POST', needs, model)
      const allowance = rates.ask(caller, addressOf(request))
      if (allowance === null) return none
      // Nothing was taken: asked once more, it is refused once more.
      if (!allowance.allowed) return null
      const { policy, state } = headersOf(allowance)
      return ['ratelimit-policy', policy, 'ratelimit', state]
    } catch {
      return null
    }
  }

  const answer = ({ route, request, response, arrived }: Waiting): void => {
    // All of its body is here, or it is waited for by those who bound that.
    const rated = request.complete && !stopping() ? letIn(route, request) : null
    if (rated === null) {
      keepArrival(request, arrived)
      rest!(request, response)
      return
    }
    const send = ({ status, headers, body }: Answer): void => {
      const head = [...headers, ...rated, 'content-length', String(Buffer.byteLength(body))]
      if (stopping()) head.push('connection', 'close')
      response.writeHead(status, head)
      response.end(body)
      route.count(status)
    }
    const refuse = (error: unknown): void => send(route.refuse(error, request.url!))
    try {
      route.answer(request.read() as Buffer, request.headers, arrived).then(send, refuse)
    } catch (error) {
      refuse(error)
    }
  }

  /** What came in one turn of the event loop is answered after it: by then the bodies are there. */
  const answerAll = (): void => {
    const all = waiting
    waiting = []
    for (const one of all) answer(one)
  }

  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const route = request.method === 'POST' ? known.get(request.url!) : undefined
    // Whoever instruments node:http has a context for each request, which would be lost here.
    if (route === undefined || !isOrdinary(request.headers, route) || trace.getSpan(context.active()) !== undefined)
      return rest!(request, response)
    if (waiting.push({ route, request, response, arrived: performance.now() }) === 1) atEndOfTurn(answerAll)
  })
}

const none: readonly string[] = []
