/** Registered models, versions, aliases, stages and webhooks in MLflow's API. */
import { randomUUID } from 'node:crypto'
import type { ModelVersion, PlainChange, Webhook } from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Answer } from './answers.ts'
import { modelAnswer, page, versionAnswer, webhookAnswer } from './answers.ts'
import type { Call, Route } from './call.ts'
import { get, patch, post, remove } from './call.ts'
import type { Given } from './given.ts'
import {
  flagOr,
  object,
  objects,
  oneOf,
  optionalText,
  pairs,
  text,
  textOr,
  texts,
  versionIn,
  wholeOr,
} from './given.ts'
import { queryIn } from './tracking-routes.ts'

const stages = { none: 'none', staging: 'staging', production: 'production', archived: 'archived' } as const

function stageIn(name: string): (typeof stages)[keyof typeof stages] {
  const known = name.toLowerCase()
  if (Object.hasOwn(stages, known)) return stages[known as keyof typeof stages]
  throw new SixfoldError('SX_REQUEST_INVALID', `'${shorten(name)}' is no stage.`, {
    fix: 'Use one of None, Staging, Production, Archived.',
  })
}

/** The name of the model, of which the caller may read. */
function readable({ given, demand }: Call): string {
  const name = text(given, 'name')
  demand('read', name)
  return name
}
async function change(
  { registry, asker, demand }: Call,
  wanted: PlainChange & { readonly model: string },
  right: 'write' | 'admin',
): Promise<void> {
  demand(right, wanted.model)
  await registry.change(wanted, asker())
}
const answered = (call: Call, version: ModelVersion): Answer => ({
  model_version: versionAnswer(version, call.registry.environment),
})
const modelNamed = async ({ tracking, registry }: Call, name: string): Promise<Answer> => ({
  registered_model: modelAnswer(await tracking.model(name), registry.environment),
})
/** Of a version that is not there this says so, before a change is made of it. */
const versionGiven = async (call: Call): Promise<ModelVersion> =>
  call.tracking.version(text(call.given, 'name'), versionIn(call.given))

const latest = async (call: Call): Promise<Answer> => {
  const name = readable(call)
  const wanted = texts(call.given, 'stages').map(stageIn)
  const { latest } = await call.tracking.model(name)
  const all = latest.map((version) => versionAnswer(version, call.registry.environment))
  const asked = all.filter(
    ({ current_stage }) => wanted.length === 0 || wanted.includes(stageIn(current_stage as string)),
  )
  return { model_versions: asked.length === 0 ? undefined : asked }
}

const models: readonly Route[] = [
  post('2.0/mlflow/registered-models/create', 'write', 'Enters a model in the registry', async (call) => {
    const name = text(call.given, 'name')
    const description = optionalText(call.given, 'description')
    await change(call, { kind: 'model.created', model: name, description, tags: pairs(call.given, 'tags') }, 'write')
    return modelNamed(call, name)
  }),
  get('2.0/mlflow/registered-models/get', 'read', 'A registered model', async (call) =>
    modelNamed(call, readable(call)),
  ),
  get(
    '2.0/mlflow/registered-models/search',
    'read',
    'Registered models that a filter selects',
    async ({ given, tracking, registry, caller }) => {
      const { items, next } = await tracking.searchModels(queryIn(given, 100))
      const seen = items.filter(({ name }) => caller.may('read', name))
      return page('registered_models', { items: seen, next }, (model) => modelAnswer(model, registry.environment))
    },
  ),
  post('2.0/mlflow/registered-models/get-latest-versions', 'read', 'The newest version of each stage', latest),
  get('2.0/mlflow/registered-models/get-latest-versions', 'read', 'The same', latest),
  patch('2.0/mlflow/registered-models/update', 'write', 'Describes a registered model', async (call) => {
    const model = text(call.given, 'name')
    await call.tracking.model(model)
    await change(call, { kind: 'model.updated', model, description: optionalText(call.given, 'description') }, 'write')
    return modelNamed(call, model)
  }),
  post('2.0/mlflow/registered-models/rename', 'write', 'Renames a registered model', async (call) => {
    const [model, to] = [text(call.given, 'name'), text(call.given, 'new_name')]
    call.demand('write', to)
    await change(call, { kind: 'model.renamed', model, to }, 'write')
    return modelNamed(call, to)
  }),
  remove(
    '2.0/mlflow/registered-models/delete',
    'admin',
    'Deletes a registered model, with its versions',
    async (call) => {
      await change(call, { kind: 'model.deleted', model: text(call.given, 'name') }, 'admin')
      return {}
    },
  ),
  post('2.0/mlflow/registered-models/set-tag', 'write', 'Tags a registered model', async (call) => {
    const [model, key] = [text(call.given, 'name'), text(call.given, 'key')]
    await change(call, { kind: 'model.tagged', model, key, value: textOr(call.given, 'value', '') }, 'write')
    return {}
  }),
  remove('2.0/mlflow/registered-models/delete-tag', 'write', 'Removes a tag', async (call) => {
    const [model, key] = [text(call.given, 'name'), text(call.given, 'key')]
    const { tags } = await call.tracking.model(model)
    if (Object.hasOwn(tags, key)) await change(call, { kind: 'model.untagged', model, key }, 'write')
    return {}
  }),
  post(
    '2.0/mlflow/registered-models/alias',
    'approve',
    'Points an alias at a version; `expected_version` is compared first',
    async (call) => {
      const [model, alias, version] = [text(call.given, 'name'), text(call.given, 'alias'), versionIn(call.given)]
      call.demand('approve', model)
      const expected = !Object.hasOwn(call.given, 'expected_version')
        ? undefined
        : call.given['expected_version'] === null
          ? null
          : versionIn(call.given, 'expected_version')
      await call.registry.setAlias(model, alias, version, expected, call.asker())
      return {}
    },
  ),
  get('2.0/mlflow/registered-models/alias', 'read', 'The version that an alias names', async (call) =>
    answered(call, await call.tracking.versionAs(readable(call), text(call.given, 'alias'))),
  ),
  remove('2.0/mlflow/registered-models/alias', 'approve', 'Removes an alias', async (call) => {
    const [model, alias] = [text(call.given, 'name'), text(call.given, 'alias')]
    call.demand('approve', model)
    const { aliases } = await call.tracking.model(model)
    if (Object.hasOwn(aliases, alias)) await call.registry.deleteAlias(model, alias, call.asker())
    return {}
  }),
]

