/** Requests by the route that took them and how they were answered, and what there was to answer fast: counted as they end. */
import type { FastifyInstance } from 'fastify'
import type { Families } from './families.ts'

/** By method and route: the pattern of the path, never the path itself, which is the callers'. */
export type RequestCounts = ReadonlyMap<string, Route>

interface Route {
  readonly method: string
  readonly route: string
  readonly byStatus: Map<number, number>
}

/** To be called before routes are added. */
export function countRequests(app: FastifyInstance): RequestCounts {
  const counts = new Map<string, Route>()
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    const key = `${request.method} ${route}`
    let counted = counts.get(key)
    if (counted === undefined) {
      counted = { method: request.method, route, byStatus: new Map() }
      counts.set(key, counted)
    }
    counted.byStatus.set(reply.statusCode, (counted.byStatus.get(reply.statusCode) ?? 0) + 1)
    done()
  })
  return counts
}

export function requestMetrics({ counter }: Families): (counts: RequestCounts) => void {
  const requests = counter(
    'sixfold_http_requests_total',
    'Requests that were answered, by route and status. 429: above the rate of a key; 503: overloaded or stopping.',
    'method',
    'route',
    'status',
  )
  return (counts) => {
    for (const { method, route, byStatus } of counts.values())
      for (const [status, count] of byStatus) requests.inc({ method, route, status: `${status}` }, count)
  }
}
