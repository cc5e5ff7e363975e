/** The registry over HTTP, under /v1/registry. What may be done is decided there; here is read what is asked for, and by whom. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Asker, LineageQuestion, Registry, Right, Search, Validation } from '../api/index.ts'
import { roles, stages } from '../api/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { Rate } from '../kernel/rate.ts'
import { parseRate } from '../kernel/rate.ts'
import { shorten } from '../kernel/shorten.ts'
import { demand, demandEverywhere } from './access.ts'
import { toJson } from './json.ts'
import { entryAnswer, keyAnswer, modelAnswer, summaryAnswer, versionAnswer, webhookAnswer } from './registry-answers.ts'
import type { Body } from './request.ts'
import { instantOf, objectOf, oneOf, only, queryOf, requiredTextOf, textOf, wholeOf } from './request.ts'
import { routesOn } from './routes.ts'

export interface RegistryRoutesOptions {
  readonly registry: Registry
  /** Whether keys are needed here. */
  readonly accessRequired: boolean
  /** Of a search for models, in the language of filters. */
  readonly parseFilter: (filter: string) => Search['where']
  /** Wraps what changes something: the server ends when it has. Throws SX_STOPPING. */
  readonly during: <T>(work: () => Promise<T>) => Promise<T>
}

const rights: readonly Right[] = ['read', 'predict', 'write', 'approve', 'admin']
const pageSize = { usual: 100, most: 1_000 }
const longest = { reason: 1_000, name: 255, filter: 20_000 }
/** Each takes a process of its own. */
const validationsAtOnce = 4

