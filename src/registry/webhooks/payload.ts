/**
 * What a receiver gets, in Sixfold's form or in MLflow's, and how it is signed. The same change gives the same bytes and the same id
 * however often it is sent, so that a receiver can tell that it has it already.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { formatInstant } from '../../kernel/instant.ts'
import type { AuditEntry, Webhook } from '../../ports/registry-store.ts'
import { mlflowEvents } from '../../ports/webhook-events.ts'

export interface Message {
  readonly id: string
  readonly body: string
}

const secretForm = /^whsec_[A-Za-z0-9+/]+={0,2}$/
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`
/** As Standard Webhooks has them: 24 to 64 random bytes. */
export function isSecret(text: string): boolean {
  const bytes = secretForm.test(text) ? Buffer.from(text.slice(6), 'base64').length : 0
  return bytes >= 24 && bytes <= 64
}

/** One that is for a webhook what `id` is for a change. */
const messageId = (webhook: string, change: string): string => `msg_${change}_${webhook}`

export const messageOf = ({ id, form }: Pick<Webhook, 'id' | 'form'>, entry: AuditEntry, prompt: boolean): Message => ({
  id: messageId(id, entry.id),
  body: JSON.stringify(form === 'mlflow' ? inMlflowsForm(entry, prompt) : inOurForm(entry)),
})

const inOurForm = ({
  id,
  number,
  action,
  at,
  actor,
  reason,
  model,
  version,
  environment,
  details,
  hash,
}: AuditEntry) => ({
  id,
  type: number === 0 ? 'webhook.test' : action,
  at: formatInstant(at),
  actor,
  reason,
  model,
  version,
  environment,
  details,
  audit: { number, hash },
})

/** The name that MLflow has for the change; null where it has none. */
export const mlflowNameOf = ({ action }: Pick<AuditEntry, 'action'>, prompt: boolean): string | null =>
  mlflowEvents[action]?.[prompt ? 1 : 0] ?? null

function inMlflowsForm(entry: AuditEntry, prompt: boolean): object {
  const [entity, action] = mlflowNameOf(entry, prompt)!.split('.')
  return { entity, action, timestamp: new Date(entry.at).toISOString(), data: mlflowData(entry, prompt) }
}

const tagOfPrompts = 'mlflow.prompt.is_prompt'
const textOfPrompts = 'mlflow.prompt.text'
const tagsOfPrompts = [tagOfPrompts, textOfPrompts, 'mlflow.prompt.type']
export const isPrompt = (tags: { readonly [key: string]: string }): boolean =>
  tags[tagOfPrompts]?.toLowerCase() === 'true'

function mlflowData({ action, model, version, details }: AuditEntry, prompt: boolean): object {
  const given = details as {
    readonly tags?: { readonly [key: string]: string }
    readonly description?: string | null
    readonly source?: string
    readonly run?: string | null
    readonly key?: string
    readonly value?: string
    readonly alias?: string
  }
  const { tags = {}, source, run = null, key, value, alias } = given
  const shown = prompt
    ? Object.fromEntries(Object.entries(tags).filter(([name]) => !tagsOfPrompts.includes(name)))
    : tags
  const name = model
  const description = given.description || null
  const numbered = { name, version: version === null ? null : String(version) }
  switch (action) {
    case 'model.created':
      return { name, tags: shown, description }
    case 'version.registered':
      return prompt
        ? { ...numbered, template: tags[textOfPrompts] ?? null, tags: shown, description }
        : { ...numbered, source, run_id: run, tags, description }
    case 'model.tagged':
      return { name, key, value }
    case 'model.untagged':
      return { name, key }
    case 'version.tagged':
      return { ...numbered, key, value }
    case 'version.untagged':
      return { ...numbered, key }
    case 'alias.set':
      return { name, alias, version: numbered.version }
    default:
      return { name, alias }
  }
}

/** Signed anew for each attempt: a receiver refuses what was signed long ago. */
export function headersOf(
  { form, secret }: Pick<Webhook, 'form' | 'secret'>,
  { id, body }: Message,
  now: number,
): { readonly [name: string]: string } {
  const seconds = String(Math.floor(now / 1_000))
  const key = form === 'mlflow' ? secret : Buffer.from(secret?.slice(6) ?? '', 'base64')
  const signature =
    secret === null ? null : `v1,${createHmac('sha256', key!).update(`${id}.${seconds}.${body}`).digest('base64')}`
  const [idName, timeName, signatureName] =
    form === 'mlflow'
      ? ['X-MLflow-Delivery-Id', 'X-MLflow-Timestamp', 'X-MLflow-Signature']
      : ['webhook-id', 'webhook-timestamp', 'webhook-signature']
  return {
    'content-type': 'application/json',
    'user-agent': 'Sixfold-Webhooks/1',
    [idName!]: id,
    [timeName!]: seconds,
    ...(signature === null ? {} : { [signatureName!]: signature }),
  }
}
