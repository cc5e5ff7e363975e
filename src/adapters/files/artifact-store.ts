/** The embedded artifact store: a file an artifact, named by its contents. Written beside its place, synced, and then renamed. */
import { randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, opendir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { SixfoldError } from '../../kernel/errors.ts'
import { hashOfFile, storageError, syncFile } from '../../kernel/files.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { StoreReport } from '../../ports/inspection.ts'
import { problemOf, roundTripOf } from '../report.ts'
import { artifactName, mustBeReadable } from './contents.ts'
import { inspectFolder } from './inspect.ts'

export function fileArtifactStore(folder: string): ArtifactStore {
  const pathOf = (sha256: string): string => join(folder, artifactName(sha256))
  const has = async (sha256: string): Promise<boolean> =>
    stat(pathOf(sha256)).then(
      () => true,
      () => false,
    )
  /** One that is deleted meanwhile is left out. */
  async function* list(): AsyncGenerator<{ readonly sha256: string; readonly bytes: number }> {
    for await (const { name: start } of entriesOf(folder)) {
      if (!/^[0-9a-f]{2}$/.test(start)) continue
      for await (const { name } of entriesOf(join(folder, start))) {
        if (!/^[0-9a-f]{64}$/.test(name) || !name.startsWith(start)) continue
        const found = await stat(join(folder, start, name)).catch(() => null)
        if (found?.isFile()) yield { sha256: name, bytes: found.size }
      }
    }
  }
  const size = async (): Promise<{ readonly entries: number; readonly bytes: number }> => {
    let [entries, bytes] = [0, 0]
    for await (const one of list()) {
      entries += 1
      bytes += one.bytes
    }
    return { entries, bytes }
  }
  return {
    has,
    list,
    size,
    put: async (path) => {
      await mustBeReadable(path)
      const temporary = join(folder, `${randomUUID()}.part`)
      try {
        await mkdir(folder, { recursive: true })
        await pipeline(createReadStream(path), createWriteStream(temporary))
        await syncFile(temporary)
        const hashed = await hashOfFile(temporary)
        const target = pathOf(hashed.sha256)
        await mkdir(dirname(target), { recursive: true })
        await rename(temporary, target)
        await syncFile(dirname(target))
        return hashed
      } catch (error) {
        throw storageError(error, folder)
      } finally {
        // Best effort: a folder that cannot be written to has nothing to remove.
        await rm(temporary, { force: true }).catch(() => {})
      }
    },
    open: async (sha256) => {
      const path = pathOf(sha256)
      if (!(await has(sha256)))
        throw new SixfoldError('SX_ARTIFACT_CORRUPT', `The artifact ${sha256} is gone from '${folder}'.`)
      if ((await hashOfFile(path)).sha256 !== sha256)
        throw new SixfoldError('SX_ARTIFACT_CORRUPT', `The file '${path}' no longer has the contents it is named by.`)
      return path
    },
    delete: async (sha256) => {
      const path = pathOf(sha256)
      try {
        await rm(path)
        await syncFile(dirname(path))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw storageError(error, folder)
      }
    },
    inspect: async () => inspectArtifacts(folder, size),
    close: async () => {},
  }
}

/** What lies in a folder; nothing where there is none. */
async function* entriesOf(folder: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw storageError(error, folder)
  }
}

async function inspectArtifacts(folder: string, size: ArtifactStore['size']): Promise<StoreReport> {
  const report = { technology: 'files', where: folder, version: null }
  try {
    await mkdir(folder, { recursive: true })
    const roundTripMs = await roundTripOf(() => stat(folder))
    const { entries, bytes } = await size()
    const { facts, problems } = await inspectFolder(folder)
    return {
      ...report,
      roundTripMs,
      facts: [{ name: 'artifacts', value: String(entries) }, { name: 'size', value: formatBytes(bytes) }, ...facts],
      problems,
    }
  } catch (error) {
    const problem = problemOf(storageError(error, folder), 'Correct the folder that is named.')
    return { ...report, roundTripMs: null, facts: [], problems: [problem] }
  }
}
