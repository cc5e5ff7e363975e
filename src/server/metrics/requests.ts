/** Requests by the route that took them and how they were answered, and what there was to answer fast: counted as they end. */
import type { FastifyInstance } from 'fastify'
import type { Families } from './families.ts'

/** `routes`: by method and route: the pattern of the path, never the path itself, which is the callers'. */
export interface RequestCounts {
  readonly routes: ReadonlyMap<string, Route>
  /** For what is answered before the routes are asked: counts one more of a route, as it was answered. */
  counter(method: string, route: string): (status: number) => void
  /** Of them, those that were answered as the first with their idempotency key was. */
  readonly replayed: () => number
}

interface Route {
  readonly method: string
  readonly route: string
  readonly byStatus: Map<number, number>
}

/** To be called before routes are added. */
export function countRequests(app: FastifyInstance): RequestCounts {
  const counts = new Map<string, Route>()
  let replayed = 0
  const routeOf = (method: string, route: string): Route => {
    const key = `${method} ${route}`
    let counted = counts.get(key)
    if (counted === undefined) {
      counted = { method, route, byStatus: new Map() }
      counts.set(key, counted)
    }
    return counted
  }
  const add = ({ byStatus }: Route, status: number): void => {
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
  }
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    add(routeOf(request.method, route), reply.statusCode)
    if (request.method === 'POST' && reply.getHeader('idempotency-replayed') !== undefined) replayed++
    done()
  })
  return {
    routes: counts,
    counter: (method, route) => {
      let counted: Route | null = null
      return (status) => {
        counted ??= routeOf(method, route)
        add(counted, status)
      }
    },
    replayed: () => replayed,
  }
}

export function requestMetrics({ counter }: Families): (counts: RequestCounts) => void {
  const requests = counter(
    'sixfold_http_requests_total',
    'Requests that were answered, by route and status. 429: above the rate of a key; 503: overloaded or stopping.',
    'method',
    'route',
    'status',
  )
  const replays = counter(
    'sixfold_idempotent_replays_total',
    'Requests that were answered as the first with their key was.',
  )
  return ({ routes, replayed }) => {
    replays.inc(replayed())
    for (const { method, route, byStatus } of routes.values())
      for (const [status, count] of byStatus) requests.inc({ method, route, status: `${status}` }, count)
  }
}
