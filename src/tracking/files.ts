/**
 * Files of runs and logged models. Their contents are artifacts, named by their SHA-256; a path names what was put there last. What is sent
 * is written to disk as it comes, in constant memory, and becomes a file only once all of it has come.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { storageError } from '../kernel/files.ts'
import type { Limits } from '../kernel/limits.ts'
import { shorten } from '../kernel/shorten.ts'
import { formatBytes } from '../kernel/size.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { RegistryStore, VersionFile } from '../ports/registry-store.ts'
import type { TrackedFile, TrackingStore } from '../ports/tracking-store.ts'
import { referring } from '../registry/index.ts'
import { checkPath, unescaped } from './path.ts'

export interface Files {
  /** Throws SX_PATH_INVALID, SX_REQUEST_TOO_LARGE or SX_STORAGE_FULL; whoever breaks off has left nothing. */
  put(path: string, contents: AsyncIterable<Uint8Array>): Promise<TrackedFile>
  /** A local path to verified contents. Throws SX_UNKNOWN_FILE. */
  open(path: string): Promise<OpenedFile>
  /** What lies directly in a folder; '' is the folder of everything. Nothing where there is none. */
  list(folder: string): Promise<readonly Listed[]>
  /** The file, or the folder with all in it; gives how many files. */
  remove(path: string): Promise<number>
  /** All files below a folder, with paths from there. */
  below(folder: string): Promise<readonly VersionFile[]>
  /** An artifact without a path. */
  keep(contents: Uint8Array): Promise<{ readonly sha256: string; readonly bytes: number }>
  /** Uploads that a process left behind when it died. */
  sweep(): Promise<void>
}
export interface OpenedFile {
  readonly local: string
  readonly sha256: string
  readonly bytes: number
}
export interface Listed {
  readonly name: string
  /** Null of a folder. */
  readonly bytes: number | null
}

export interface FilesOptions {
  readonly store: Pick<TrackingStore, 'putFile' | 'file' | 'files' | 'deleteFiles'>
  readonly registryStore: Pick<RegistryStore, 'spare' | 'version'>
  readonly artifacts: ArtifactStore
  /** Where uploads lie until they are whole. */
  readonly folder: string
  readonly clock: Clock
  readonly limits: Pick<Limits, 'artifactBytes'>
}

/** Files of registered versions, which stay what they were: 'versions/MODEL/NUMBER/…'. */
export const versionsFolder = 'versions'
const mostFiles = 100_000
const abandonedMs = 24 * 60 * 60 * 1000
/** The times of files are the machine's, whatever the clock of a replay says. */
const machine = systemClock()

