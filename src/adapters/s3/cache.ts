/**
 * Copies of objects on this machine, one for each version of an object, shared by the processes that use the folder. A copy appears
 * whole, by a rename. One that was superseded is kept for an hour after its last use, which a request that reads it may take; one that
 * nobody asked for is deleted after a week.
 *
 * A copy lies below folders that are called as those of its key that have a '=', which DuckDB makes columns of.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../../kernel/clock.ts'

const keptMs = 7 * 86_400_000
const keptOldMs = 3_600_000

export interface Version {
  readonly url: string
  readonly etag: string
  readonly bytes: number
}

export interface FileCache {
  /** A path to the copy, which `make` is to write where there is none. */
  copy(version: Version, make: (path: string) => Promise<void>): Promise<string>
}

export function fileCache(folder: string): FileCache {
  const clock = systemClock()
  const making = new Map<string, Promise<void>>()
  let sweptAt = Number.NEGATIVE_INFINITY

  const used = async (path: string): Promise<void> => {
    const now = new Date(clock.now())
    await utimes(path, now, now)
  }
  const make = async (target: string, write: (path: string) => Promise<void>): Promise<void> => {
    const temporary = join(folder, `${randomUUID()}.part`)
    try {
      await mkdir(dirname(target), { recursive: true })
      await write(temporary)
      await rename(temporary, target)
    } finally {
      await rm(temporary, { force: true }).catch(() => {})
    }
  }
  return {
    copy: async ({ url, etag, bytes }, write) => {
      if (clock.monotonic() - sweptAt > keptOldMs) {
        sweptAt = clock.monotonic()
        await sweep(folder, clock.now())
      }
      const version = join(folder, hashOf(url), hashOf(`${etag} ${bytes}`))
      const target = join(version, ...nameOf(url))
      if (!(await isThere(target, bytes))) {
        const under = making.get(target) ?? make(target, write).finally(() => making.delete(target))
        making.set(target, under)
        await under
      }
      await used(version)
      return target
    },
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)

/** What would be a glob is written as in a URL, which DuckDB reads again in the values of columns. */
function nameOf(url: string): readonly string[] {
  const parts = url.split('/').map((part) => part.replace(/[[\]*?]/g, (c) => `%${c.charCodeAt(0).toString(16)}`))
  return [...parts.slice(3, -1).filter((part) => part.includes('=')), 'data.parquet']
}

const isThere = async (path: string, bytes: number): Promise<boolean> =>
  stat(path).then(
    ({ size }) => size === bytes,
    () => false,
  )

/** Deletes what is no longer used. Another process may do so at the same time. */
async function sweep(folder: string, now: number): Promise<void> {
  const age = async (path: string): Promise<number> =>
    stat(path).then(
      ({ mtimeMs }) => now - mtimeMs,
      () => 0,
    )
  const names = async (path: string): Promise<readonly string[]> => readdir(path).catch(() => [])
  for (const name of await names(folder)) {
    const path = join(folder, name)
    if (name.endsWith('.part')) {
      // Written to as long as its download goes on.
      if ((await age(path)) > keptOldMs) await rm(path, { force: true })
      continue
    }
    const versions = await Promise.all(
      (await names(path)).map(async (version) => ({ path: join(path, version), age: await age(join(path, version)) })),
    )
    const newest = Math.min(...versions.map((version) => version.age))
    const old = versions.filter((version) => version.age > (version.age > newest ? keptOldMs : keptMs))
    for (const version of old) await rm(version.path, { recursive: true, force: true })
  }
}
