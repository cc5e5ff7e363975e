/** Batches over HTTP: what was predicted is looked up, and runs are seen, published and rolled back. Reads JSON and writes it, and decides nothing. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Services } from '../api/index.ts'
import type { BatchAnswer, RunDetail } from '../batch/index.ts'
import type { Batch } from '../definition/batch.ts'
import { batchNamed } from '../definition/graph.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant, parseInstant } from '../kernel/instant.ts'
import type { BatchRun } from '../ports/batch-store.ts'
import { demand } from './access.ts'
import { hasAlready } from './etag.ts'
import { toJson } from './json.ts'
import { listOf, objectOf, only, queryOf, textOf } from './request.ts'
import type { Routes } from './routes.ts'

const reasonMost = 2_000

export function batchRoutes(routes: Routes, { platform, batches }: Services): void {
  /** The right is that to the batch's model, which its definition names. */
  const named = (request: FastifyRequest, right: Parameters<typeof demand>[1]): Batch => {
    const batch = batchNamed(platform, (request.params as { readonly batch: string }).batch)
    demand(request.caller, right, batch.model.name)
    return batch
  }
  const versionOf = (request: FastifyRequest): string => (request.params as { readonly version: string }).version
  const one = async (batch: Batch, key: unknown, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const [answer] = await batches.lookup(batch.name, [key])
    if (answer!.outputs !== null) {
      reply.header('cache-control', 'no-cache')
      const tag = tagOf(answer!)
      if (tag !== null) reply.header('etag', tag)
      return tag !== null && hasAlready(request.headers['if-none-match'], tag)
        ? reply.code(304).send()
        : reply.type('application/json').send(toJson(shown(answer!)))
    }
    if (answer!.version === null)
      throw new SixfoldError('SX_NOT_PUBLISHED', `No version of '${batch.name}' has been published.`)
    throw new SixfoldError(
      'SX_NO_PREDICTION',
      `Version ${answer!.version} of '${batch.name}' has no prediction for this key.`,
    )
  }

  routes.get('/v1/batch/:batch/:key', 'predict', async (request, reply) => {
    const batch = named(request, 'predict')
    const parts = Object.keys(batch.key)
    if (parts.length !== 1)
      throw new SixfoldError(
        'SX_REQUEST_INVALID',
        `A key of '${batch.name}' has ${parts.length} parts: ${parts.join(', ')}.`,
        {
          fix: `Name each: /v1/batch/${batch.name}?${parts.map((part) => `${part}=…`).join('&')}`,
        },
      )
    const { key } = request.params as { readonly key: string }
    return one(batch, keyOf(batch, { [parts[0]!]: key }), request, reply)
  })
  routes.get('/v1/batch/:batch', 'predict', async (request, reply) => {
    const batch = named(request, 'predict')
    return one(batch, keyOf(batch, queryOf(request, Object.keys(batch.key))), request, reply)
  })
  routes.post('/v1/batch/:batch/lookup', 'predict', async (request) => {
    const batch = named(request, 'predict')
    const body = objectOf(request.body)
    only(body, ['keys'])
    const answers = await batches.lookup(batch.name, listOf(body, 'keys'))
    return toJson({ answers: answers.map(shown) })
  })

  routes.get('/v1/batches', { right: 'read', everywhere: true }, async () =>
    toJson({ batches: await batches.standings() }),
  )
  routes.get('/v1/batches/:batch/runs', 'read', async (request) => {
    const { name } = named(request, 'read')
    const { limit = '50', before } = queryOf(request, ['limit', 'before'])
    const whole = (text: string, what: string): number => {
      if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
      throw new SixfoldError('SX_REQUEST_INVALID', `'${what}' is no whole number from 1 on.`)
    }
    const runs = await batches.runs(name, {
      limit: Math.min(500, whole(limit, 'limit')),
      ...(before === undefined ? {} : { before: whole(before, 'before') }),
    })
    return toJson({ runs })
  })
  routes.post('/v1/batches/:batch/runs', 'approve', async (request, reply) => {
    const { name } = named(request, 'approve')
    const body = objectOf(request.body ?? {})
    only(body, ['at', 'engine'])
    const { at: text, engine } = body
    const at = text === undefined ? undefined : typeof text === 'string' ? parseInstant(text) : null
    if (at === null)
      throw new SixfoldError('SX_REQUEST_INVALID', "'at' is no instant.", { fix: 'Send one: "2026-11-24T20:00:00Z".' })
    if (engine !== undefined && engine !== 'local' && engine !== 'spark')
      throw new SixfoldError('SX_REQUEST_INVALID', "'engine' is neither 'local' nor 'spark'.")
    const run = await batches.ask(name, {
      actor: request.caller.actor,
      ...(at === undefined ? {} : { at }),
      ...(engine === undefined ? {} : { engine }),
      ...onceOf(request),
    })
    return reply
      .code(202)
      .header('location', `/v1/batches/${name}/runs/${run.version}`)
      .send(toJson(short(run)))
  })
  routes.post('/v1/batches/:batch/runs/:version/resume', 'approve', async (request, reply) => {
    const { name } = named(request, 'approve')
    only(objectOf(request.body ?? {}), [])
    const { run } = await batches.show(name, versionOf(request))
    return reply.code(202).send(toJson(short(await batches.askAgain(run.id))))
  })
  for (const step of ['hold', 'release'] as const)
    routes.post(`/v1/batches/:batch/${step}`, 'approve', async (request) => {
      const { name } = named(request, 'approve')
      const body = objectOf(request.body ?? {})
      only(body, ['reason'])
      const who = { actor: request.caller.actor, reason: textOf(body, 'reason', reasonMost) }
      return toJson(await batches[step](name, who))
    })
  routes.get('/v1/batches/:batch/runs/:version', 'read', async (request) => {
    const { name, key } = named(request, 'read')
    return toJson({ ...(await batches.show(name, versionOf(request))), key: Object.keys(key) })
  })
  routes.get('/v1/batches/:batch/runs/:version/report', 'read', async (request, reply) => {
    const page = await batches.report(named(request, 'read').name, versionOf(request))
    // It was made from names in data: nothing of it may run, or load anything.
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
      .type('text/html; charset=utf-8')
      .send(page)
  })
  routes.get('/v1/batches/:batch/compare', 'read', async (request) => {
    const { name } = named(request, 'read')
    const { before, after = 'live' } = queryOf(request, ['before', 'after'])
    if (before === undefined)
      throw new SixfoldError('SX_REQUEST_INVALID', "'before' is missing.", {
        fix: 'Name two versions: ?before=7&after=8',
      })
    return toJson(await batches.compare(name, before, after))
  })
  routes.post('/v1/batches/:batch/runs/:version/publish', 'approve', async (request) => {
    const { name } = named(request, 'approve')
    const body = objectOf(request.body ?? {})
    only(body, ['override', 'reason'])
    const { override = false } = body
    if (typeof override !== 'boolean') throw new SixfoldError('SX_REQUEST_INVALID', "'override' is no boolean.")
    const { run } = await batches.show(name, versionOf(request))
    const who = { actor: request.caller.actor, reason: textOf(body, 'reason', reasonMost) }
    return toJson(brief(await batches.publish(run.id, { ...who, override })))
  })
  routes.post('/v1/batches/:batch/runs/:version/cancel', 'approve', async (request) => {
    const { name } = named(request, 'approve')
    const body = objectOf(request.body ?? {})
    only(body, ['reason'])
    const { run } = await batches.show(name, versionOf(request))
    return toJson(
      brief(await batches.cancel(run.id, { actor: request.caller.actor, reason: textOf(body, 'reason', reasonMost) })),
    )
  })
  routes.post('/v1/batches/:batch/rollback', 'approve', async (request) => {
    const { name } = named(request, 'approve')
    const body = objectOf(request.body ?? {})
    only(body, ['version', 'reason'])
    const { version = null } = body
    if (version !== null && !(Number.isSafeInteger(version) && (version as number) > 0))
      throw new SixfoldError('SX_REQUEST_INVALID', "'version' is no version.", {
        fix: 'Send its number, or leave it out for the one before.',
      })
    const who = { actor: request.caller.actor, reason: textOf(body, 'reason', reasonMost) }
    return toJson(brief(await batches.rollback(name, version as number | null, who)))
  })
}