const versions: readonly Route[] = [
  post(
    '2.0/mlflow/model-versions/create',
    'write',
    'Registers a version: of a logged model, of a run, or of another version',
    async (call) => {
      const { given, tracking } = call
      const wanted = {
        model: text(given, 'name'),
        source: text(given, 'source'),
        run: optionalText(given, 'run_id') || null,
        loggedModel: optionalText(given, 'model_id') || null,
        runLink: textOr(given, 'run_link', ''),
        description: textOr(given, 'description', ''),
        tags: pairs(given, 'tags'),
      }
      call.demand('write', wanted.model)
      const of = copiedFrom(wanted.source)
      if (of !== null && !call.caller.everywhere) call.demand('read', of)
      return answered(call, await tracking.registerVersion(wanted, call.asker(await userOf(call, wanted))))
    },
  ),
  get('2.0/mlflow/model-versions/get', 'read', 'A version', async (call) => {
    readable(call)
    return answered(call, await versionGiven(call))
  }),
  get(
    '2.0/mlflow/model-versions/search',
    'read',
    'Versions that a filter selects',
    async ({ given, tracking, registry, caller }) => {
      const { items, next } = await tracking.searchVersions(queryIn(given, 200_000))
      const seen = items.filter(({ model }) => caller.may('read', model))
      return page('model_versions', { items: seen, next }, (version) => versionAnswer(version, registry.environment))
    },
  ),
  get('2.0/mlflow/model-versions/get-download-uri', 'read', 'Where its files are', async (call) => {
    readable(call)
    return { artifact_uri: await call.tracking.addressOf(await versionGiven(call)) }
  }),
  patch('2.0/mlflow/model-versions/update', 'write', 'Describes a version', async (call) => {
    const { model, version } = await versionGiven(call)
    const description = textOr(call.given, 'description', '')
    await change(call, { kind: 'version.updated', model, version, description }, 'write')
    return answered(call, await versionGiven(call))
  }),
  post(
    '2.0/mlflow/model-versions/transition-stage',
    'approve',
    'Moves a version to a stage, where every gate lets it',
    async (call) => {
      const [model, version] = [text(call.given, 'name'), versionIn(call.given)]
      call.demand('approve', model)
      const to = stageIn(text(call.given, 'stage'))
      const archive = flagOr(call.given, 'archive_existing_versions', false)
      return answered(call, await call.tracking.moveVersion(model, version, to, archive, call.asker()))
    },
  ),
  remove('2.0/mlflow/model-versions/delete', 'admin', 'Deletes a version', async (call) => {
    const { model, version } = await versionGiven(call)
    await change(call, { kind: 'version.deleted', model, version }, 'admin')
    return {}
  }),
  post('2.0/mlflow/model-versions/set-tag', 'write', 'Tags a version', async (call) => {
    const { model, version } = await versionGiven(call)
    const [key, value] = [text(call.given, 'key'), textOr(call.given, 'value', '')]
    await change(call, { kind: 'version.tagged', model, version, key, value }, 'write')
    return {}
  }),
  remove('2.0/mlflow/model-versions/delete-tag', 'write', 'Removes a tag', async (call) => {
    const { model, version, tags } = await versionGiven(call)
    const key = text(call.given, 'key')
    if (Object.hasOwn(tags, key)) await change(call, { kind: 'version.untagged', model, version, key }, 'write')
    return {}
  }),
]

/**
 * The model of which a version is copied; null where the source is no version. What is written in any other way than a client does names
 * no model that a key could be confined to.
 */
