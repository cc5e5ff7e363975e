/** The embedded offline store: Parquet, read and written by DuckDB in this process. */
import { isAbsolute, join } from 'node:path'
import type { OfflineStore } from '../../ports/offline-store.ts'
import type { DuckDB, DuckDBOptions } from './connection.ts'
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
  const db = (): Promise<DuckDB> => (opening ??= openDuckDB(options))
  const resolve = (path: string): string => (isAbsolute(path) ? path : join(options.projectFolder, path))
  return {
    trainingSet: async (request, progress) => writeTrainingSet(await db(), request, resolve, progress),
    async *history(request) {
      yield* readHistory(await db(), request, resolve)
    },
    inspect: async (source) => inspectSource(await db(), source, resolve),
    close: async () => {
      if (opening !== null) (await opening).close()
    },
  }
}
