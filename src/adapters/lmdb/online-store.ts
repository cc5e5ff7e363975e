/**
 * The embedded online store: LMDB, memory-mapped, read without copying and without a system call. Several processes of one
 * machine may share it: readers never wait, writers take turns.
 *
 * A resolved update survives the death of the process. The loss of power may lose the last moments (LMDB's own recovery keeps
 * what is older whole): what must survive that is in the event log, from which positions kept here start again.
 */
import type { RootDatabase } from 'lmdb'
import { open } from 'lmdb'
import type { OnlineStore } from '../../ports/online-store.ts'
import { commitError, lmdbError, makeFolder } from './folder.ts'
import { inspectLmdb } from './inspect.ts'

/** Values from this length on, in bytes, are rare enough for an array of their own. */
const sharedLengths = 8192

export function lmdbOnlineStore(folder: string): OnlineStore {
  makeFolder(folder)
  const db = opened(folder)
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

  // The driver would read as of one instant for about a millisecond, in which another process may have told of a change.
  let [refreshing, failed, closed] = [false, false, false]
  const refresh = (): void => {
    refreshing = false
    if (!closed) db.resetReadTxn()
  }

  const written = async (work: () => void): Promise<void> => {
    try {
      await db.transaction(work)
      failed = false
    } catch (error) {
      failed = true
      throw lmdbError(await commitError(error), folder)
    }
  }

  const read: OnlineStore['read'] = (keys, visit) => {
    if (!refreshing) {
      refreshing = true
      setImmediate(refresh)
    }
    for (let i = 0; i < keys.length; i++) {
      const value = fast.getBinaryFast(keys[i]!)
      visit(i, value === undefined ? null : exactly(value))
    }
  }
  const size = async (): Promise<{ readonly entries: number; readonly bytes: number }> => {
    const { entryCount, pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = db.getStats() as Record<
      string,
      number
    >
    return { entries: entryCount!, bytes: pageSize! * (treeBranchPageCount! + treeLeafPageCount! + overflowPages!) }
  }

  return {
    read,
    update: (keys, change) =>
      written(() => {
        const values = change(keys.map((key) => db.getBinary(key) ?? null))
        for (const [i, value] of values.entries()) {
          if (value === null) db.remove(keys[i]!)
          else if (value !== undefined) db.put(keys[i]!, value)
        }
      }),
    clear: async (prefix, held) => {
      let removed = 0
      for (;;) {
        const keys = [...db.getKeys({ start: prefix, ...endOf(prefix), limit: 10_000 })]
        if (keys.length === 0) return removed
        let holds = true
        await written(() => {
          holds = held === undefined || db.getBinary(held.key)?.equals(held.value) === true
          if (holds) for (const key of keys) db.remove(key)
        })
        if (!holds) return removed
        removed += keys.length
      }
    },
    size,
    inspect: () => inspectLmdb(folder, { read, size }),
    close: async () => {
      if (closed) return
      closed = true
      // After a commit that failed the driver waits for it for ever, unless one with nothing to write has come after it.
      if (failed) await db.transaction(() => {}).catch(() => {})
      await db.flushed
      await db.close()
    },
  }
}

const options = {
  encoding: 'binary',
  keyEncoding: 'binary',
  noMemInit: true,
  // With it, a commit that fails rejects a promise of the driver's own too, which nobody can handle.
  eventTurnBatching: false,
} as const

function opened(folder: string): RootDatabase<Uint8Array, Uint8Array> {
  try {
    return open(folder, options)
  } catch (error) {
    throw lmdbError(error, folder)
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
