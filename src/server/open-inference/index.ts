/**
 * The Open Inference Protocol, version 2, over HTTP: what KServe, Triton and their clients speak. Bodies come without a content type, with
 * bytes after their JSON, and compressed as one piece; errors are one text.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Right, Services } from '../../api/index.ts'
import { modelsOf } from '../../definition/graph.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { demand } from '../access.ts'
import type { Answer } from '../answer.ts'
import { jsonType, sendAnswer } from '../answer.ts'
import type { DirectRoute } from '../direct.ts'
import { packed, unpacked } from '../gateway/encoding.ts'
import { urgencyOf } from '../gateway/timing.ts'
import { parseJson } from '../json.ts'
import { routesOn } from '../routes.ts'
import type { UnderWay } from '../under-way.ts'
import { protocolError } from './errors.ts'
import type { HttpAnswer } from './http-codec.ts'
import { headerLength, readInfer, writeInfer } from './http-codec.ts'
import { infer } from './infer.ts'
import type { Named } from './models.ts'
import { allNamed, isReady, metadataOf, named } from './models.ts'
import { configOf, indexOf, statisticsOf } from './statistics.ts'

export interface OpenInferenceOptions {
  readonly services: Services
  readonly logger: Logger
  /** Of Sixfold. */
  readonly version: string
  readonly work: UnderWay
  /** Whether it takes requests: false before it is warm, and while it stops. */
  readonly ready: () => boolean
  /** An error of the HTTP library as one of ours. */
  readonly known: (error: unknown) => unknown
}

export const extensions = [
  'classification',
  'model_configuration',
  'model_repository',
  'model_repository(unload_dependents)',
  'schedule_policy',
  'binary_tensor_data',
  'parameters',
  'statistics',
] as const

/** For the reference. */
export const openInferenceRoutes: readonly (readonly [route: string, what: string])[] = [
  ['GET /v2', 'The server, and the extensions of the protocol that it has'],
  ['GET /v2/health/live', 'Whether the process answers'],
  ['GET /v2/health/ready', 'Whether every model that is in production is loaded and warm'],
  ['GET /v2/models/:name[/versions/:version]', 'What a model takes and gives'],
  ['GET /v2/models/:name[/versions/:version]/ready', 'Whether it answers; 400 if not'],
  ['GET /v2/models/:name[/versions/:version]/config', 'Its configuration, as Triton has it'],
  ['GET /v2/models[/:name[/versions/:version]]/stats', 'Counts and times'],
  ['POST /v2/models/:name[/versions/:version]/infer', 'An inference: tensors as JSON or as bytes'],
  ['POST /v2/repository/index', 'Every model with its versions, and whether they answer'],
  ['POST /v2/repository/models/:name/load', 'Has versions answer here beside the one in production'],
  ['POST /v2/repository/models/:name/unload', 'Takes a model off here, for this protocol'],
]

export function openInference(app: FastifyInstance, options: OpenInferenceOptions): void {
  app.register(
    (scope, _, done) => {
      serve(scope, options)
      done()
    },
    { prefix: '/v2' },
  )
}

type AnswerInfer = (
  one: Named,
  version: string | null,
  body: Buffer,
  asked: { readonly headers: IncomingHttpHeaders; readonly arrived: number },
) => Promise<Answer>

const answering =
  ({ services, work }: OpenInferenceOptions): AnswerInfer =>
  async (one, version, body, asked) => {
    work.begin()
    try {
      const { arrived, timeoutMs, priority, carrier } = urgencyOf(asked)
      const given = readInfer(body, asked.headers, services.limits.bodyDepth)
      const response = await infer(services, one, given, { version, arrived, timeoutMs, priority, carrier })
      const written = writeInfer(response, given)
      return await answerOf(written, asked.headers['accept-encoding'])
    } finally {
      work.end()
    }
  }

async function answerOf(written: HttpAnswer, accepted: string | readonly string[] | undefined): Promise<Answer> {
  const { body, encoding } = accepted === undefined ? asItIs(written) : await packed(written.body, accepted)
  const headers = written.jsonLength === null ? [...jsonType] : ['content-type', 'application/octet-stream']
  if (encoding !== null) headers.push('content-encoding', encoding)
  if (written.jsonLength !== null) headers.push(headerLength, String(written.jsonLength))
  return { status: 200, headers, body }
}
const asItIs = ({ body }: HttpAnswer) => ({ body, encoding: null })

