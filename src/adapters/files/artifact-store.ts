/** The embedded artifact store: a file an artifact, named by its contents. Written beside its place, synced, and then renamed. */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { SixfoldError } from '../../kernel/errors.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'

export function fileArtifactStore(folder: string): ArtifactStore {
  const pathOf = (sha256: string): string => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new SixfoldError('SX_INTERNAL', `'${sha256}' is no SHA-256.`)
    return join(folder, sha256.slice(0, 2), sha256)
  }
  const has = async (sha256: string): Promise<boolean> =>
    stat(pathOf(sha256)).then(
      () => true,
      () => false,
    )
  return {
    has,
    put: async (path) => {
      await mkdir(folder, { recursive: true })
      const temporary = join(folder, `${randomUUID()}.part`)
      try {
        await pipeline(createReadStream(path), createWriteStream(temporary))
        await syncFile(temporary)
        const { size } = await stat(temporary)
        const sha256 = await hashOfFile(temporary)
        const target = pathOf(sha256)
        await mkdir(dirname(target), { recursive: true })
        await rename(temporary, target)
        await syncFile(dirname(target))
        return { sha256, bytes: size }
      } catch (error) {
        throw (error as NodeJS.ErrnoException).code === 'ENOSPC'
          ? new SixfoldError('SX_STORAGE_FULL', `No space is left for '${path}'.`, { cause: error })
          : error
      } finally {
        await rm(temporary, { force: true })
      }
    },
    open: async (sha256) => {
      const path = pathOf(sha256)
      if (!(await has(sha256)))
        throw new SixfoldError('SX_ARTIFACT_CORRUPT', `The artifact ${sha256} is gone from '${folder}'.`)
      if ((await hashOfFile(path)) !== sha256)
        throw new SixfoldError('SX_ARTIFACT_CORRUPT', `The file '${path}' no longer has the contents it is named by.`)
      return path
    },
    size: async () => {
      const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
      const sizes = await Promise.all(
        files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name))),
      )
      return { entries: sizes.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0) }
    },
  }
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