const shown = ({ asOf, ...answer }: BatchAnswer) => ({ ...answer, asOf: asOf === null ? null : formatInstant(asOf) })
const short = ({ id, batch, version, state }: BatchRun) => ({ id, batch, version, state })
const brief = ({ run, live }: RunDetail) => ({ ...short(run), live })

/** Asked for again because its answer was lost, it is the same run. */
function onceOf({ headers }: FastifyRequest): { readonly occasion?: string } {
  const key = headers['idempotency-key']
  return typeof key === 'string' && key !== '' ? { occasion: `request ${key}` } : {}
}

/** Of what a version says of a key, which stays what it is until another is live; only its age does not. Null: it may be another at any time. */
const tagOf = ({ rung, version, stale }: BatchAnswer): string | null =>
  rung === 'exact' ? `W/"${version}${stale ? '-stale' : ''}"` : null

/** Parts come as text; as what they are, they go through the door that all keys enter by. */
function keyOf({ key }: Batch, given: { readonly [part: string]: unknown }): unknown {
  return Object.fromEntries(
    Object.entries(given).map(([part, text]) => {
      const type = Object.hasOwn(key, part) ? key[part] : undefined
      if (typeof text !== 'string') return [part, text]
      if (type === 'boolean' && (text === 'true' || text === 'false')) return [part, text === 'true']
      if (type === 'int64' && /^-?\d{1,15}$/.test(text)) return [part, Number(text)]
      return [part, text]
    }),
  )
}
