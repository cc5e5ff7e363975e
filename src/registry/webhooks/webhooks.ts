/** Webhooks as they are made, looked at, tried, and told again. Their secrets are seen once, by whoever makes one. */
import { randomBytes } from 'node:crypto'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { AuditEntry, Change, Delivery, RegistryStore, Webhook } from '../../ports/registry-store.ts'
import { noEntry } from '../../ports/registry-store.ts'
import { changeKinds, isEvent, mlflowEvents } from '../../ports/webhook-events.ts'
import type { WebhookSender } from '../../ports/webhook-sender.ts'
import { NotSent } from '../../ports/webhook-sender.ts'
import { headersOf, isSecret, messageOf } from './payload.ts'

export interface WebhooksOptions {
  readonly store: Pick<RegistryStore, 'webhooks' | 'deliveries' | 'settleDelivery'>
  readonly sender: WebhookSender
  /** Of the machine. */
  now(): number
}

export type ListedWebhook = Omit<Webhook, 'secret'>
export type ListedDelivery = Omit<Delivery, 'webhook'>
export type WebhookChange = Extract<Change, { readonly kind: 'webhook.created' | 'webhook.updated' }>
export interface WebhookTest {
  readonly ok: boolean
  readonly status: number | null
  /** The beginning of what was answered. */
  readonly text: string | null
  /** Why not, in a sentence. */
  readonly error: string | null
}

export interface Webhooks {
  webhooks(): Promise<readonly ListedWebhook[]>
  /** Throws SX_UNKNOWN_WEBHOOK. */
  webhook(id: string): Promise<ListedWebhook>
  /**
   * The change as it may be made. An update without a secret keeps the one there is. Throws SX_WEBHOOK_INVALID, or SX_UNKNOWN_WEBHOOK
   * for an update of none.
   */
  checked(change: WebhookChange): Promise<WebhookChange>
  /** Sends one that says it is a test, as of the event given or the first one of the webhook. */
  testWebhook(id: string, event: string | null): Promise<WebhookTest>
  /** Newest first. */
  webhookDeliveries(id: string, limit: number): Promise<readonly ListedDelivery[]>
  /** What arrived or was given up is sent once more, with the id that it had. */
  resendDelivery(id: string, delivery: number): Promise<void>
}

const most = 1_000
/** As far back as one can be named to be sent again. */
const reach = 10_000

export function webhooksOf({ store, sender, now }: WebhooksOptions): Webhooks {
  const found = async (id: string): Promise<Webhook> => {
    const webhook = (await store.webhooks()).find((one) => one.id === id)
    if (webhook === undefined) throw new SixfoldError('SX_UNKNOWN_WEBHOOK', `There is no webhook '${shorten(id, 60)}'.`)
    return webhook
  }
  return {
    webhooks: async () => (await store.webhooks()).map(listed),
    webhook: async (id) => listed(await found(id)),
    checked: async (change) => {
      const { webhook } = change
      const before = change.kind === 'webhook.updated' ? await found(webhook.id) : null
      if (before === null && (await store.webhooks()).length >= most)
        throw invalid(`There are ${most} webhooks already.`, 'Delete those that nobody needs.')
      const secret = webhook.secret ?? before?.secret ?? null
      checkForm({ ...webhook, secret })
      if (webhook.url !== before?.url) await sender.check(webhook.url)
      return { ...change, webhook: { ...webhook, secret } }
    },
    testWebhook: async (id, event) => {
      const webhook = await found(id)
      const message = messageOf(webhook, entryLike(webhook, event, now()), event?.startsWith('prompt') === true)
      try {
        const { status, text } = await sender.post(webhook.url, headersOf(webhook, message, now()), message.body)
        const ok = status >= 200 && status < 300
        return { ok, status, text, error: ok ? null : `The receiver answered with ${status}.` }
      } catch (error) {
        if (error instanceof NotSent)
          return { ok: false, status: null, text: null, error: `The receiver ${error.message}.` }
        throw error
      }
    },
    webhookDeliveries: async (id, limit) =>
      (await store.deliveries({ webhook: (await found(id)).id, limit })).map(({ webhook: _, ...rest }) => rest),
    resendDelivery: async (id, delivery) => {
      const { active, name } = await found(id)
      const all = await store.deliveries({ webhook: id, limit: reach })
      const one = all.find((known) => known.id === delivery)
      if (one === undefined)
        throw new SixfoldError('SX_UNKNOWN_WEBHOOK', `The webhook '${name}' has no delivery ${delivery}.`, {
          fix: 'Use one that `sixfold webhook deliveries` shows.',
        })
      if (!active) throw invalid(`The webhook '${name}' is not active: nothing is sent to it.`, 'Activate it first.')
      if (one.state === 'waiting') return
      await store.settleDelivery(delivery, { error: 'It was asked for again.', next: now() }, now())
    },
  }
}

const listed = ({ secret: _, ...rest }: Webhook): ListedWebhook => rest

const invalid = (message: string, fix?: string): SixfoldError =>
  new SixfoldError('SX_WEBHOOK_INVALID', message, fix === undefined ? {} : { fix })

function checkForm({
  name,
  events,
  models,
  secret,
  description,
  form,
}: Omit<Webhook, 'createdAt' | 'updatedAt'>): void {
  if (name.trim() === '' || name.length > 255) throw invalid('A webhook has a name of 1 to 255 characters.')
  if ((description ?? '').length > 5_000) throw invalid('The description of a webhook has at most 5,000 characters.')
  if (events.length === 0 || events.length > 100) throw invalid('A webhook names 1 to 100 events.')
  if (models.length > 1_000) throw invalid('A webhook names at most 1,000 models.')
  const known =
    form === 'mlflow'
      ? Object.values(mlflowEvents)
          .flat()
          .filter((one) => one !== null)
      : Object.keys(changeKinds)
  for (const event of events)
    if (!isEvent(event, form))
      throw invalid(
        `There is no event '${shorten(event, 60)}'.`,
        `${suggestion(event, known)} Or '*', or all of one beginning: 'model.*'.`,
      )
  if (form === 'sixfold' && secret !== null && !isSecret(secret))
    throw invalid(
      'The secret of a webhook is `whsec_` and 24 to 64 random bytes in base64, as Standard Webhooks has them.',
      'Leave it out, and one is made.',
    )
  if (form === 'mlflow' && secret !== null && (secret === '' || secret.length > 1_000))
    throw invalid('The secret of a webhook has 1 to 1,000 characters.')
}

/** For a test: of nothing that happened. */
function entryLike({ form, events }: Webhook, event: string | null, at: number): AuditEntry {
  const wanted = event ?? events[0]!
  const kinds = Object.keys(changeKinds) as Change['kind'][]
  const action =
    kinds.find((kind) =>
      form === 'mlflow' ? mlflowEvents[kind]?.some((name) => name === wanted) === true : kind === wanted,
    ) ?? (form === 'mlflow' ? 'model.created' : 'version.registered')
  return {
    number: 0,
    id: randomBytes(16).toString('hex'),
    at,
    actor: 'sixfold',
    action,
    model: 'example_model',
    version: /^(version|alias|stage|evidence|approval|batch)/.test(action) ? 1 : null,
    environment: null,
    reason: 'A test: nothing was changed.',
    details: {
      test: true,
      key: 'example_key',
      value: 'example_value',
      alias: 'example_alias',
      source: 'models:/example',
      description: 'An example.',
    },
    previous: noEntry,
    hash: noEntry,
  }
}
