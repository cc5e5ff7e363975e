/** The part of a registry's memory that keys lie in, as its laws say, in memory. */
import type { AccessKey, AuditEntry, Author, Change, RegistryStore } from '../../src/ports/registry-store.ts'
import { noEntry } from '../../src/ports/registry-store.ts'

export interface KeyStore extends Pick<RegistryStore, 'keys' | 'change'> {
  /** Rejects whatever is asked, from now on or no longer. */
  away: boolean
  readonly entries: readonly AuditEntry[]
}

export function keyStore(): KeyStore {
  const all: AccessKey[] = []
  const entries: AuditEntry[] = []
  const reach = (): void => {
    if (self.away) throw new Error('away')
  }
  const self: KeyStore = {
    away: false,
    entries,
    keys: async () => {
      reach()
      return [...all]
    },
    change: async (change: Change, { id, actor, reason, at }: Author) => {
      reach()
      const before = entries.find((entry) => entry.id === id)
      if (before !== undefined) return before
      if (change.kind === 'key.created') all.push({ ...change.key, at, revokedAt: null })
      if (change.kind === 'key.revoked') {
        const i = all.findIndex((key) => key.id === change.key)
        all[i] = { ...all[i]!, revokedAt: at }
      }
      const details = change.kind === 'key.created' ? { key: { id: change.key.id, name: change.key.name } } : {}
      const entry: AuditEntry = {
        ...{ number: entries.length + 1, id, at, actor, reason, action: change.kind, details },
        ...{ model: null, version: null, environment: null, previous: noEntry, hash: noEntry },
      }
      entries.push(entry)
      return entry
    },
  }
  return self
}
