/** The embedded artifact store: a file an artifact, named by its contents. Written beside its place, synced, and then renamed. */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { SixfoldError } from '../../kernel/errors.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { StoreReport } from '../../ports/inspection.ts'
import { problemOf, roundTripOf } from '../report.ts'
import { artifactName, hashOfFile, mustBeReadable, syncFile } from './contents.ts'
import { storageError } from './errors.ts'
import { inspectFolder } from './inspect.ts'

export function fileArtifactStore(folder: string): ArtifactStore {
  const pathOf = (sha256: string): string => join(folder, artifactName(sha256))
  const has = async (sha256: string): Promise<boolean> =>
    stat(pathOf(sha256)).then(
      () => true,
      () => false,
    )
  const size = async (): Promise<{ readonly entries: number; readonly bytes: number }> => {
    const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    const artifacts = files.filter((file) => file.isFile() && /^[0-9a-f]{64}$/.test(file.name))
    const sizes = await Promise.all(artifacts.map((file) => stat(join(file.parentPath, file.name))))
    return { entries: sizes.length, bytes: sizes.reduce((sum, one) => sum + one.size, 0) }
  }
  return {
    has,
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
    inspect: async () => inspectArtifacts(folder, size),
    close: async () => {},
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
