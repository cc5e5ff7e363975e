/** The HTTP server: our API under /v1, health, and the console. It reads and writes JSON, and decides nothing. */
import { STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Server as NetServer } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fastify } from 'fastify'
import type { Logger } from 'pino'
import type { Access, Caller, Right, Services, Status } from '../api/index.ts'
import { parseFilter } from '../api/index.ts'
import type { Prediction } from '../inference/index.ts'
import { parseId } from '../inference/index.ts'
import type { ErrorCode } from '../kernel/errors.ts'
import { isSixfoldError, SixfoldError, toProblem } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import { shorten } from '../kernel/shorten.ts'
import { demand, guard } from './access.ts'
import type { ConsoleFiles } from './console.ts'
import { stampArrivals, urgencyOf } from './gateway/timing.ts'
import { parseJson, toJson } from './json.ts'
import { countRequests } from './metrics/requests.ts'
import { metricsOf } from './metrics.ts'
import { mlflowRoutes } from './mlflow/index.ts'
import { openInference, retryAfter } from './open-inference/index.ts'
import { registryRoutes } from './registry.ts'
import type { Body } from './request.ts'
import { instantOf, listOf, objectOf } from './request.ts'
import { routesOn } from './routes.ts'
import { traced } from './tracing.ts'

/** Of a path. Names of models and aliases have up to 256 characters, each of which may come as several. */
const longestPart = 2_000

export interface ServerOptions {
  readonly services: Services
  readonly access: Access
  /** Names under which it may be asked where no key is needed, beside those of this machine. */
  readonly hosts: readonly string[]
  readonly console: ConsoleFiles | null
  readonly logger: Logger
  /** Of Sixfold. */
  readonly version: string
}