export function files({ store, registryStore, artifacts, folder, clock, limits }: FilesOptions): Files {
  const all = async (path: string): Promise<readonly TrackedFile[]> => {
    const found = await store.files(path, mostFiles + 1)
    if (found.length > mostFiles)
      throw new SixfoldError('SX_REQUEST_INVALID', `More than ${mostFiles} files lie below '${shorten(path)}'.`, {
        fix: 'Ask for a folder further down.',
      })
    return found
  }

  /** Null where the path is of no version. */
  const ofVersion = async (path: string): Promise<{ files: readonly VersionFile[]; rest: string } | null> => {
    const [first, model, number = '', ...rest] = path.split('/')
    if (first !== versionsFolder || model === undefined || !/^[1-9]\d{0,14}$/.test(number)) return null
    const version =
      (await registryStore.version(model, Number(number))) ??
      (await registryStore.version(unescaped(model), Number(number)))
    return version === null ? null : { files: version.files, rest: rest.join('/') }
  }

  /** A file has nothing below it, and a folder is no file: whoever downloads both would have to choose. */
  const refuseMixed = async (path: string): Promise<void> => {
    const parts = path.split('/')
    const above = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
    const [inside, ...around] = await Promise.all([store.files(path, 1), ...above.map((one) => store.file(one))])
    const file = around.find((one) => one !== null)
    if (file) throw invalid(path, `'${shorten(file.path)}' is a file, and has nothing below it`)
    if (inside.length > 0) throw invalid(path, 'it is a folder')
  }

  return {
    put: async (path, contents) => {
      checkPath(path)
      if (path.split('/')[0] === versionsFolder) throw invalid(path, 'files of a version stay as they are')
      await refuseMixed(path)
      const local = join(folder, `${randomUUID()}.part`)
      try {
        const sent = await receive(local, contents, limits.artifactBytes, folder)
        const put = async (): Promise<string> => (await artifacts.put(local)).sha256
        const sha256 = await put()
        if (sha256 !== sent.sha256)
          throw new SixfoldError('SX_ARTIFACT_CORRUPT', `What was sent for '${shorten(path)}' is not what was stored.`)
        const file = { path, sha256, bytes: sent.bytes, at: clock.now() }
        await referring(
          registryStore,
          () => store.putFile(file),
          async (name) => (await put()) === name,
        )
        return file
      } finally {
        await rm(local, { force: true }).catch(() => {})
      }
    },
    open: async (path) => {
      checkPath(path)
      const version = await ofVersion(path)
      const file =
        version === null ? await store.file(path) : (version.files.find((one) => one.path === version.rest) ?? null)
      if (file === null) throw new SixfoldError('SX_UNKNOWN_FILE', `There is no file at '${shorten(path, 300)}'.`)
      return { local: await artifacts.open(file.sha256), sha256: file.sha256, bytes: file.bytes }
    },
    list: async (path) => {
      if (path !== '') checkPath(path)
      const version = await ofVersion(path)
      if (version === null) return childrenOf(await all(path), path)
      return childrenOf(
        version.files.filter((file) => version.rest === '' || file.path.startsWith(`${version.rest}/`)),
        version.rest,
      )
    },
    remove: async (path) => {
      checkPath(path)
      if (path.split('/')[0] === versionsFolder) throw invalid(path, 'files of a version stay as they are')
      return store.deleteFiles(path)
    },
    below: async (path) =>
      (await all(path)).map((file) => ({
        path: file.path.slice(path === '' ? 0 : path.length + 1),
        sha256: file.sha256,
        bytes: file.bytes,
      })),
    keep: async (contents) => {
      const local = join(folder, `${randomUUID()}.part`)
      try {
        await receive(local, oneOf(contents), limits.artifactBytes, folder)
        return await artifacts.put(local)
      } finally {
        await rm(local, { force: true }).catch(() => {})
      }
    },
    sweep: async () => {
      for (const name of await readdir(folder).catch(() => [])) {
        if (!/^[0-9a-f-]{36}\.part$/.test(name)) continue
        const found = await stat(join(folder, name)).catch(() => null)
        if (found !== null && machine.now() - found.mtimeMs > abandonedMs) await rm(join(folder, name), { force: true })
      }
    },
  }
}

const invalid = (path: string, why: string): SixfoldError =>
  new SixfoldError('SX_PATH_INVALID', `Nothing can be put at '${shorten(path, 200)}': ${why}.`, {
    fix: 'Use another path.',
  })

async function* oneOf(contents: Uint8Array): AsyncGenerator<Uint8Array> {
  yield contents
}

async function receive(
  local: string,
  contents: AsyncIterable<Uint8Array>,
  most: number,
  folder: string,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  const stored = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw storageError(error, folder)
    })
  await stored(mkdir(folder, { recursive: true }))
  const file = await stored(open(local, 'wx'))
  try {
    for await (const chunk of contents) {
      bytes += chunk.length
      if (bytes > most)
        throw new SixfoldError('SX_REQUEST_TOO_LARGE', `A file has at most ${formatBytes(most)}.`, {
          fix: 'Raise limits.artifactBytes, or send less.',
        })
      hash.update(chunk)
      for (let from = 0; from < chunk.length; ) {
        from += (await stored(file.write(chunk, from))).bytesWritten
      }
    }
  } finally {
    await file.close()
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** Files and folders of one level, by name. */
function childrenOf(
  all: readonly { readonly path: string; readonly bytes: number }[],
  folder: string,
): readonly Listed[] {
  const found = new Map<string, number | null>()
  for (const { path, bytes } of all) {
    const rest = folder === '' ? path : path.slice(folder.length + 1)
    const slash = rest.indexOf('/')
    if (slash < 0) found.set(rest, bytes)
    else found.set(rest.slice(0, slash), null)
  }
  return [...found].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => (a.name < b.name ? -1 : 1))
}
