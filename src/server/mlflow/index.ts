/**
 * MLflow's REST API, spoken so that its own clients log, register, search and load here without knowing. Routes are in a table; what they
 * do is decided elsewhere, and errors leave in the form that these clients read.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Asker, Registry, Right, Tracking } from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Needs } from '../access.ts'
import { demand } from '../access.ts'
import { parseJson } from '../json.ts'
import { retryAfter } from '../open-inference/index.ts'
import { routesOn } from '../routes.ts'
import { download, listing, upload } from './artifacts.ts'
import type { Call, Route } from './call.ts'
import { mlflowError } from './errors.ts'
import type { Given } from './given.ts'
import { registryRoutes } from './registry-routes.ts'
import { trackingRoutes } from './tracking-routes.ts'

export interface MlflowOptions {
  readonly tracking: Tracking
  readonly registry: Registry
  readonly bodyDepth: number
  readonly logger: Logger
  /** Wraps what changes something: the server ends when it has. */
  readonly during: <T>(work: () => Promise<T>) => Promise<T>
  /** An error of the HTTP library as one of ours. */
  readonly known: (error: unknown) => unknown
}

/** The version of MLflow whose API this is. */
const version = '3.17.2'
/** Runs, and their files, belong to no model. */
const ofRuns = (right: Right): Needs => ({ right, runs: true })
export const mlflowTable: readonly Route[] = [
  ...trackingRoutes.map((route) => ({
    ...route,
    needs: typeof route.needs === 'string' ? ofRuns(route.needs) : route.needs,
  })),
  ...registryRoutes,
]
/** Beside the table: what streams, and what a client asks to learn what it may ask. */
export const mlflowOthers: readonly (readonly [route: string, what: string])[] = [
  ['GET /api/2.0/mlflow-artifacts/artifacts', 'What lies directly in a folder'],
  ['GET /api/2.0/mlflow-artifacts/artifacts/*', 'A file; `Range` and `If-None-Match` are understood'],
  ['PUT /api/2.0/mlflow-artifacts/artifacts/*', 'Puts a file, of at most `limits.artifactBytes`'],
  ['DELETE /api/2.0/mlflow-artifacts/artifacts/*', 'Deletes a file, or a folder with all in it'],
  ['GET /api/3.0/mlflow/server-info', 'What this server can do beside the rest'],
  ['GET /version', 'The version of MLflow whose API this is'],
  ['GET /health', 'Whether the process answers, as `GET /healthz`'],
]

export function mlflowRoutes(app: FastifyInstance, options: MlflowOptions): void {
  for (const prefix of ['/api', '/ajax-api'])
    app.register(
      (scope, _, done) => {
        serve(scope, options)
        done()
      },
      { prefix },
    )
  const routes = routesOn(app)
  routes.get('/version', 'nothing', async (_, reply) => reply.type('text/plain; charset=utf-8').send(version))
  routes.get('/health', 'nothing', async (_, reply) => reply.type('text/plain; charset=utf-8').send('OK'))
  routes.end()
}

function serve(scope: FastifyInstance, options: MlflowOptions): void {
  const { tracking, bodyDepth, logger, during, known } = options
  const refuse = (given: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = known(given)
    const { status, body, code, retry, details } = mlflowError(error)
    if (code === 'SX_INTERNAL')
      logger.error({ err: error, method: request.method, url: request.url }, 'A request failed.')
    if (retry) reply.header('retry-after', retryAfter(details))
    // A body that nobody will read is not waited for.
    if (!request.raw.complete) reply.header('connection', 'close')
    void reply.code(status).type('application/json').send(JSON.stringify(body))
  }
  scope.setErrorHandler(refuse)
  scope.setNotFoundHandler((request, reply) =>
    refuse(
      new SixfoldError('SX_NOT_FOUND', `Nothing is at ${request.method} ${shorten(request.url, 200)}.`),
      request,
      reply,
    ),
  )
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(/^application\/json/, { parseAs: 'buffer' }, (_, body, done) => {
    try {
      done(null, body.length === 0 ? {} : parseJson(body as Buffer, bodyDepth))
    } catch (error) {
      done(error as Error)
    }
  })

  const routes = routesOn(scope)
  for (const route of mlflowTable)
    routes.add(route.method, `/${route.path}`, route.needs, (request) => {
      const call = callOf(request, options)
      return route.changes ? during(() => route.answer(call)) : route.answer(call)
    })
  routes.get('/3.0/mlflow/server-info', 'nothing', async () => serverInfo)
  for (const path of ['mpu/create', 'mpu/complete', 'mpu/abort'])
    routes.post(`/2.0/mlflow-artifacts/${path}/*`, ofRuns('write'), async () => {
      throw notInParts
    })
  routes.get('/2.0/mlflow-artifacts/presigned/*', ofRuns('read'), async () => {
    throw notInParts
  })
  for (const what of ['upload', 'download'])
    routes.post(`/2.0/mlflow/artifacts/presigned-${what}-url`, ofRuns('read'), async () => {
      throw notInParts
    })
  routes.get('/2.0/mlflow-artifacts/artifacts', ofRuns('read'), (request) => listing(request, tracking))
  routes.end()
  scope.register((files, _, done) => {
    streams(files, tracking, during)
    done()
  })
}

/** Bodies of any type, passed on as they come. */
function streams(scope: FastifyInstance, tracking: Tracking, during: MlflowOptions['during']): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_, payload, done) => done(null, payload))
  const path = '/2.0/mlflow-artifacts/artifacts/*'
  const routes = routesOn(scope, { streams: true })
  routes.get(path, ofRuns('read'), (request, reply) => download(request, reply, tracking))
  routes.put(path, ofRuns('write'), (request) => during(() => upload(request, tracking)))
  routes.delete(path, ofRuns('write'), async (request) => {
    await during(() => tracking.deleteFiles((request.params as { readonly '*': string })['*']))
    return {}
  })
  routes.end()
}

function callOf(request: FastifyRequest, { tracking, registry }: MlflowOptions): Call {
  const { caller } = request
  return {
    given: givenIn(request),
    path: request.params as { readonly [name: string]: string },
    tracking,
    registry,
    caller,
    demand: (right, model) => demand(caller, right, model),
    asker: (user): Asker => ({
      actor: caller.actor === 'anyone' ? `mlflow:${nameOf(user)}` : caller.actor,
      reason: null,
    }),
  }
}

const nameOf = (user: string | null | undefined): string => {
  const name = (user ?? '').replace(/[^\w.@+-]/g, '_').slice(0, 100)
  return name === '' ? 'unknown' : name
}

function givenIn(request: FastifyRequest): Given {
  if (request.method === 'GET' || request.method === 'HEAD') return request.query as Given
  // Clients of old encoded it twice.
  const { body } = request
  let given: unknown = body ?? {}
  if (typeof given === 'string')
    try {
      given = JSON.parse(given)
    } catch {
      given = null
    }
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Given
  throw new SixfoldError('SX_REQUEST_MALFORMED', 'The body is no JSON object.')
}

const notInParts = new SixfoldError('SX_NOT_SUPPORTED', 'Files are sent and fetched whole here.', {
  fix: 'Put and get them at /api/2.0/mlflow-artifacts/artifacts.',
})

const serverInfo = {
  store_type: 'SqlStore',
  workspaces_enabled: false,
  trace_archival_enabled: false,
  multipart_uploads_enabled: false,
  multipart_downloads_enabled: false,
  presigned_upload_run_id_supported: false,
  presigned_upload_model_id_supported: false,
  features_enabled: { gateway: false },
}