export interface Server {
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
  console: files,
  logger,
  version,
}: ServerOptions): Server {
  const services = traced(unseen, logger)
  const { limits } = services
  let stopping = false
  let drained = false
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    logger: false,
    genReqId: () => '',
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseBytes,
    frameworkErrors: (error, request, reply) => sendProblem(known(error, limits.bodyBytes), request, reply, logger),
    // Of a head; of a body `hurry` sees to it, since one that streams may take hours.
    requestTimeout: 0,
    http: { headersTimeout: arrivalMs },
    routerOptions: { maxParamLength: longestPart, ignoreTrailingSlash: true },
  })
  stampArrivals(app)
  const requests = countRequests(app)
  guard(app, { access, hosts })
  app.addHook('onRequest', hurry)
  // The next request is to go to another server.
  app.addHook('onSend', (_, reply, payload, done) => {
    if (stopping) reply.header('connection', 'close')
    done(null, payload)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, parseJson(body as Buffer, limits.bodyDepth))
    } catch (error) {
      done(compressed(request.headers['content-encoding']) ?? (error as Error))
    }
  })
  app.setErrorHandler((error, request, reply) => sendProblem(known(error, limits.bodyBytes), request, reply, logger))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new SixfoldError('SX_NOT_FOUND', `Nothing is at ${request.method} ${shorten(request.url, 200)}.`),
      request,
      reply,
      logger,
    ),
  )

  const routes = routesOn(app)
  /** Requests of which the work has begun. */
  let underWay = 0
  const refuseDrained = (): void => {
    if (drained) throw new SixfoldError('SX_STOPPING', 'The server is stopping: it answers what is under way.')
  }
  const bodyOf = (request: FastifyRequest): Body => {
    refuseDrained()
    return objectOf(request.body)
  }

  routes.post('/v1/models/:model/predict', 'predict', async (request, reply) => {
    const { model } = request.params as { model: string }
    const body = bodyOf(request)
    underWay++
    try {
      const prediction = await services.predict(model, {
        keys: body['keys'],
        request: body['request'],
        at: instantOf(body['at'], 'at'),
        ...urgencyOf(request),
      })
      return reply
        .header('server-timing', serverTiming(prediction))
        .type('application/json')
        .send(writePrediction(prediction))
    } finally {
      underWay--
    }
  })
  routes.post('/v1/views/:view/read', { right: 'predict', everywhere: true }, async (request) => {
    const { view } = request.params as { view: string }
    const body = bodyOf(request)
    const { at, newest, ...rest } = await services.readFeatures(view, body['keys'], instantOf(body['at'], 'at'))
    return toJson({ ...rest, at: formatInstant(at), newest: newest === null ? null : formatInstant(newest) })
  })
  routes.post('/v1/events/:source', { right: 'write', everywhere: true }, async (request) => {
    const { source } = request.params as { source: string }
    const events = listOf(bodyOf(request), 'events')
    underWay++
    try {
      return await services.push(source, events)
    } finally {
      underWay--
    }
  })
  routes.post('/v1/outcomes', 'write', async (request) => {
    const body = bodyOf(request)
    const single = body['outcomes'] === undefined
    const given = single ? [body] : listOf(body, 'outcomes')
    for (const one of given) demandPrediction(request.caller, 'write', (one as { readonly id?: unknown } | null)?.id)
    const result = await services.recordOutcomes(given)
    if (single && result.unknown.length > 0)
      throw new SixfoldError(
        'SX_UNKNOWN_PREDICTION',
        `There is no prediction '${shorten(String(body['id']))}' in the log.`,
      )
    if (single && result.conflicts.length > 0)
      throw new SixfoldError(
        'SX_OUTCOME_CONFLICT',
        `The prediction '${String(body['id'])}' has a different outcome already.`,
      )
    return result
  })
  routes.get('/v1/predictions/:id', 'read', async (request) => {
    const { id } = request.params as { id: string }
    demandPrediction(request.caller, 'read', id)
    return toJson(await services.explain(id))
  })
  routes.get('/v1/status', 'read', async (request) => toJson(seenBy(request.caller, await services.status())))
  routes.get('/v1/platform', 'read', async () => services.describe())
  routes.post('/v1/clock', 'admin', async (request) => {
    if (services.advanceClock === null)
      throw new SixfoldError('SX_NOT_FOUND', 'The clock of this server passes by itself.', {
        fix: 'Start it with --clock manual to move it.',
      })
    const now = instantOf(bodyOf(request)['now'], 'now')
    if (now === undefined)
      throw new SixfoldError('SX_REQUEST_INVALID', "'now' is missing.", { fix: 'Send {"now": "<ISO 8601>"}.' })
    services.advanceClock(now)
    return { now: formatInstant(now) }
  })
  const metrics = metricsOf(services, requests)
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
  const during = async <T>(work: () => Promise<T>): Promise<T> => {
    refuseDrained()
    underWay++
    try {
      return await work()
    } finally {
      underWay--
    }
  }
  openInference(app, {
    ...{ services, logger, version, during },
    ready: () => !stopping && services.inference.ready(),
    known: (error) => known(error, limits.bodyBytes),
  })
  mlflowRoutes(app, {
    ...{ tracking: services.tracking, registry: services.registry, bodyDepth: limits.bodyDepth, logger, during },
    known: (error) => known(error, limits.bodyBytes),
  })
  registryRoutes(app, {
    registry: services.registry,
    accessRequired: access.required,
    parseFilter: (filter) => parseFilter('registered model', filter),
    during,
  })
  if (files !== null) serveConsole(app, files)

  return {
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
      drained = true
      app.server.closeIdleConnections()
      while (underWay > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      await app.close()
    },
  }
}

/**
 * A balancer that is refused a connection asks another server, and nothing is lost. So the listening ends first; what had come by
 * then was accepted in this turn of the event loop. Connections that rest are not ended, as `close` of node:http would: a request
 * may be on its way on one, and nobody could say whether it was carried out.
 */
async function drain(server: NetServer, milliseconds: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
    NetServer.prototype.close.call(server, () => resolve())
  })
  clearTimeout(timer)
}

// --- who may

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

/** The model of a prediction stands in its id. What is no id is refused later, by whoever knows more of it. */
function demandPrediction(caller: Caller, right: Right, id: unknown): void {
  const model = typeof id === 'string' ? parseId(id)?.model : undefined
  if (model !== undefined) demand(caller, right, model)
}

// --- answers

const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000

function serverTiming({ milliseconds: ms }: Prediction): string {
  return `gateway;dur=${round(ms.gateway)}, features;dur=${round(ms.features)}, assembly;dur=${round(ms.assembly)}, queue;dur=${round(ms.queue)}, inference;dur=${round(ms.inference)}, post;dur=${round(ms.post)}, total;dur=${round(ms.total)}`
}

