/** The offline store: Parquet, on this machine or brought here, read and written by DuckDB in this process. */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { resolve as absolute, join } from 'node:path'
import { viewsOf } from '../../definition/model.ts'
import type { Source } from '../../definition/source.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import type { OfflineStore, TrainingSetRequest, TrainingSetResult } from '../../ports/offline-store.ts'
import { batchRowsStore } from './batch/store.ts'
import type { DuckDB, DuckDBOptions, Session } from './connection.ts'
import { openDuckDB } from './connection.ts'
import type { Resolve } from './door.ts'
import { readHistory } from './history.ts'
import { inspectSource } from './inspect.ts'
import type { RemoteFiles } from './remote.ts'
import { locate } from './remote.ts'
import { reportOf } from './report.ts'
import { readRows, splitAt, summarizeRows } from './rows.ts'
import { writeTrainingSet } from './training-set.ts'

export interface DuckDBOfflineOptions extends DuckDBOptions {
  /** From which paths in definitions start. */
  readonly projectFolder: string
  /** For paths to other machines; null where there are none. */
  readonly remote: RemoteFiles | null
  /** The histories' paths in the definitions: a report tells of those that are remote. */
  readonly histories?: readonly string[]
}

/** How much of a training set's work it is taken to be to bring remote files here. */
const fetching = 0.3

/** DuckDB starts with the first question, so that a server which never asks does not pay for it. */
export function duckdbOfflineStore(options: DuckDBOfflineOptions): OfflineStore {
  const { remote, projectFolder, temporaryFolder, histories = [] } = options
  let opening: Promise<DuckDB> | null = null
  const session = async (): Promise<Session> => {
    opening ??= openDuckDB(options).catch((error: unknown) => {
      // The next question tries again: the folder may have been mended.
      opening = null
      throw error
    })
    return (await opening).session()
  }
  const isRemote = (path: string): boolean => remote?.handles(path) ?? false
  /** Brings the files here before DuckDB begins, and says in the definitions' terms what is wrong with one. */
  async function within<T>(
    sources: readonly Source[],
    labels: readonly string[],
    progress: (done: number) => void,
    ask: (db: Session, resolve: Resolve) => Promise<T>,
  ): Promise<T> {
    const files = await locate([...labels, ...sources.flatMap(pathOf)], remote, projectFolder, progress)
    const db = await session()
    try {
      return await ask(db, files.resolve)
    } catch (error) {
      throw damaged(files.named(error), sources)
    } finally {
      db.close()
    }
  }

  const reading = <T>(paths: readonly string[], ask: (db: Session, resolve: Resolve) => Promise<T>): Promise<T> =>
    within([], paths, () => {}, ask)

  async function trainingSet(asked: TrainingSetRequest, progress: (done: number) => void): Promise<TrainingSetResult> {
    const began = performance.now()
    const [labels, out] = [asked.labels, asked.out].map((path) => (isRemote(path) ? path : absolute(path))) as [
      string,
      string,
    ]
    if (isRemote(out) && !/^[^:]+:\/\/[^/]+\/[^*?[]*[^/*?[]$/.test(out))
      throw new SixfoldError('SX_LABELS_INVALID', `'${out}' names no file to write.`, {
        fix: 'Name one: s3://bucket/path/to/file.parquet. Nothing was written.',
      })
    const views = [
      ...(asked.model === null ? [] : viewsOf(asked.model.inputs).map(([, view]) => view)),
      ...asked.views.map(({ view }) => view),
    ]
    const sources = views.map((view) => view.basis.source)
    const share = [labels, ...sources.flatMap(pathOf)].some(isRemote) ? fetching : 0
    const local = isRemote(out) ? join(temporaryFolder, `${randomUUID()}.parquet`) : out
    try {
      const result = await within(
        sources,
        [labels],
        (done) => progress(done * share),
        (db, resolve) =>
          writeTrainingSet(db, { ...asked, labels, out: local }, resolve, (done) =>
            progress(share + done * (1 - share)),
          ),
      )
      if (local !== out) await remote!.store(local, out)
      return { ...result, milliseconds: performance.now() - began }
    } finally {
      if (local !== out) await rm(local, { force: true })
    }
  }

  async function* streamed<T>(
    paths: readonly string[],
    ask: (db: Session, resolve: Resolve) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const files = await locate(paths, remote, projectFolder)
    const db = await session()
    try {
      yield* ask(db, files.resolve)
    } catch (error) {
      throw damaged(files.named(error), [])
    } finally {
      db.close()
    }
  }

  return {
    batch: batchRowsStore({
      temporaryFolder,
      within: (paths, progress, ask) => within([], paths, progress, ask),
      streamed,
    }),
    trainingSet,
    async *history(request) {
      const { source } = request.view.basis
      const files = await locate(pathOf(source), remote, projectFolder)
      const db = await session()
      try {
        yield* readHistory(db, request, files.resolve)
      } catch (error) {
        throw damaged(files.named(error), [source])
      } finally {
        db.close()
      }
    },
    summarize: (source) =>
      within(
        [source],
        [],
        () => {},
        (db, resolve) => inspectSource(db, source, resolve),
      ),
    summarizeRows: (rows) => reading([rows.labels], (db, resolve) => summarizeRows(db, rows, resolve)),
    splitAt: (rows, share) => reading([rows.labels], (db, resolve) => splitAt(db, rows, share, resolve)),
    async *readRows(path, columns, limit) {
      const files = await locate([path], remote, projectFolder)
      const db = await session()
      try {
        yield* readRows(db, path, columns, limit, files.resolve)
      } catch (error) {
        throw damaged(files.named(error), [])
      } finally {
        db.close()
      }
    },
    inspect: async () => reportOf(options, histories, opening),
    close: async () => {
      remote?.close()
      if (opening !== null) (await opening).close()
    },
  }
}

/** None for a source without a history, which whoever reads it says. */
const pathOf = ({ history }: Source): readonly string[] => (history === null ? [] : [history.path])

/** A file whose end is whole can be damaged before it, which shows only when its pages are read. DuckDB does not always say where. */
function damaged(error: unknown, sources: readonly Source[]): unknown {
  const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  if (isSixfoldError(error) || !/^(IO|Invalid|Invalid Input) Error: /.test(why)) return error
  const histories = new Map(sources.map(({ name, history }) => [name, history?.path ?? '']))
  const told = [...histories].map(([name, path]) => `source '${name}', the history '${path}'`).join('; ') || 'the rows'
  return new SixfoldError('SX_HISTORY_UNREADABLE', `${told}: a file is damaged. ${why}`, {
    fix: 'Write the file again.',
    cause: error,
  })
}
