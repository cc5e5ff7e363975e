/** The embedded offline store: Parquet, read and written by DuckDB in this process. */
import { isAbsolute, join } from 'node:path'
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
    trainingSet: (request, progress) => within((db) => writeTrainingSet(db, request, resolve, progress)),
    async *history(request) {
      const mine = await session()
      try {
        yield* readHistory(mine, request, resolve)
      } finally {
        mine.close()
      }
    },
    inspect: (source) => within((db) => inspectSource(db, source, resolve)),
    close: async () => {
      if (opening !== null) (await opening).close()
    },
  }
}
