/**
 * Which changes a webhook is told of. The store asks this in the transaction of each change, so that what is to be told is written
 * down with it; whoever makes a webhook asks whether its events are any.
 */
import type { AuditEntry, Change, Webhook } from './registry-store.ts'

/** Every kind of change, and what it means to whoever is told of it. */
export const changeKinds: { readonly [K in Change['kind']]: string } = {
  'model.created': 'A model was entered in the registry',
  'model.updated': 'The description of a model was changed',
  'model.renamed': 'A model has another name, `details.to`',
  'model.deleted': 'A model was deleted, with its versions',
  'model.tagged': 'A tag of a model was set',
  'model.untagged': 'A tag of a model was removed',
  'version.registered': 'A version was registered',
  'version.updated': 'The description of a version was changed',
  'version.tagged': 'A tag of a version was set',
  'version.untagged': 'A tag of a version was removed',
  'version.deleted': 'A version was deleted',
  'evidence.recorded': 'Evidence about a version was recorded: a validation, passed or failed',
  'approval.given': 'Somebody approved that a version takes a stage',
  'stage.changed': 'A version took another stage: validated, promoted, archived or rolled back to',
  'rollback.superseded': 'A roll back made while the metadata store was away is no longer in force',
  'alias.set': 'An alias names a version',
  'alias.deleted': 'An alias was removed',
  'key.created': 'An API key was made',
  'key.revoked': 'An API key was revoked',
  'webhook.created': 'A webhook was made',
  'webhook.updated': 'A webhook was changed',
  'webhook.deleted': 'A webhook was deleted',
  'batch.published': 'A version of a batch went live, for the first time or again',
  'batch.refused': 'The gate refused a version of a batch; what was live still is',
  'batch.failed': 'A run of a batch broke off; what was live still is',
  'batch.cancelled': 'Somebody cancelled a run of a batch',
  'batch.held': 'Somebody wants nothing of a batch to go live by itself',
  'batch.released': 'What the gate lets through goes live by itself again',
  'artifacts.collected': 'Artifacts to which nothing refers were deleted',
}

/** What was done to models themselves: without what batches made with them, every night. */
export const modelChanges = (Object.keys(changeKinds) as Change['kind'][]).filter((kind) => !kind.startsWith('batch.'))

/** What MLflow calls them. A prompt is a model with a certain tag: which of the two it is, whoever delivers looks up. */
export const mlflowEvents: { readonly [K in Change['kind']]?: readonly [ofModel: string | null, ofPrompt: string] } = {
  'model.created': ['registered_model.created', 'prompt.created'],
  'version.registered': ['model_version.created', 'prompt_version.created'],
  'version.tagged': ['model_version_tag.set', 'prompt_version_tag.set'],
  'version.untagged': ['model_version_tag.deleted', 'prompt_version_tag.deleted'],
  'model.tagged': [null, 'prompt_tag.set'],
  'model.untagged': [null, 'prompt_tag.deleted'],
  'alias.set': ['model_version_alias.created', 'prompt_alias.created'],
  'alias.deleted': ['model_version_alias.deleted', 'prompt_alias.deleted'],
}

/** '*', the name of a kind, or all that begin alike: 'model.*'. In MLflow's form its own names. */
export function isEvent(name: string, form: Webhook['form']): boolean {
  if (form === 'mlflow')
    return Object.values(mlflowEvents).some((names) => (names as readonly unknown[]).includes(name))
  return Object.keys(changeKinds).some((kind) => covers(name, kind))
}

const covers = (event: string, kind: string): boolean =>
  event === '*' || event === kind || (/^[a-z]+\.\*$/.test(event) && kind.startsWith(event.slice(0, -1)))

/** Whether the webhook is to be told. */
export function concerns(
  { active, events, models, form }: Pick<Webhook, 'active' | 'events' | 'models' | 'form'>,
  { action, model }: Pick<AuditEntry, 'action' | 'model'>,
): boolean {
  if (!active || (models.length > 0 && (model === null || !models.includes(model)))) return false
  if (form === 'mlflow') return mlflowEvents[action]?.some((name) => name !== null && events.includes(name)) ?? false
  return events.some((event) => covers(event, action))
}
