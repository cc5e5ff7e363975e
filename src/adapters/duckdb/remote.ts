/**
 * Files that are not on this machine: brought here before DuckDB reads them, and sent away after it wrote one. DuckDB's own way there
 * is an extension that would have to be downloaded when it is first used.
 */
import { isAbsolute, join } from 'node:path'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import type { StoreReport } from '../../ports/inspection.ts'
import type { Files } from './door.ts'

export interface RemoteFile {
  /** As errors call it. */
  readonly url: string
  /** Where it lies on this machine, for at least as long as a request takes. No glob, also where its name looks like one. */
  readonly local: string
}

export interface RemoteFiles {
  /** Whether a path is one of these. */
  handles(path: string): boolean
  /** The files of a path or a glob, whole, each as it was at one instant; in the order of their names. */
  fetch(path: string, progress: (done: number) => void): Promise<readonly RemoteFile[]>
  /** The file is there whole when this has resolved, in the place of one before it; else that one still is. */
  store(localPath: string, remotePath: string): Promise<void>
  /** Whether those of these paths that are its own can be reached. */
  inspect(paths: readonly string[]): Promise<Pick<StoreReport, 'facts' | 'problems'>>
  close(): void
}

/** The files of a scheme, whose driver is loaded when one of them is first asked for. */
export function onDemand(scheme: `${string}://`, load: () => Promise<RemoteFiles>): RemoteFiles {
  let loading: Promise<RemoteFiles> | null = null
  let closed = false
  const loaded = async (): Promise<RemoteFiles> => {
    loading ??= load()
    const files = await loading
    if (closed) files.close()
    return files
  }
  const handles = (path: string): boolean => path.startsWith(scheme)
  return {
    handles,
    fetch: async (path, progress) => (await loaded()).fetch(path, progress),
    store: async (localPath, remotePath) => (await loaded()).store(localPath, remotePath),
    inspect: async (paths) => (paths.some(handles) ? (await loaded()).inspect(paths) : { facts: [], problems: [] }),
    close: () => {
      closed = true
      loading?.then(
        (files) => files.close(),
        () => {},
      )
    },
  }
}

/** The paths of a request as files of this machine. */
export interface Located {
  resolve(path: string): Files
  /** The error, with the names of remote files in the place of where they lie here. */
  named(error: unknown): unknown
}

/** Paths that are not absolute start from `folder`. */
export async function locate(
  paths: readonly string[],
  remote: RemoteFiles | null,
  folder: string,
  progress: (done: number) => void = () => {},
): Promise<Located> {
  const fetched = new Map<string, readonly RemoteFile[]>()
  const wanted = [...new Set(paths)].filter((path) => remote?.handles(path))
  for (const [i, path] of wanted.entries())
    fetched.set(path, await remote!.fetch(path, (done) => progress((i + done) / wanted.length)))
  const files = [...fetched.values()].flat()
  return {
    resolve: (path) => {
      const local = fetched.get(path)?.map((file) => file.local)
      return local ?? (isAbsolute(path) ? path : join(folder, path))
    },
    named: (error) => {
      if (!(error instanceof Error) || files.length === 0) return error
      const message = files.reduce((text, { local, url }) => text.replaceAll(local, url), error.message)
      if (message === error.message) return error
      return isSixfoldError(error)
        ? new SixfoldError(error.code, message, { fix: error.fix, details: error.details, cause: error })
        : new Error(message, { cause: error })
    },
  }
}