function copiedFrom(source: string): string | null {
  const [, path] = /^\s*models:\/*(.*)$/is.exec(source) ?? []
  if (path === undefined || /^m-[0-9a-f]{32}$/.test(path)) return null
  return /^([^/@%?#]+)[/@][^/@%?#]+$/.exec(path)?.[1] ?? ''
}

/** Whoever began the run that made the model. */
async function userOf(
  { tracking }: Call,
  { run, loggedModel }: { readonly run: string | null; readonly loggedModel: string | null },
): Promise<string | null> {
  try {
    if (run !== null) return (await tracking.run(run)).user
    if (loggedModel === null) return null
    const { tags, run: made } = await tracking.loggedModel(loggedModel)
    return tags['mlflow.user'] ?? (made === null ? null : (await tracking.run(made)).user)
  } catch {
    // What is wrong with it is said by whoever registers.
    return null
  }
}

const admin = { right: 'admin', everywhere: true } as const

/** 'registered_model.created' as `{entity: 'REGISTERED_MODEL', action: 'CREATED'}`. */
const eventIn = (given: Given): string => `${text(given, 'entity')}.${text(given, 'action')}`.toLowerCase()

const webhookGiven = async ({ registry, path }: Call): Promise<Omit<Webhook, 'secret'>> => {
  const found = await registry.webhook(path['id']!)
  if (found.form === 'mlflow') return found
  throw new SixfoldError('SX_UNKNOWN_WEBHOOK', `The webhook '${found.name}' speaks in another form.`)
}
const activeIn = (given: Given): boolean | null => {
  const status = oneOf(given, 'status', ['ACTIVE', 'DISABLED'] as const)
  return status === null ? null : status === 'ACTIVE'
}

const webhooks: readonly Route[] = [
  post(
    '2.0/mlflow/webhooks',
    admin,
    'Makes a webhook, told in the form of MLflow',
    async ({ given, registry, asker }) => {
      const id = randomUUID()
      const webhook = {
        id,
        name: text(given, 'name'),
        url: text(given, 'url'),
        events: objects(given, 'events').map(eventIn),
        models: [],
        secret: optionalText(given, 'secret') || null,
        description: optionalText(given, 'description') || null,
        active: activeIn(given) ?? true,
        form: 'mlflow' as const,
      }
      await registry.change({ kind: 'webhook.created', webhook }, asker())
      return { webhook: webhookAnswer(await registry.webhook(id)) }
    },
  ),
  get('2.0/mlflow/webhooks', admin, 'Webhooks that are told in that form', async ({ given, registry }) => {
    const limit = wholeOr(given, 'max_results', 100)
    const from = optionalText(given, 'page_token') || '0'
    if (limit < 1 || limit > 1_000 || !/^\d{1,6}$/.test(from))
      throw new SixfoldError(
        'SX_REQUEST_INVALID',
        "'max_results' is 1 to 1000, and 'page_token' one that an answer gave.",
      )
    const all = (await registry.webhooks()).filter(({ form }) => form === 'mlflow')
    const end = Number(from) + limit
    return page(
      'webhooks',
      { items: all.slice(Number(from), end), next: end < all.length ? String(end) : null },
      webhookAnswer,
    )
  }),
  get('2.0/mlflow/webhooks/:id', admin, 'A webhook', async (call) => ({
    webhook: webhookAnswer(await webhookGiven(call)),
  })),
  patch('2.0/mlflow/webhooks/:id', admin, 'Changes a webhook', async (call) => {
    const { given, registry, asker } = call
    const { createdAt: _, updatedAt: __, ...before } = await webhookGiven(call)
    const events = objects(given, 'events').map(eventIn)
    const webhook = {
      ...before,
      name: optionalText(given, 'name') || before.name,
      url: optionalText(given, 'url') || before.url,
      events: events.length === 0 ? before.events : events,
      secret: optionalText(given, 'secret') || null,
      description: optionalText(given, 'description') ?? before.description,
      active: activeIn(given) ?? before.active,
    }
    await registry.change({ kind: 'webhook.updated', webhook }, asker())
    return { webhook: webhookAnswer(await registry.webhook(before.id)) }
  }),
  remove('2.0/mlflow/webhooks/:id', admin, 'Deletes a webhook', async (call) => {
    const { id } = await webhookGiven(call)
    await call.registry.change({ kind: 'webhook.deleted', webhook: id }, call.asker())
    return {}
  }),
  post('2.0/mlflow/webhooks/:id/test', admin, 'Sends one that says it is a test', async (call) => {
    const { id } = await webhookGiven(call)
    const event = object(call.given, 'event')
    const {
      ok,
      status,
      text: body,
      error,
    } = await call.registry.testWebhook(id, event === null ? null : eventIn(event))
    return {
      result: {
        success: ok,
        response_status: status ?? undefined,
        response_body: body ?? undefined,
        error_message: error ?? undefined,
      },
    }
  }),
]

export const registryRoutes: readonly Route[] = [...models, ...versions, ...webhooks]
