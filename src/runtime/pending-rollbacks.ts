/**
 * Roll backs that wait for the metadata store: in the online store, where every server sees them, and in a file of this server's, in case
 * the online store is away as well. One place is enough for a roll back to be kept; both are told as soon as they can be.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { prefixOf, space } from '../features/index.ts'
import { syncFile } from '../kernel/files.ts'
import { sha256 } from '../kernel/hash.ts'
import { atMost } from '../kernel/persist.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { PendingRollback, PendingRollbacks } from '../registry/index.ts'

/** How long the online store may take where the file has it already: whoever rolls back waits for the answer. */
const patienceMs = 1_000

export function pendingRollbacks(folder: string, store: OnlineStore): PendingRollbacks {
  const key = prefixOf(space.rollbacks, 'pending')
  const decode = (bytes: Uint8Array | null | undefined): readonly PendingRollback[] =>
    bytes == null ? [] : (JSON.parse(new TextDecoder().decode(bytes)) as readonly PendingRollback[])
  const update = (change: (all: readonly PendingRollback[]) => readonly PendingRollback[]): Promise<void> =>
    store.update([key], ([bytes]) => {
      const before = decode(bytes)
      const after = change(before)
      return [after === before ? undefined : after.length === 0 ? null : Buffer.from(JSON.stringify(after))]
    })
  const shared = async (): Promise<readonly PendingRollback[]> => {
    let found: readonly PendingRollback[] = []
    await store.read([key], (_, bytes) => {
      found = decode(bytes)
    })
    return found
  }

  return {
    all: async () => {
      const own = await readOwn(folder)
      const seen = await shared().catch(() => null)
      const found = [...own.reduce(including, seen ?? [])].sort((a, b) => a.at - b.at)
      // Kept here while the online store was away.
      if (seen !== null && found.length > seen.length)
        await atMost(
          patienceMs,
          update((others) => own.reduce(including, others)),
        )
      return { found, whole: seen !== null }
    },
    put: async (one) => {
      const here = writeOwn(folder, one)
      const there = update((all) => including(all, one))
      there.catch(() => {})
      const kept = await here.then(
        () => true,
        () => false,
      )
      if (kept) await atMost(patienceMs, there)
      else await there
    },
    // The file last: what is there still is told to the online store again.
    remove: async ({ id }) => {
      await update((all) => (all.some((one) => one.id === id) ? all.filter((one) => one.id !== id) : all))
      await rm(pathOf(folder, id), { force: true })
    },
  }
}

const including = (all: readonly PendingRollback[], one: PendingRollback): readonly PendingRollback[] =>
  all.some(({ id }) => id === one.id) ? all : [...all, one]

/** Whoever asks chooses the id: it is no name of a file. */
const pathOf = (folder: string, id: string): string => join(folder, `${sha256(id).slice(0, 32)}.json`)

async function readOwn(folder: string): Promise<readonly PendingRollback[]> {
  const names = await readdir(folder).catch(() => [])
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map((name) => readFile(join(folder, name), 'utf8').catch(() => null)),
  )
  return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as PendingRollback]))
}

/** Written beside its place, synced, and renamed: it is whole, also after the loss of power. */
async function writeOwn(folder: string, one: PendingRollback): Promise<void> {
  await mkdir(folder, { recursive: true })
  const path = pathOf(folder, one.id)
  const part = `${path}.${process.pid}.part`
  const file = await open(part, 'w')
  try {
    await file.writeFile(JSON.stringify(one))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(part, path)
  await syncFile(folder)
}
