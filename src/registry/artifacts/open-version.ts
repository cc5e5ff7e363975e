/**
 * The files of a version where a model runtime can open them: a single file as the artifact store has it, several in a folder, under the
 * names that they have within the version. The folder is named by what lies in it and appears whole, by a rename, so that processes
 * that make the same at once need no lock. Every file is checked each time.
 */
import { randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, posix } from 'node:path'
import { SixfoldError } from '../../kernel/errors.ts'
import { hashOfFile, syncFile } from '../../kernel/files.ts'
import { hashOf } from '../../kernel/hash.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { VersionFile } from '../../ports/registry-store.ts'
import { sorted } from '../registration/facts.ts'

export interface VersionFiles {
  /** A local path to the verified file, the others of the version beside it. Throws SX_ARTIFACT_CORRUPT. */
  open(version: { readonly files: readonly VersionFile[]; readonly entry: string | null }): Promise<string>
  /** Deletes the folders of all but these versions, where nobody has used them for so long. */
  sweep(versions: ReadonlySet<string>, unusedMs: number, now: number): Promise<void>
}

/** What a version's folder is called. */
export const folderOf = (files: readonly VersionFile[]): string => hashOf(sorted(files))

export function versionFiles(folder: string, artifacts: Pick<ArtifactStore, 'open'>): VersionFiles {
  const build = async (target: string, files: readonly VersionFile[]): Promise<void> => {
    const temporary = `${target}.${randomUUID()}.part`
    try {
      for (const { path, sha256 } of files) {
        const place = join(temporary, ...path.split('/'))
        await mkdir(dirname(place), { recursive: true })
        const stored = await artifacts.open(sha256)
        // On another file system, or one that has no links, a copy does it.
        await link(stored, place).catch(() => copyFile(stored, place))
        await syncFile(place)
      }
      await rename(temporary, target).catch(async (error: unknown) => {
        // Another process was first, with the same; or what is there is damaged, and whoever finds that replaces it.
        if ((await problemOf(target, files)) === null) return
        const aside = `${target}.${randomUUID()}.part`
        await rename(target, aside).catch(() => {
          throw error
        })
        await rename(temporary, target)
        await rm(aside, { recursive: true, force: true })
      })
      await syncFile(folder)
    } finally {
      await rm(temporary, { recursive: true, force: true }).catch(() => {})
    }
  }
  return {
    open: async ({ files, entry }) => {
      const wanted = files.find(({ path }) => path === entry)
      if (wanted === undefined)
        throw new SixfoldError('SX_ARTIFACT_INVALID', 'The version has no ONNX file that could be served.', {
          fix: 'Register one with an ONNX file: log the model with the onnx flavour, or add the file.',
        })
      if (files.length === 1) return artifacts.open(wanted.sha256)
      const target = join(folder, folderOf(files))
      if ((await problemOf(target, files)) !== null) await build(target, files)
      const problem = await problemOf(target, files)
      if (problem !== null) throw new SixfoldError('SX_ARTIFACT_CORRUPT', problem)
      return join(target, ...wanted.path.split('/'))
    },
    sweep: async (versions, unusedMs, now) => {
      for (const name of await readdir(folder).catch(() => [])) {
        if (versions.has(name)) continue
        const path = join(folder, name)
        const found = await stat(path).catch(() => null)
        if (found !== null && now - found.mtimeMs > unusedMs) await rm(path, { recursive: true, force: true })
      }
    },
  }
}

/** The first file that is not what it should be. */
async function problemOf(target: string, files: readonly VersionFile[]): Promise<string | null> {
  for (const { path, sha256 } of files) {
    const place = join(target, ...path.split('/'))
    const found = await hashOfFile(place).then(
      (file) => file.sha256,
      () => null,
    )
    if (found !== sha256) return `The file '${place}' ${found === null ? 'is gone' : 'no longer has its contents'}.`
  }
  return null
}

const mostFiles = 10_000
const longestPath = 1_000

/**
 * Throws SX_PATH_INVALID: what a version's files are called must be names below its folder, on every system. A version whose files lie
 * elsewhere has none.
 */
export function checkFiles(files: readonly VersionFile[], entry: string | null): void {
  const invalid = (problem: string): SixfoldError =>
    new SixfoldError('SX_PATH_INVALID', problem, { fix: 'Use relative paths with / between their parts, each once.' })
  if (files.length === 0 && entry !== null) throw invalid('A version that can be served has a file; there is none.')
  if (files.length > mostFiles) throw invalid(`A version has at most ${mostFiles} files; these are ${files.length}.`)
  const seen = new Set<string>()
  for (const { path, sha256, bytes } of files) {
    const parts = path.split('/')
    const bad =
      path.length > longestPath ||
      isAbsolute(path) ||
      path !== posix.normalize(path) ||
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
      /[\\\u0000-\u001f\u007f]|^[a-zA-Z]:/.test(path) ||
      parts.some((part) => part === '' || part === '.' || part === '..' || Buffer.byteLength(part) > 255)
    if (bad) throw invalid(`'${shorten(path)}' is no path within a version.`)
    if (seen.has(path)) throw invalid(`'${shorten(path)}' is named twice.`)
    seen.add(path)
    if (!/^[0-9a-f]{64}$/.test(sha256) || !Number.isSafeInteger(bytes) || bytes < 0)
      throw invalid(`'${shorten(path)}' has no SHA-256 or size that could be one.`)
  }
  for (const { path } of files) {
    const parts = path.split('/')
    for (let i = 1; i < parts.length; i++)
      if (seen.has(parts.slice(0, i).join('/'))) throw invalid(`'${shorten(path)}' lies below a file.`)
  }
  if (entry !== null && !files.some(({ path }) => path === entry))
    throw invalid(`The entry '${shorten(entry)}' is none of the version's files.`)
}
