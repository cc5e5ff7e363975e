/** What the offline store does for batches, each with a session of its own. */
import type { Batch } from '../../../definition/batch.ts'
import { viewsOf } from '../../../definition/model.ts'
import type { BatchRowsStore, Columns } from '../../../ports/batch-rows.ts'
import type { Session } from '../connection.ts'
import { openDuckDB } from '../connection.ts'
import type { Resolve } from '../door.ts'
import { planRows } from './plan.ts'
import { compareBatches, findRows, readBatch } from './read.ts'
import { realisedOf } from './realised.ts'
import { vectorsOf } from './vectors.ts'
import { writeRows } from './write.ts'

export interface BatchRowsOptions {
  readonly temporaryFolder: string
  /** Brings the files of these paths here; says in the definitions' terms what is wrong with one. */
  within<T>(
    paths: readonly string[],
    progress: (done: number) => void,
    ask: (db: Session, resolve: Resolve) => Promise<T>,
  ): Promise<T>
  streamed<T>(paths: readonly string[], ask: (db: Session, resolve: Resolve) => AsyncIterable<T>): AsyncIterable<T>
}

/** For work on whole batches, which takes a table of all keys or sorts them: beyond this it goes by way of the disk, and not slower. */
const wholeMemory = '768MB'

export function batchRowsStore({ temporaryFolder, within, streamed }: BatchRowsOptions): BatchRowsStore {
  const whole = async (): Promise<{ readonly db: Session; close(): void }> => {
    const instance = await openDuckDB({ temporaryFolder, memory: wholeMemory })
    return { db: await instance.session(), close: () => instance.close() }
  }
  async function* read(...[files, columns, by]: Parameters<BatchRowsStore['read']>): AsyncIterable<Columns> {
    const { db, close } = await whole()
    try {
      yield* readBatch(db, files, columns, by)
    } finally {
      db.close()
      close()
    }
  }
  return {
    plan: (request, progress) =>
      within(pathsOf(request.batch), progress, (db, resolve) => planRows(db, request, resolve)),
    vectors: (request) => streamed(historiesOf(request.batch), (db, resolve) => vectorsOf(db, request, resolve)),
    write: (path, columns, rows) => writeRows(path, columns, rows, temporaryFolder),
    compare: async (before, after, asked) => {
      const { db, close } = await whole()
      try {
        return await compareBatches(db, before, after, asked)
      } finally {
        db.close()
        close()
      }
    },
    realised: (batch, files, at) =>
      within(
        [batch.gate.outcomes!.data.path],
        () => {},
        (db, resolve) => realisedOf(db, batch, files, at, resolve),
      ),
    read,
    find: (files, keys, columns) =>
      within(
        [],
        () => {},
        (db) => findRows(db, files, keys, columns),
      ),
  }
}

const historiesOf = ({ model }: Batch): readonly string[] =>
  viewsOf(model.inputs).flatMap(([, { basis }]) => (basis.source.history === null ? [] : [basis.source.history.path]))

const pathsOf = (batch: Batch): readonly string[] => {
  const { rows } = batch
  const own =
    rows.kind === 'parquet'
      ? [rows.path]
      : rows.kind === 'query'
        ? Object.values(rows.reads).map(({ path }) => path)
        : rows.view.basis.source.history === null
          ? []
          : [rows.view.basis.source.history.path]
  return [...own, ...historiesOf(batch)]
}
