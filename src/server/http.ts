/** The HTTP server: our API under /v1, health, and the console. It reads and writes JSON, and decides nothing. */
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import type { Logger } from 'pino'
import type { Access, Caller, Services, Status } from '../api/index.ts'
import { parseFilter } from '../api/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import { shorten } from '../kernel/shorten.ts'
import { guard } from './access.ts'
import { batchRoutes } from './batch-routes.ts'
import type { ConsoleFiles } from './console.ts'
import { serveConsole } from './console.ts'
import { answerDirectly } from './direct.ts'
import { answerOnce } from './gateway/answers-once.ts'
import { boundArrivals } from './gateway/arrival.ts'
import { takeJson } from './gateway/bodies.ts'
import type { RateLimits } from './gateway/rates.ts'
import { limitRates, rateLimits } from './gateway/rates.ts'
import { stampArrivals } from './gateway/timing.ts'
import { toJson } from './json.ts'
import type { GrpcCounts } from './metrics/grpc.ts'
import { grpcCounts } from './metrics/grpc.ts'
import { countRequests } from './metrics/requests.ts'
import { metricsOf } from './metrics.ts'
import { mlflowRoutes } from './mlflow/index.ts'
import type { OpenInferenceOptions } from './open-inference/index.ts'
import { directInferences, openInference } from './open-inference/index.ts'
import { openApiRoutes } from './openapi/index.ts'
import { known as knownError, longestPart, problemAnswer, refuseBytes, sendProblem } from './problems.ts'
import { directPredictions, questionRoutes } from './question-routes.ts'
import { registryRoutes } from './registry.ts'
import { instantOf, objectOf } from './request.ts'
import { routesOn } from './routes.ts'
import { mlflowScoring, tfServing } from './scoring/index.ts'
import { traced } from './tracing.ts'
import { drain, underWay } from './under-way.ts'

export interface ServerOptions {
  readonly services: Services
  readonly access: Access
  /** Names under which it may be asked where no key is needed, beside those of this machine. */
  readonly hosts: readonly string[]
  /** By default everybody may ask as often as they like that have no key with a rate. */
  readonly rates?: RateLimits
  /** Of the calls over gRPC beside it. */
  readonly grpc?: GrpcCounts
  readonly console: ConsoleFiles | null
  readonly logger: Logger
  /** Of Sixfold. */
  readonly version: string
}

export interface Server {
  /** Every route, as in `POST /v1/outcomes`. */
  readonly routes: readonly string[]
  /** Port 0 takes any that is free. Gives the address. */
  listen(port: number, host: string): Promise<{ readonly url: string; readonly port: number }>
  /**
   * Takes no new connections, and tells those that there are to end with the next answer; requests on them are answered for as long
   * as the limit `drainMs` says. Then nothing new is taken, and what is under way is answered before it resolves.
   */
  close(): Promise<void>
}