/** Written by hand: this is the answer that matters for speed, and its form is fixed. */
function writePrediction({ id, model, version, at, outputs, degraded, milliseconds: ms }: Prediction): string {
  let values = ''
  for (const name in outputs) {
    const value = outputs[name]!
    values += `${values === '' ? '' : ','}"${name}":${typeof value === 'number' ? value : JSON.stringify(value)}`
  }
  const times = `{"gateway":${round(ms.gateway)},"features":${round(ms.features)},"assembly":${round(ms.assembly)},"queue":${round(ms.queue)},"inference":${round(ms.inference)},"post":${round(ms.post)},"total":${round(ms.total)}}`
  const quoted = (text: string | null): string => (text === null ? 'null' : `"${text}"`)
  return `{"prediction":{${values}},"model":"${model}","version":${quoted(version)},"id":${quoted(id)},"at":"${formatInstant(at)}","degraded":${degraded.length === 0 ? '[]' : JSON.stringify(degraded)},"milliseconds":${times}}`
}

const compressed = (encoding: string | undefined): SixfoldError | null =>
  encoding === undefined || encoding === 'identity'
    ? null
    : new SixfoldError('SX_MEDIA_TYPE', `The body is encoded as '${shorten(encoding)}'.`, {
        fix: 'Send JSON as it is, without content-encoding.',
      })

/** How long a head may take to arrive, and a body after it. */
const arrivalMs = 60_000

/** A connection on which a body trickles in is given up. */
function hurry({ raw, routeOptions }: FastifyRequest, _: FastifyReply, done: () => void): void {
  const { headers } = raw
  const comes = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (comes && !raw.complete && routeOptions.config.streams !== true) {
    const timer = setTimeout(() => raw.socket.destroy(), arrivalMs)
    timer.unref()
    const over = (): void => clearTimeout(timer)
    raw.once('end', over)
    raw.once('close', over)
  }
  done()
}

/** What is no HTTP request at all never reaches a handler. */
function refuseBytes({ code }: NodeJS.ErrnoException, socket: Socket): void {
  // An answer is still to come on this connection: another before it would be taken for it.
  const underWay = (socket as { readonly _httpMessage?: unknown })._httpMessage
  if (code === 'ECONNRESET' || !socket.writable || underWay) return void socket.destroy()
  const problem = toProblem(
    code === 'HPE_HEADER_OVERFLOW'
      ? new SixfoldError('SX_REQUEST_TOO_LARGE', 'The path and the headers are larger than 16384 bytes.')
      : new SixfoldError(
          'SX_REQUEST_MALFORMED',
          code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'The request took too long to arrive.' : 'This is no HTTP request.',
          { fix: 'Send a whole HTTP/1.1 request.' },
        ),
  )
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** Errors of Fastify's own, as ours. */
function known(error: unknown, bodyBytes: number): unknown {
  if (isSixfoldError(error)) return error
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message: string }
  if (code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new SixfoldError('SX_NOT_FOUND', `Nothing is at a path with a part longer than ${longestPart}.`)
  if (code === 'FST_ERR_BAD_URL')
    return new SixfoldError(
      'SX_REQUEST_MALFORMED',
      `The path is not encoded as it should be: ${shorten(message, 200)}`,
      {
        fix: 'Write % as %25, and other characters as the % and two digits of each byte of their UTF-8.',
      },
    )
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new SixfoldError('SX_REQUEST_TOO_LARGE', `The body is larger than ${bodyBytes} bytes.`)
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new SixfoldError('SX_MEDIA_TYPE', 'The body is not declared as JSON.')
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new SixfoldError('SX_REQUEST_MALFORMED', `The request cannot be read: ${shorten(message, 200)}`, {
      cause: error,
    })
  return error
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const problem = toProblem(error)
  if (problem.status >= 500 && problem.code === ('SX_INTERNAL' satisfies ErrorCode))
    logger.error({ err: error, method: request.method, url: request.url }, 'A request failed.')
  if (problem.retry) reply.header('retry-after', retryAfter(problem.details))
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

function serveConsole(app: FastifyInstance, files: ConsoleFiles): void {
  for (const [path, { type, bytes, immutable }] of files)
    app.get(path, { config: { needs: 'nothing' } }, async (_, reply) =>
      reply
        .type(type)
        .header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
        .header(
          'content-security-policy',
          "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
        )
        .header('x-content-type-options', 'nosniff')
        .send(bytes),
    )
}
