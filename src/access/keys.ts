/** Keys are made, listed and revoked: each change with its entry in the audit. The key itself is in the answer, and nowhere else. */
import { randomBytes } from 'node:crypto'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Rate } from '../kernel/rate.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { AccessKey, AuditEntry, Author, RegistryStore, Role } from '../ports/registry-store.ts'
import { digestOf, idOfKey, newKey } from './key.ts'
import { roles } from './rights.ts'

export interface KeysOptions {
  readonly store: Pick<RegistryStore, 'keys' | 'change'>
  now(): number
  /** After each change: keys in memory follow at once. */
  changed(): Promise<void>
}

export type ListedKey = Omit<AccessKey, 'hash'>
export interface WantedKey {
  /** Whose it is: the audit names them by it. Two keys of one name are one person's. */
  readonly name: string
  readonly role: Role
  readonly models: readonly string[]
  /** How often it may ask; null: as often as the server says of all. */
  readonly rate?: Rate | null
  readonly expiresAt: number | null
}
interface Asking {
  readonly actor: string
  readonly reason: string | null
  readonly id?: string
}

export interface Keys {
  keys(): Promise<readonly ListedKey[]>
  createKey(wanted: WantedKey, asker: Asking): Promise<{ readonly key: string } & ListedKey>
  revokeKey(id: string, asker: Asking): Promise<AuditEntry>
}

export function keysOf({ store, now, changed }: KeysOptions): Keys {
  const list = async (): Promise<readonly ListedKey[]> => (await store.keys()).map(({ hash: _, ...listed }) => listed)
  /** The change is made, whether or not the keys in memory can follow now; they do so within a second. */
  const follow = (): Promise<void> => changed().catch(() => {})
  const authorOf = ({ actor, reason, id }: Asking, at: number): Author => ({
    id: id ?? randomBytes(16).toString('hex'),
    actor,
    reason,
    at,
  })
  return {
    keys: list,
    createKey: async (wanted, asker) => {
      const at = now()
      check(wanted, at)
      const { name, role, rate = null, expiresAt } = wanted
      const models = [...new Set(wanted.models)].sort()
      const { id, key } = newKey()
      const author = authorOf(asker, at)
      const entry = await store.change(
        {
          kind: 'key.created',
          key: { id, name, hash: digestOf(key).toString('hex'), role, models, rate, expiresAt, createdBy: asker.actor },
        },
        author,
      )
      await follow()
      // The request was carried out before, and its answer was lost: that key nobody can be told any more.
      if (idIn(entry) !== id)
        throw new SixfoldError(
          'SX_REGISTRY_CONFLICT',
          `The request ${author.id} made the key ${idIn(entry)} before, at ${formatInstant(entry.at)}; it was told then and is kept nowhere.`,
          { fix: 'Revoke that one, and ask for another in a new request.' },
        )
      return { key, id, name, role, models, rate, expiresAt, createdBy: asker.actor, at: entry.at, revokedAt: null }
    },
    revokeKey: async (named, asker) => {
      // Whoever found a key that leaked has the whole of it at hand. It is not said again.
      const id = idOfKey(named) ?? named
      const found = (await list()).find((key) => key.id === id)
      if (found === undefined) throw new SixfoldError('SX_UNKNOWN_KEY', `There is no key '${shorten(id, 14)}'.`)
      if (found.revokedAt !== null)
        throw new SixfoldError(
          'SX_REGISTRY_CONFLICT',
          `The key ${id} was revoked at ${formatInstant(found.revokedAt)}.`,
          {
            fix: 'Nothing needs to be done.',
          },
        )
      const entry = await store.change({ kind: 'key.revoked', key: id }, authorOf(asker, now()))
      await follow()
      return entry
    },
  }
}

const idIn = ({ details }: AuditEntry): unknown => (details['key'] as { readonly id?: unknown } | undefined)?.id

const nameForm = /^[a-z0-9][a-z0-9._@+-]{0,62}$/

function check({ name, role, models, rate = null, expiresAt }: WantedKey, now: number): void {
  const refuse = (message: string, fix: string): never => {
    throw new SixfoldError('SX_KEY_INVALID', message, { fix })
  }
  if (typeof name !== 'string' || !nameForm.test(name))
    refuse(
      `'${shorten(String(name), 80)}' is no name of a key.`,
      "Use small letters, digits and '.', '_', '@', '+', '-', at most 63, beginning with a letter or digit.",
    )
  if (!roles.includes(role)) refuse(`There is no role '${shorten(String(role), 60)}'.`, suggestion(String(role), roles))
  if (
    !Array.isArray(models) ||
    models.length > 1_000 ||
    models.some((model) => typeof model !== 'string' || model === '')
  )
    refuse('The models of a key are a list of at most 1,000 names.', 'Name the models, or none for all of them.')
  if (role === 'admin' && models.length > 0)
    refuse('An admin makes keys and reads the audit: that cannot be confined to some models.', 'Leave the models out.')
  if (
    rate !== null &&
    !(rate.perSecond > 0 && Number.isFinite(rate.perSecond) && (rate.burst === undefined || rate.burst >= 1))
  )
    refuse('The rate of a key is a number of requests above 0 each second.', "Write '100/s', '100/s:500' or '30/m'.")
  if (expiresAt !== null && !(Number.isSafeInteger(expiresAt) && expiresAt > now))
    refuse('A key expires at an instant that is still to come.', 'Name a later one, or none.')
}
