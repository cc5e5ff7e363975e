/** webhook add, list, remove, test, deliveries and resend: who is told of changes, and whether they were. */
import { randomBytes } from 'node:crypto'
import type { AuditEntry } from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { ListedDelivery, ListedWebhook, WebhookTest } from '../../registry/index.ts'
import { newSecret } from '../../registry/index.ts'
import { askerOf } from '../asker.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import { instant, table } from '../text.ts'
import { numberOf, withRegistry } from './model.ts'

const idArgument = { name: '<id>', description: 'the id that `webhook list` shows' }

export const webhookAdd = defineCommand<ListedWebhook & { readonly secret: string }>({
  name: 'webhook add',
  summary: 'Tell a receiver of changes from now on. The secret that signs what it is sent is shown once.',
  arguments: [
    { name: '<name>', description: 'what it is for' },
    { name: '<url>', description: 'where POSTs go: https, and no address within unless the configuration allows it' },
  ],
  options: [
    {
      flags: '--event <name>',
      description: "a kind of change, 'model.*', or '*', the default; may be repeated",
      repeated: true,
    },
    { flags: '--model <name>', description: 'only of this model; may be repeated. By default of all', repeated: true },
    { flags: '--description <text>', description: 'more about it' },
    { flags: '--reason <text>', description: 'why; it is kept in the audit' },
  ],
  examples: ['sixfold webhook add deploys https://ci.example/hooks/sixfold --event stage.changed --model late'],
  run: (context, [name, url], options) =>
    withRegistry(context, async (registry) => {
      const events = options['event'] as readonly string[]
      const id = randomBytes(8).toString('hex')
      const secret = newSecret()
      await registry.change(
        {
          kind: 'webhook.created',
          webhook: {
            id,
            name: name!,
            url: url!,
            events: events.length === 0 ? ['*'] : events,
            models: options['model'] as readonly string[],
            secret,
            description: options['description'] === undefined ? null : String(options['description']),
            active: true,
            form: 'sixfold',
          },
        },
        askerOf(options),
      )
      return { ...(await registry.webhook(id)), secret }
    }),
  render: ({ id, name, url, events, models, secret }) =>
    [
      `${name} (${id}) is told of ${events.join(', ')}${models.length === 0 ? '' : ` of ${models.join(', ')}`} at ${url}.`,
      `Its secret, which cannot be shown again: ${secret}`,
      'Signatures are those of Standard Webhooks: https://www.standardwebhooks.com has how to check them.',
      `Try it: sixfold webhook test ${id}`,
    ].join('\n'),
})

export const webhookList = defineCommand<{ readonly webhooks: readonly ListedWebhook[] }>({
  name: 'webhook list',
  summary: 'All webhooks.',
  run: (context) => withRegistry(context, async (registry) => ({ webhooks: await registry.webhooks() })),
  render: ({ webhooks }) =>
    webhooks.length === 0
      ? 'There is no webhook.'
      : table(
          ['id', 'name', 'active', 'events', 'models', 'url'],
          webhooks.map(({ id, name, active, events, models, url }) => [
            id,
            name,
            active ? 'yes' : 'no',
            events.join(', '),
            models.length === 0 ? 'all' : models.join(', '),
            url,
          ]),
        ),
})

export const webhookRemove = defineCommand<AuditEntry>({
  name: 'webhook remove',
  summary: 'Tell a receiver nothing more; what still waited for it is dropped.',
  arguments: [idArgument],
  options: [{ flags: '--reason <text>', description: 'why; it is kept in the audit' }],
  run: (context, [id], options) =>
    withRegistry(context, (registry) => registry.change({ kind: 'webhook.deleted', webhook: id! }, askerOf(options))),
  render: ({ details, number }) =>
    `The webhook ${String(details['webhook'])} is removed; the audit has it as entry ${number}.`,
})

export const webhookTest = defineCommand<WebhookTest>({
  name: 'webhook test',
  summary: 'Send a receiver a message that says it is a test, from this machine, and show its answer.',
  arguments: [idArgument],
  options: [
    { flags: '--event <name>', description: 'as of this kind of change; by default the first that it is told of' },
  ],
  run: (context, [id], options) =>
    withRegistry(context, (registry) =>
      registry.testWebhook(id!, options['event'] === undefined ? null : String(options['event'])),
    ),
  render: ({ ok, status, text, error }) =>
    ok
      ? `It answered with ${status}.`
      : [`✗ ${error}`, ...(text === null || text === '' ? [] : [`  ${text.slice(0, 500)}`])].join('\n'),
})

export const webhookDeliveries = defineCommand<{ readonly deliveries: readonly ListedDelivery[] }>({
  name: 'webhook deliveries',
  summary: 'What a receiver was told, waits to be told, or never was; the newest first.',
  arguments: [idArgument],
  options: [{ flags: '--limit <n>', description: 'so many; by default 50' }],
  run: (context, [id], options) =>
    withRegistry(context, async (registry) => ({
      deliveries: await registry.webhookDeliveries(id!, numberOf(options['limit'], '--limit', 50)),
    })),
  render: ({ deliveries }) =>
    deliveries.length === 0
      ? 'Nothing yet.'
      : table(
          ['delivery', 'entry', 'event', 'model', 'state', 'tries', 'when', 'error'],
          deliveries.map(({ id, entry, state, attempts, settledAt, nextAt, error }) => [
            String(id),
            String(entry.number),
            entry.action,
            entry.model ?? '–',
            state,
            String(attempts),
            settledAt === null ? `next ${instant(nextAt)}` : instant(settledAt),
            error ?? '',
          ]),
        ),
})

export const webhookResend = defineCommand<{ readonly webhook: string; readonly delivery: number }>({
  name: 'webhook resend',
  summary: 'Send a delivery once more: one that was given up, or that the receiver lost.',
  arguments: [idArgument, { name: '<delivery>', description: 'as `webhook deliveries` shows it' }],
  run: (context, [id, delivery]) =>
    withRegistry(context, async (registry) => {
      const number = Number(delivery)
      if (!Number.isSafeInteger(number)) throw new SixfoldError('SX_USAGE', `'${delivery}' is no delivery.`)
      await registry.resendDelivery(id!, number)
      return { webhook: id!, delivery: number }
    }),
  render: ({ webhook, delivery }) =>
    `A server sends delivery ${delivery} within seconds: sixfold webhook deliveries ${webhook}`,
})

export const webhookCommands: readonly Command<unknown>[] = [
  webhookAdd,
  webhookList,
  webhookRemove,
  webhookTest,
  webhookDeliveries,
  webhookResend,
]