export function httpServer({
  services: unseen,
  access,
  hosts,
  rates = rateLimits(null),
  grpc = grpcCounts(),
  console: files,
  logger,
  version,
}: ServerOptions): Server {
  const services = traced(unseen, logger)
  const { limits } = services
  let stopping = false
  const known = (error: unknown): unknown => knownError(error, limits.bodyBytes)
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    logger: false,
    genReqId: () => '',
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseBytes,
    frameworkErrors: (error, request, reply) => sendProblem(known(error), request, reply, logger),
    // Of a head; of a body `boundArrivals` sees to it, since one that streams may take hours.
    requestTimeout: 0,
    http: { headersTimeout: limits.arrivalMs, connectionsCheckingInterval: Math.min(limits.arrivalMs, 10_000) / 2 },
    routerOptions: { maxParamLength: longestPart, ignoreTrailingSlash: true },
  })
  const registered: string[] = []
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.refuses !== true) for (const one of [method].flat()) registered.push(`${one} ${url}`)
  })
  stampArrivals(app)
  const requests = countRequests(app)
  const admit = guard(app, { access, hosts })
  limitRates(app, rates)
  boundArrivals(app, limits)
  answerOnce(app, limits.idempotencyKeys)
  // The next request is to go to another server.
  app.addHook('onSend', (_, reply, payload, done) => {
    if (stopping) reply.header('connection', 'close')
    done(null, payload)
  })
  takeJson(app, limits)
  app.setErrorHandler((error, request, reply) => sendProblem(known(error), request, reply, logger))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new SixfoldError('SX_NOT_FOUND', `Nothing is at ${request.method} ${shorten(request.url, 200)}.`),
      request,
      reply,
      logger,
    ),
  )

  const routes = routesOn(app)
  const work = underWay()
  const { during } = work
  const answerPrediction = questionRoutes(routes, services, work)
  batchRoutes(routes, services)
  routes.get('/v1/status', 'read', async (request) => toJson(seenBy(request.caller, await services.status())))
  routes.get('/v1/platform', 'read', async () => services.describe())
  routes.post('/v1/clock', 'admin', async (request) => {
    if (services.advanceClock === null)
      throw new SixfoldError('SX_NOT_FOUND', 'The clock of this server passes by itself.', {
        fix: 'Start it with --clock manual to move it.',
      })
    const now = instantOf(objectOf(request.body)['now'], 'now')
    if (now === undefined)
      throw new SixfoldError('SX_REQUEST_INVALID', "'now' is missing.", { fix: 'Send {"now": "<ISO 8601>"}.' })
    services.advanceClock(now)
    return { now: formatInstant(now) }
  })
  const metrics = metricsOf(services, requests, grpc)
  routes.get('/metrics', { right: 'read', everywhere: true }, async (_, reply) => {
    const text = await metrics.text()
    return reply.type(metrics.contentType).send(text)
  })
  routes.get('/healthz', 'nothing', async () => ({ status: 'ok' }))
  routes.get('/readyz', 'nothing', async (_, reply) =>
    stopping || !services.inference.ready()
      ? reply.code(503).send({ status: stopping ? 'stopping' : 'starting' })
      : { status: 'ok' },
  )
  routes.end()
  const inferences: OpenInferenceOptions = {
    ...{ services, logger, version, work },
    ready: () => !stopping && services.inference.ready(),
    known,
  }
  openInference(app, inferences)
  openApiRoutes(app, { platform: services.platform, version })
  tfServing(app, { services, logger, during, known })
  mlflowScoring(app, { services, logger, during, known })
  mlflowRoutes(app, {
    ...{ tracking: services.tracking, registry: services.registry, bodyDepth: limits.bodyDepth, logger, during },
    known,
  })
  registryRoutes(app, {
    registry: services.registry,
    accessRequired: access.required,
    parseFilter: (filter) => parseFilter('registered model', filter),
    during,
  })
  if (files !== null) serveConsole(app, files)
  const directly = [
    ...directPredictions(services, answerPrediction, (error, url) =>
      problemAnswer(known(error), { method: 'POST', url }, logger),
    ),
    ...directInferences(inferences),
  ]
  answerDirectly(app.server, directly, { admit, rates, requests, stopping: () => stopping })

  return {
    routes: registered,
    listen: async (port, host) => {
      await app.listen({ port, host })
      const address = app.server.address() as AddressInfo
      const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address
      return {
        url: `http://${['0.0.0.0', '::'].includes(address.address) ? 'localhost' : shown}:${address.port}`,
        port: address.port,
      }
    },
    close: async () => {
      stopping = true
      await drain(app.server, limits.drainMs)
      const finished = work.finish()
      app.server.closeIdleConnections()
      await finished
      await app.close()
    },
  }
}

/** What belongs to models that the caller may not read is left out. The definitions are no secret. */
function seenBy(caller: Caller, status: Status): Status {
  if (caller.everywhere) return status
  const may = (model: string): boolean => caller.may('read', model)
  return {
    ...status,
    models: status.models.filter(({ model }) => may(model)),
    topics: status.topics.filter(({ topic }) => may(/^(?:predictions|outcomes)\.(.+)$/.exec(topic)?.[1] ?? topic)),
  }
}