export function registryRoutes(
  app: FastifyInstance,
  { registry, accessRequired, parseFilter, during }: RegistryRoutesOptions,
): void {
  const routes = routesOn(app)

  routes.get('/v1/registry/access', 'read', async ({ caller }) => ({
    required: accessRequired,
    environment: registry.environment,
    actor: caller.actor,
    role: caller.role,
    rights: rights.filter((right) => caller.may(right, null)),
    models: caller.models,
  }))

  routes.get('/v1/registry/models', 'read', async (request) => {
    const { filter, limit, page } = queryOf(request, ['filter', 'limit', 'page'])
    const size = wholeOf(limit, 'limit', 1, pageSize.most) ?? pageSize.usual
    const { items, more } = await registry.models({
      where: filter === undefined ? [] : parseFilter(textOf({ filter }, 'filter', longest.filter) ?? ''),
      order: [{ of: 'attribute', key: 'name', descending: false }],
      limit: size,
      offset: ((wholeOf(page, 'page', 1, 1_000_000) ?? 1) - 1) * size,
    })
    const shown = items.filter(({ name }) => request.caller.may('read', name))
    return { environment: registry.environment, models: shown.map(summaryAnswer), more }
  })
  routes.get('/v1/registry/models/:model', 'read', async (request) =>
    modelAnswer(await registry.model(modelOf(request))),
  )
  routes.get('/v1/registry/models/:model/diff', 'read', async (request) => {
    const query = queryOf(request, ['a', 'b'])
    const [a, b] = [requiredTextOf(query, 'a', longest.name), requiredTextOf(query, 'b', longest.name)]
    return toJson(await registry.diff(modelOf(request), a, b))
  })
  routes.get('/v1/registry/models/:model/rollback', 'read', async (request) => {
    const { to } = queryOf(request, ['to'])
    return registry.considerRollback(modelOf(request), wholeOf(to, 'to', 1, Number.MAX_SAFE_INTEGER) ?? null)
  })
  routes.post('/v1/registry/models/:model/rollback', 'approve', async (request) => {
    const body = bodyOf(request, ['to', 'reason', 'expected'])
    const to = wholeOf(body['to'] ?? undefined, 'to', 1, Number.MAX_SAFE_INTEGER) ?? null
    const expected = expectedOf(body, ['production'])
    const production = versionOrNone(expected, 'production')
    return during(async () => {
      const { entry, ...result } = await registry.rollback(
        modelOf(request),
        to,
        askerOf(request, body),
        production === undefined ? {} : { production },
      )
      return { ...result, entry: entry === null ? null : entryAnswer(entry) }
    })
  })
  routes.put('/v1/registry/models/:model/aliases/:alias', 'approve', async (request) => {
    const body = bodyOf(request, ['version', 'expected', 'reason'])
    const named = wholeOf(body['version'], 'version', 1, Number.MAX_SAFE_INTEGER)
    if (named === undefined) throw new SixfoldError('SX_REQUEST_INVALID', "'version' is missing.")
    const expected = versionOrNone(body, 'expected')
    return during(async () =>
      entryAnswer(
        await registry.setAlias(modelOf(request), param(request, 'alias'), named, expected, askerOf(request, body)),
      ),
    )
  })
  routes.delete('/v1/registry/models/:model/aliases/:alias', 'approve', async (request) => {
    const query = queryOf(request, ['reason'])
    return during(async () =>
      entryAnswer(await registry.deleteAlias(modelOf(request), param(request, 'alias'), askerOf(request, query))),
    )
  })

  routes.get('/v1/registry/models/:model/versions/:which', 'read', async (request) =>
    toJson(versionAnswer(await registry.version(modelOf(request), param(request, 'which')))),
  )
  routes.get('/v1/registry/models/:model/versions/:which/consider', 'read', async (request) => {
    const { to } = queryOf(request, ['to'])
    return registry.consider(modelOf(request), numberOf(request), oneOf(to, 'to', stages), request.caller.actor)
  })
  routes.get('/v1/registry/models/:model/versions/:which/card', 'read', async (request, reply) => {
    const form = /text\/(markdown|plain)/.test(request.headers.accept ?? '') ? 'markdown' : 'html'
    const card = await registry.card(modelOf(request), numberOf(request), form)
    // What it says comes from whoever trained the model: it is shown, and may do nothing.
    return reply
      .type(form === 'html' ? 'text/html; charset=utf-8' : 'text/markdown; charset=utf-8')
      .header('vary', 'accept')
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:")
      .send(card)
  })
  /** Whoever asks for one that is under way gets what it finds. */
  const validations = new Map<string, Promise<Validation>>()
  routes.post('/v1/registry/models/:model/versions/:which/validate', 'write', async (request) => {
    const body = bodyOf(request, ['reason'])
    const [model, number] = [modelOf(request), numberOf(request)]
    const key = `${number} ${model}`
    const begun = validations.get(key)
    if (begun !== undefined) return toJson(await begun)
    if (validations.size >= validationsAtOnce)
      throw new SixfoldError('SX_OVERLOADED', `${validations.size} versions are being validated already.`)
    const validation = during(() => registry.validate(model, number, { data: null }, askerOf(request, body)))
    validations.set(key, validation)
    try {
      return toJson(await validation)
    } finally {
      validations.delete(key)
    }
  })
  routes.post('/v1/registry/models/:model/versions/:which/move', 'approve', async (request) => {
    const body = bodyOf(request, ['to', 'reason', 'expected', 'archiveOthers'])
    const to = oneOf(body['to'], 'to', stages)
    const wanted = expectedOf(body, ['from', 'production'])
    const production = versionOrNone(wanted, 'production')
    const archiveOthers = body['archiveOthers'] ?? false
    if (typeof archiveOthers !== 'boolean')
      throw new SixfoldError('SX_REQUEST_INVALID', "'archiveOthers' is neither true nor false.")
    const options = {
      expected: {
        ...(wanted['from'] === undefined ? {} : { from: oneOf(wanted['from'], 'expected.from', stages) }),
        ...(production === undefined ? {} : { production }),
      },
      archiveOthers,
    }
    return during(async () => {
      const moved = await registry.move(modelOf(request), numberOf(request), to, options, askerOf(request, body))
      return { stage: moved.stage, entries: moved.entries.map(entryAnswer) }
    })
  })
  routes.post('/v1/registry/models/:model/versions/:which/approve', 'approve', async (request) => {
    const body = bodyOf(request, ['to', 'reason'])
    const to = oneOf(body['to'], 'to', stages)
    return during(async () =>
      entryAnswer(await registry.approve(modelOf(request), numberOf(request), to, askerOf(request, body))),
    )
  })

  routes.get('/v1/registry/lineage', 'read', async (request) => {
    const question = lineageOf(queryOf(request, ['prediction', 'version', 'run', 'column', 'feature']))
    if (question.of === 'version') demand(request.caller, 'read', question.model)
    else demandEverywhere(request.caller)
    return toJson(await registry.lineage(question))
  })

  routes.get('/v1/registry/audit', 'read', async (request) => {
    const query = queryOf(request, ['after', 'before', 'model', 'version', 'limit'])
    const { model } = query
    if (model === undefined) demand(request.caller, 'admin', null)
    else demand(request.caller, 'read', model)
    const [after, before] = [
      wholeOf(query['after'], 'after', 0, 2 ** 52),
      wholeOf(query['before'], 'before', 1, 2 ** 52),
    ]
    const of = wholeOf(query['version'], 'version', 1, 2 ** 52)
    const entries = await registry.audit({
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
      ...(model === undefined ? {} : { model }),
      ...(of === undefined ? {} : { version: of }),
      limit: wholeOf(query['limit'], 'limit', 1, pageSize.most) ?? pageSize.usual,
    })
    return toJson({ entries: entries.map(entryAnswer) })
  })
  routes.get('/v1/registry/audit/verify', { right: 'admin', everywhere: true }, async () =>
    registry.verifyAudit(() => {}),
  )

  routes.get('/v1/registry/keys', 'admin', async () => ({ keys: (await registry.keys()).map(keyAnswer) }))
  routes.post('/v1/registry/keys', 'admin', async (request) => {
    const body = bodyOf(request, ['name', 'role', 'models', 'rate', 'expires', 'reason'])
    const models = body['models'] ?? []
    if (!Array.isArray(models) || !models.every((name) => typeof name === 'string'))
      throw new SixfoldError('SX_REQUEST_INVALID', "'models' is no list of names.")
    const wanted = {
      name: requiredTextOf(body, 'name', longest.name),
      role: oneOf(body['role'], 'role', roles),
      models,
      rate: rateOf(body['rate']),
      expiresAt: instantOf(body['expires'], 'expires') ?? null,
    }
    return during(async () => {
      const { key, ...made } = await registry.createKey(wanted, askerOf(request, body))
      return { key, ...keyAnswer(made) }
    })
  })
  routes.delete('/v1/registry/keys/:id', 'admin', async (request) => {
    const query = queryOf(request, ['reason'])
    return during(async () => entryAnswer(await registry.revokeKey(param(request, 'id'), askerOf(request, query))))
  })
  routes.get('/v1/registry/webhooks', 'admin', async () => ({
    webhooks: (await registry.webhooks()).map(webhookAnswer),
  }))
  routes.end()
}

