/**
 * The embedded online store: LMDB, memory-mapped, read without copying and without a system call. Several processes of one
 * machine may share it: readers never wait, writers take turns.
 *
 * A resolved update survives the death of the process. The loss of power may lose the last moments (LMDB's own recovery keeps
 * what is older whole): what must survive that is in the event log, from which positions kept here start again.
 */
import { mkdirSync } from 'node:fs'
import { open } from 'lmdb'
import { SixfoldError } from '../../kernel/errors.ts'
import type { OnlineStore } from '../../ports/online-store.ts'

/** Values from this length on, in bytes, are rare enough for an array of their own. */
const sharedLengths = 8192

export function lmdbOnlineStore(folder: string): OnlineStore {
  mkdirSync(folder, { recursive: true })
  const db = open<Uint8Array, Uint8Array>(folder, { encoding: 'binary', keyEncoding: 'binary', noMemInit: true })
  const fast = db as unknown as { getBinaryFast(key: Uint8Array): Uint8Array | undefined }

  // What the driver returns has the `length` of the value, but the memory behind it is longer, and the same for nearly every
  // read. So there is one array for each length, made once.
  const views = new Array<Uint8Array | undefined>(sharedLengths).fill(undefined)
  let shared: ArrayBufferLike | null = null
  const exactly = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array => {
    if (length >= sharedLengths || byteOffset !== 0) return new Uint8Array(buffer, byteOffset, length)
    if (buffer !== shared) {
      shared = buffer
      views.fill(undefined)
    }
    const known = views[length]
    if (known !== undefined) return known
    const view = new Uint8Array(buffer, byteOffset, length)
    views[length] = view
    return view
  }

  return {
    read: (keys, visit) => {
      for (let i = 0; i < keys.length; i++) {
        const value = fast.getBinaryFast(keys[i]!)
        visit(i, value === undefined ? null : exactly(value))
      }
    },
    update: async (keys, change) => {
      try {
        await db.transaction(() => {
          const written = change(keys.map((key) => db.getBinary(key) ?? null))
          for (const [i, value] of written.entries()) {
            if (value === null) db.remove(keys[i]!)
            else if (value !== undefined) db.put(keys[i]!, value)
          }
        })
      } catch (error) {
        throw storageError(error)
      }
    },
    async *scan(prefix) {
      // Without a snapshot, so that a long scan does not keep LMDB from using freed pages again.
      for (const { key, value } of db.getRange({ start: prefix, ...endOf(prefix), snapshot: false }))
        yield { key, value }
    },
    clear: async (prefix) => {
      let removed = 0
      for (;;) {
        const keys = [...db.getKeys({ start: prefix, ...endOf(prefix), limit: 10_000 })]
        if (keys.length === 0) return removed
        await db.transaction(() => {
          for (const key of keys) db.remove(key)
        })
        removed += keys.length
      }
    },
    size: async () => {
      const { entryCount, pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = db.getStats() as Record<
        string,
        number
      >
      return { entries: entryCount!, bytes: pageSize! * (treeBranchPageCount! + treeLeafPageCount! + overflowPages!) }
    },
    close: async () => {
      await db.flushed
      await db.close()
    },
  }
}

/** The first key after all those with a prefix; none if the prefix is all 255. */
function endOf(prefix: Uint8Array): { end?: Uint8Array } {
  let last = prefix.length - 1
  while (last >= 0 && prefix[last] === 255) last--
  if (last < 0) return {}
  // A copy: `slice` of a Buffer would be the caller's own bytes.
  const end = Uint8Array.from(prefix.subarray(0, last + 1))
  end[last]!++
  return { end }
}

function storageError(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error)
  return /No space left|MDB_MAP_FULL|ENOSPC/i.test(message)
    ? new SixfoldError('SX_STORAGE_FULL', 'The online store cannot grow: no space is left.', { cause: error })
    : error
}
