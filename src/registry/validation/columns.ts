/**
 * Rows of vectors in Parquet: as `sixfold training-set` writes them, the entries as `vector__NAME`, or under their own names. Other columns are
 * read beside them.
 */
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import type { OfflineStore } from '../../ports/offline-store.ts'

type Batch = readonly (readonly unknown[])[]

/** Values of the entries, in their order, and of the others behind them. Throws SX_LABELS_INVALID where a column is missing. */
export async function* vectorsIn(
  offline: Pick<OfflineStore, 'readRows'>,
  path: string,
  entries: readonly string[],
  others: readonly string[],
  limit: number,
): AsyncIterable<Batch> {
  const read = (columns: readonly string[]): AsyncIterator<{ readonly rows: Batch }> =>
    offline.readRows(path, columns, limit)[Symbol.asyncIterator]()
  let batches = read([...entries.map((entry) => `vector__${entry}`), ...others])
  let next: IteratorResult<{ readonly rows: Batch }>
  try {
    next = await batches.next()
  } catch (error) {
    if (!isSixfoldError(error) || error.code !== 'SX_LABELS_INVALID') throw error
    const taken = others.find((other) => entries.includes(other))
    // Under one name there is one column: a model that is given the truth need not have learnt anything.
    if (taken !== undefined)
      throw new SixfoldError(
        'SX_LABELS_INVALID',
        `'${path}': '${taken}' is an entry of the vector and holds the truth. ${error.message}`,
        {
          fix: 'Write the rows with `sixfold training-set`, which tells them apart, or name another column in the gate.',
        },
      )
    batches = read([...entries, ...others])
    next = await batches.next().catch((second: unknown) => {
      // It has the entries, and what it lacks is another column.
      throw error.message.includes("'vector__") ? second : error
    })
  }
  try {
    for (; next.done !== true; next = await batches.next()) yield next.value.rows
  } finally {
    await batches.return?.()
  }
}
