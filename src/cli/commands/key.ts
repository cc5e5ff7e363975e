/** key create, key list and key revoke: who may ask a server. */
import type { ListedKey } from '../../access/index.ts'
import type { AuditEntry, Registry } from '../../api/index.ts'
import { roles } from '../../api/index.ts'
import { durationMs } from '../../kernel/duration.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { parseInstant } from '../../kernel/instant.ts'
import type { Rate } from '../../kernel/rate.ts'
import { formatRate, parseRate } from '../../kernel/rate.ts'
import { askerOf } from '../asker.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import { instant, table } from '../text.ts'
import { withRegistry } from './model.ts'

type Created = Awaited<ReturnType<Registry['createKey']>>

export const keyCreate = defineCommand<Created>({
  name: 'key create',
  summary: 'Make an API key. It is shown once, and kept nowhere.',
  arguments: [{ name: '<name>', description: 'whose it is: changes made with it bear this name' }],
  options: [
    { flags: '--role <role>', description: `${roles.join(', ')}; by default viewer` },
    {
      flags: '--model <name>',
      description: 'only for this model; may be repeated. By default for all',
      repeated: true,
    },
    {
      flags: '--rate <rate>',
      description: "how often it may ask, '100/s' or '100/s:500'. By default as the server says",
    },
    { flags: '--expires <when>', description: "after a time, '90d', or at an instant. By default never" },
    { flags: '--reason <text>', description: 'why; it is kept in the audit' },
  ],
  examples: [
    'sixfold key create ci --role editor --model late --expires 90d',
    'sixfold key create ana --role approver',
    'sixfold key create shop --model late --rate 100/s:500',
  ],
  run: (context, [name], options) =>
    withRegistry(context, (registry) =>
      registry.createKey(
        {
          name: name!,
          // What is no role is refused by name.
          role: String(options['role'] ?? 'viewer') as ListedKey['role'],
          models: (options['model'] as readonly string[] | undefined) ?? [],
          rate: options['rate'] === undefined ? null : rateOf(String(options['rate'])),
          expiresAt: options['expires'] === undefined ? null : expiryOf(String(options['expires'])),
        },
        askerOf(options),
      ),
    ),
  render: (made) =>
    [
      made.key,
      '',
      `That is the key of ${made.name}, ${made.role} of ${modelsOf(made)}, ${made.expiresAt === null ? 'for good' : `until ${instant(made.expiresAt)}`}.`,
      'It cannot be shown again. Send it as `Authorization: Bearer KEY`; MLflow sends it as MLFLOW_TRACKING_TOKEN.',
      `Servers that run know it within a second. To take it back: sixfold key revoke ${made.id}`,
    ].join('\n'),
})

export const keyList = defineCommand<{ readonly keys: readonly ListedKey[] }>({
  name: 'key list',
  summary: 'All keys, without what they open with.',
  run: (context) => withRegistry(context, async (registry) => ({ keys: await registry.keys() })),
  render: ({ keys }) =>
    keys.length === 0
      ? 'There is no key. Make one: sixfold key create NAME --role admin'
      : table(
          ['id', 'name', 'role', 'models', 'rate', 'made', 'by', 'ends'],
          keys.map((key) => [
            ...[key.id, key.name, key.role, modelsOf(key), key.rate === null ? '' : formatRate(key.rate)],
            ...[instant(key.at), key.createdBy, endOf(key)],
          ]),
        ),
})

export const keyRevoke = defineCommand<AuditEntry>({
  name: 'key revoke',
  summary: 'Take a key back. Servers that run refuse it within a second.',
  arguments: [{ name: '<id>', description: 'the id that `key list` shows' }],
  options: [{ flags: '--reason <text>', description: 'why; it is kept in the audit' }],
  examples: ['sixfold key revoke 3fVbQ0xYza --reason "Ana left"'],
  run: (context, [id], options) => withRegistry(context, (registry) => registry.revokeKey(id!, askerOf(options))),
  render: ({ details, number }) => `The key ${String(details['key'])} is revoked; the audit has it as entry ${number}.`,
})

export const keyCommands: readonly Command<unknown>[] = [keyCreate, keyList, keyRevoke]

const modelsOf = ({ models }: Pick<ListedKey, 'models'>): string =>
  models.length === 0 ? 'all models' : models.join(', ')

const endOf = ({ revokedAt, expiresAt }: ListedKey): string =>
  revokedAt !== null ? `revoked ${instant(revokedAt)}` : expiresAt === null ? 'never' : instant(expiresAt)

function rateOf(text: string): Rate {
  const rate = parseRate(text)
  if (rate !== null) return rate
  throw new SixfoldError('SX_USAGE', `--rate '${text}' is no rate.`, {
    fix: "Write '100/s', '100/s:500' for as many at once after a rest, or '30/m'.",
  })
}

function expiryOf(text: string): number {
  const at = parseInstant(text)
  if (at !== null) return at
  try {
    return Date.now() + durationMs(text)
  } catch {
    throw new SixfoldError('SX_USAGE', `--expires '${text}' is neither a length of time nor an instant.`, {
      fix: "Write '90d' or '12h', or an instant in ISO 8601 with a zone.",
    })
  }
}
