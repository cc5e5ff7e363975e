/** The embedded offline store: Parquet, read and written by DuckDB in this process. */
import { isAbsolute, join } from 'node:path'
import { viewsOf } from '../../definition/model.ts'
import type { Source } from '../../definition/source.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import type { OfflineStore } from '../../ports/offline-store.ts'
import type { DuckDB, DuckDBOptions, Session } from './connection.ts'
import { openDuckDB } from './connection.ts'
import { readHistory } from './history.ts'
import { inspectSource } from './inspect.ts'
import { writeTrainingSet } from './training-set.ts'

export interface DuckDBOfflineOptions extends DuckDBOptions {
  /** From which paths in definitions start. */
  readonly projectFolder: string
}

/** DuckDB starts with the first question, so that a server which never asks does not pay for it. */
export function duckdbOfflineStore(options: DuckDBOfflineOptions): OfflineStore {
  let opening: Promise<DuckDB> | null = null
  const session = async (): Promise<Session> => {
    opening ??= openDuckDB(options)
    return (await opening).session()
  }
  const resolve = (path: string): string => (isAbsolute(path) ? path : join(options.projectFolder, path))
  const within = async <T>(ask: (session: Session) => Promise<T>): Promise<T> => {
    const mine = await session()
    try {
      return await ask(mine)
    } finally {
      mine.close()
    }
  }
  return {
    trainingSet: async (request, progress) => {
      const views = [
        ...(request.model === null ? [] : viewsOf(request.model.inputs)),
        ...request.views.map(({ group, view }) => [group, view] as const),
      ]
      const sources = views.map(([, view]) => view.basis.source)
      return within((db) => writeTrainingSet(db, request, resolve, progress)).catch((error: unknown) => {
        throw damaged(error, sources)
      })
    },
    async *history(request) {
      const mine = await session()
      try {
        yield* readHistory(mine, request, resolve)
      } catch (error) {
        throw damaged(error, [request.view.basis.source])
      } finally {
        mine.close()
      }
    },
    inspect: (source) =>
      within((db) => inspectSource(db, source, resolve)).catch((error: unknown) => {
        throw damaged(error, [source])
      }),
    close: async () => {
      if (opening !== null) (await opening).close()
    },
  }
}

/** A file whose end is whole can be damaged before it, which shows only when its pages are read. DuckDB does not always say where. */
function damaged(error: unknown, sources: readonly Source[]): unknown {
  const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  if (isSixfoldError(error) || !/^(IO|Invalid|Invalid Input) Error: /.test(why)) return error
  const histories = new Map(sources.map(({ name, history }) => [name, history?.path ?? '']))
  const told = [...histories].map(([name, path]) => `source '${name}', the history '${path}'`).join('; ')
  return new SixfoldError('SX_HISTORY_UNREADABLE', `${told}: a file is damaged. ${why}`, {
    fix: 'Write the file again.',
    cause: error,
  })
}