/** As a text, '100/s:500'. */
function rateOf(value: unknown): Rate | null {
  if (value === undefined || value === null) return null
  const rate = typeof value === 'string' ? parseRate(value) : null
  if (rate === null)
    throw new SixfoldError('SX_REQUEST_INVALID', `'rate' is ${shorten(JSON.stringify(value), 60)}, no rate.`, {
      fix: "Write '100/s', '100/s:500' or '30/m'.",
    })
  return rate
}

const param = (request: FastifyRequest, name: string): string => (request.params as Record<string, string>)[name]!
const modelOf = (request: FastifyRequest): string => param(request, 'model')

function bodyOf(request: FastifyRequest, members: readonly string[]): Body {
  const body = objectOf(request.body)
  only(body, members)
  return body
}

/** Whatever changes something names its version by number: an alias may mean another by the time it is read. */
function numberOf(request: FastifyRequest): number {
  const which = param(request, 'which')
  if (/^[1-9]\d{0,14}$/.test(which)) return Number(which)
  throw new SixfoldError(
    'SX_UNKNOWN_VERSION',
    `'${shorten(which)}' is no number of a version of '${modelOf(request)}'.`,
    {
      fix: 'Name the version by its number.',
    },
  )
}

/** What must be so for the change to be made. */
function expectedOf(body: Body, members: readonly string[]): Body {
  if (body['expected'] === undefined) return {}
  const expected = objectOf(body['expected'])
  only(expected, members)
  return expected
}

function versionOrNone(body: Body, name: string): number | null | undefined {
  return body[name] === null ? null : wholeOf(body[name], name, 1, Number.MAX_SAFE_INTEGER)
}

/** With `Idempotency-Key` a change whose answer was lost can be asked for again. */
function askerOf(request: FastifyRequest, given: Body): Asker {
  const id = request.headers['idempotency-key']
  if (id !== undefined && (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)))
    throw new SixfoldError('SX_REQUEST_INVALID', `'Idempotency-Key' is ${shorten(String(id))}.`, {
      fix: 'Send 32 random hexadecimal digits, in small letters.',
    })
  return {
    actor: request.caller.actor,
    reason: textOf(given, 'reason', longest.reason),
    ...(id === undefined ? {} : { id }),
  }
}

function lineageOf(query: { readonly [name: string]: string }): LineageQuestion {
  const asked = Object.entries(query)
  const [of, value = ''] = asked[0] ?? []
  if (asked.length !== 1 || value === '')
    throw new SixfoldError('SX_REQUEST_INVALID', 'Lineage is asked of one thing.', {
      fix: 'Send one of prediction=ID, version=MODEL/NUMBER, run=ID, column=SOURCE.COLUMN, feature=VIEW.FEATURE.',
    })
  const parts = (separator: string): readonly [string, string] => {
    const at = value.lastIndexOf(separator)
    if (at > 0 && at < value.length - 1) return [value.slice(0, at), value.slice(at + 1)]
    throw new SixfoldError('SX_REQUEST_INVALID', `'${of}' is '${shorten(value)}', of which the parts are not clear.`, {
      fix: `Send two names with '${separator}' between them.`,
    })
  }
  if (of === 'prediction') return { of, id: value }
  if (of === 'run') return { of, run: value }
  if (of === 'version') {
    const [model, number] = parts('/')
    return { of, model, version: wholeOf(number, 'version', 1, Number.MAX_SAFE_INTEGER)! }
  }
  const [first, second] = parts('.')
  return of === 'column' ? { of, source: first, column: second } : { of: 'feature', view: first, feature: second }
}
