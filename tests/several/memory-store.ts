/** An online store in memory that is a round trip away, and that can be made to lose its last moments. */
import type { OnlineStore } from '../../src/ports/online-store.ts'

export function memory() {
  let entries = new Map<string, Uint8Array>()
  const name = (key: Uint8Array): string => Buffer.from(key).toString('latin1')
  const store: OnlineStore = {
    read: async (keys, visit) => {
      const found = keys.map((key) => entries.get(name(key)) ?? null)
      await Promise.resolve()
      for (const [i, value] of found.entries()) visit(i, value)
    },
    update: async (keys, change) => {
      const changed = change(keys.map((key) => entries.get(name(key))?.slice() ?? null))
      for (const [i, value] of changed.entries())
        if (value === null) entries.delete(name(keys[i]!))
        else if (value !== undefined) entries.set(name(keys[i]!), Uint8Array.from(value))
    },
    clear: async (prefix, held) => {
      const value = held && entries.get(name(held.key))
      if (held && !(value && Buffer.from(held.value).equals(value))) return 0
      const gone = [...entries.keys()].filter((key) => key.startsWith(name(prefix)))
      for (const key of gone) entries.delete(key)
      return gone.length
    },
    size: async () => ({ entries: entries.size, bytes: 0 }),
    inspect: async () => [] as never,
    close: async () => {},
  }
  return {
    store,
    /** Gives what brings back all that is there now. */
    keep: () => {
      const kept = new Map(entries)
      return () => {
        entries = new Map(kept)
      }
    },
  }
}