function refusal(
  error: unknown,
  { method, url }: { readonly method: string; readonly url: string },
  logger: Logger,
): Answer {
  const { status, body, problem } = protocolError(error)
  if (problem.code === 'SX_INTERNAL') logger.error({ err: error, method, url }, 'A request failed.')
  return {
    status,
    headers: [...(problem.retry ? ['retry-after', retryAfter(problem.details)] : []), ...jsonType],
    body: JSON.stringify(body),
  }
}

/** Of every model and its pipeline, no version named, for those who ask as nearly all do. */
export function directInferences(options: OpenInferenceOptions): readonly DirectRoute[] {
  const { services, logger, known } = options
  const answer = answering(options)
  return modelsOf(services.platform).flatMap(({ name: model }) =>
    [model, `${model}.pipeline`].map(
      (name): DirectRoute => ({
        path: `/v2/models/${name}/infer`,
        route: '/v2/models/:name/infer',
        needs: { right: 'predict' },
        model,
        takesType: (type) => type === undefined || ordinaryTypes.has(type),
        answer: (body, headers, arrived) => answer(named(services, name), null, body, { headers, arrived }),
        refuse: (error, url) => refusal(known(error), { method: 'POST', url }, logger),
      }),
    ),
  )
}
const ordinaryTypes = new Set(['application/json', 'application/octet-stream'])

function serve(scope: FastifyInstance, options: OpenInferenceOptions): void {
  const { services, logger, version, ready, known } = options
  const answerInfer = answering(options)
  const { limits } = services
  const refuse = (given: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    if (!request.raw.complete) reply.header('connection', 'close')
    void sendAnswer(reply, refusal(known(given), request, logger))
  }
  scope.setErrorHandler(refuse)
  scope.setNotFoundHandler((request, reply) =>
    refuse(
      new SixfoldError('SX_NOT_FOUND', `Nothing is at ${request.method} ${shorten(request.url, 200)}`),
      request,
      reply,
    ),
  )
  // Whatever type a client says, or none: what it sends is for the routes to say.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    unpacked(body as Buffer, request.headers['content-encoding'], limits.bodyBytes).then(
      (bytes) => done(null, bytes),
      (error: unknown) => done(error as Error),
    )
  })

  const routes = routesOn(scope)
  /** With a version in the path, and without. */
  const ofModel = (
    method: 'GET' | 'POST',
    what: string,
    right: Right,
    answer: (one: Named, version: string | null, request: FastifyRequest, reply: FastifyReply) => unknown,
  ): void => {
    for (const path of [`/models/:name${what}`, `/models/:name/versions/:version${what}`])
      routes.add(method, path, { right }, async (request, reply) => {
        const { name, version = null } = request.params as { readonly name: string; readonly version?: string }
        demand(request.caller, right, name.replace(/\.pipeline$/, ''))
        return answer(named(services, name), version, request, reply)
      })
  }

  routes.get('', { right: 'predict' }, async () => ({ name: 'sixfold', version, extensions }))
  const health = (path: string, holds: () => boolean): void =>
    routes.get(path, 'nothing', (_, reply) => {
      void reply
        .code(holds() ? 200 : 400)
        .type('text/plain')
        .send('')
    })
  health('/health/live', () => true)
  health('/health/ready', ready)
  ofModel('GET', '/ready', 'predict', (one, wanted, _, reply) => {
    if (!isReady(one, wanted)) throw new SixfoldError('SX_REQUEST_INVALID', 'Model version not ready')
    return reply.type('text/plain').send('')
  })
  ofModel('GET', '', 'predict', (one, wanted) => metadataOf(services, one, wanted))
  ofModel('GET', '/config', 'predict', (one, wanted) => configOf(services, one, wanted))
  ofModel('GET', '/stats', 'predict', (one, wanted) => {
    const found = statisticsOf(services, one, wanted)
    // What is unknown is told as everywhere else.
    if (found.length === 0) metadataOf(services, one, wanted)
    return { model_stats: found }
  })
  routes.get('/models/stats', { right: 'predict', everywhere: true }, async () => ({
    model_stats: allNamed(services).flatMap((one) => statisticsOf(services, one, null)),
  }))

  ofModel('POST', '/infer', 'predict', async (one, wanted, request, reply) =>
    sendAnswer(reply, await answerInfer(one, wanted, bytesOf(request), request)),
  )

  const members = (request: FastifyRequest): { readonly [member: string]: unknown } => {
    const bytes = bytesOf(request)
    const given = bytes.length === 0 ? {} : parseJson(bytes, limits.bodyDepth)
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as {}
    throw new SixfoldError('SX_REQUEST_MALFORMED', 'The body is no JSON object')
  }
  routes.post('/repository/index', { right: 'read' }, async (request) =>
    indexOf(
      allNamed(services).filter(({ model }) => request.caller.may('read', model)),
      members(request)['ready'] === true,
    ),
  )
  for (const verb of ['load', 'unload'] as const)
    routes.post(`/repository/models/:name/${verb}`, { right: 'admin' }, async (request, reply) => {
      const one = named(services, (request.params as { readonly name: string }).name)
      demand(request.caller, 'admin', one.model)
      if (one.pipeline)
        throw new SixfoldError('SX_REQUEST_INVALID', `'${one.name}' comes and goes with '${one.model}'`, {
          fix: `Name '${one.model}'.`,
        })
      if (verb === 'unload') await services.inference.unload(one.model)
      else await services.inference.load(one.model, versionsIn(members(request)))
      return reply.type('application/json').send('')
    })
  for (const path of ['/logging', '/trace/setting', '/models/:name/trace/setting'])
    for (const method of ['GET', 'POST'] as const)
      routes.add(method, path, { right: 'predict' }, async () => {
        throw new SixfoldError('SX_NOT_SUPPORTED', 'Logging and tracing are not set through this protocol', {
          fix: 'Set the log level in the configuration; traces go where OpenTelemetry is told to send them.',
        })
      })
  for (const memory of ['systemsharedmemory', 'cudasharedmemory'])
    for (const [method, path] of [
      ['GET', `/${memory}/status`],
      ['POST', `/${memory}/unregister`],
      ['GET', `/${memory}/region/:region/status`],
      ['POST', `/${memory}/region/:region/register`],
      ['POST', `/${memory}/region/:region/unregister`],
    ] as const)
      routes.add(method, path, { right: 'predict' }, async () => {
        throw new SixfoldError('SX_NOT_SUPPORTED', 'Shared memory is not served', {
          fix: 'Send tensors in the request.',
        })
      })
  routes.end()
}

