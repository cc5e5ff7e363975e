/**
 * Roll backs that wait for the metadata store: in the online store, where every server sees them, and in a file of this server's, in case
 * the online store is away as well. One place is enough for a roll back to be kept; both are told as soon as they can be.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { prefixOf, space } from '../features/index.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { PendingRollback, PendingRollbacks } from '../registry/index.ts'

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
  const add = (one: PendingRollback) => (all: readonly PendingRollback[]) =>
    all.some((other) => sameModel(one, other) && other.at >= one.at)
      ? all
      : [...all.filter((other) => !sameModel(one, other)), one]

  return {
    all: async () => {
      const own = await readOwn(folder)
      const seen = await shared().catch(() => null)
      if (seen === null) return own
      let all = seen
      for (const one of own) all = add(one)(all)
      // Kept here while the online store was away.
      if (all !== seen) await update((others) => own.reduce((list, one) => add(one)(list), others)).catch(() => {})
      return all
    },
    put: async (one) => {
      const [here, there] = await Promise.allSettled([writeOwn(folder, one), update(add(one))])
      if (here.status === 'rejected' && there.status === 'rejected') throw here.reason
    },
    remove: async (one) => {
      await update((all) => (all.some(({ id }) => id === one.id) ? all.filter(({ id }) => id !== one.id) : all))
      const own = (await readOwn(folder)).find((other) => sameModel(one, other))
      if (own !== undefined && own.at <= one.at) await rm(pathOf(folder, one), { force: true })
    },
  }
}

const sameModel = (a: PendingRollback, b: PendingRollback): boolean =>
  a.model === b.model && a.environment === b.environment

const pathOf = (folder: string, { model, environment }: PendingRollback): string =>
  join(folder, `${createHash('sha256').update(`${environment}\n${model}`).digest('hex').slice(0, 32)}.json`)

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
  const path = pathOf(folder, one)
  const part = `${path}.${process.pid}.part`
  const file = await open(part, 'w')
  try {
    await file.writeFile(JSON.stringify(one))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(part, path)
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