const bytesOf = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0))

/** In whole seconds, as the header wants it. */
export const retryAfter = (details: { readonly [name: string]: unknown } | undefined): string => {
  const milliseconds = Number(details?.['retryMs'])
  return String(Math.max(1, Math.ceil((Number.isFinite(milliseconds) ? milliseconds : 1_000) / 1_000)))
}

const isNumber = (one: unknown): boolean =>
  (typeof one === 'string' || typeof one === 'number') && /^\d{1,9}$/.test(String(one))

/** Of Triton's way to load: a configuration, as a text of JSON, with a policy that names versions. Null: the one in production. */
export function versionsIn(body: { readonly [member: string]: unknown }): readonly string[] | null {
  const parameters = (body['parameters'] ?? {}) as { readonly [name: string]: unknown }
  for (const name of Object.keys(parameters))
    if (name.startsWith('file:'))
      throw new SixfoldError('SX_NOT_SUPPORTED', 'A model is not taken in through this protocol', {
        fix: 'Register it: `sixfold model add`, or log it with MLflow.',
      })
  const config = parameters['config']
  if (config === undefined) return null
  let parsed: unknown = null
  try {
    parsed = typeof config === 'string' ? JSON.parse(config) : config
  } catch {
    // It is told below.
  }
  const versions = (
    parsed as { readonly version_policy?: { readonly specific?: { readonly versions?: unknown } } } | null
  )?.version_policy?.specific?.versions
  if (Array.isArray(versions) && versions.every(isNumber)) return versions.map(String)
  if (typeof parsed === 'object' && parsed !== null && !('version_policy' in parsed)) return null
  throw new SixfoldError('SX_REQUEST_INVALID', 'The configuration names no versions', {
    fix: 'Send {"parameters":{"config":"{\\"version_policy\\":{\\"specific\\":{\\"versions\\":[1,2]}}}"}}, or no configuration.',
  })
}
