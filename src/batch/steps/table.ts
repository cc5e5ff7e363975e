/** A version as a table that SQL reads: filled before it goes live, shown by one flip, and put right again where a flip and the pointer differ. */
import type { Batch } from '../../definition/batch.ts'
import { batchesOf } from '../../definition/graph.ts'
import { typeOf } from '../../expression/node.ts'
import { catalogue, isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import type { Columns } from '../../ports/batch-rows.ts'
import type { BatchRun, Lease } from '../../ports/batch-store.ts'
import type { ServedVersion, ServingColumn, Shown, TableName } from '../../ports/serving-tables.ts'
import type { BatchContext } from '../context.ts'
import { filesOf, liveOf } from '../context.ts'
import { lostError, underLease } from '../lease.ts'
import { decisionColumn } from '../lookup/cache.ts'
import { readAs } from '../lookup/warm.ts'

/** Of those that the archive has under another name. */
const renamed: { readonly [name: string]: string } = { [decisionColumn]: '_decision' }

function columnsOf({ key, model, decision }: Batch): readonly (ServingColumn & { readonly from: string })[] {
  const column = (from: string, type: ServingColumn['type']) => ({ from, name: renamed[from] ?? from, type })
  return [
    ...keysOf({ key }).map((part) => column(part, key[part] as ServingColumn['type'])),
    ...Object.entries(model.output).map(([name, kind]) =>
      column(name, typeof kind !== 'object' ? 'float64' : 'label' in kind ? 'string' : 'float64[]'),
    ),
    ...(decision === null
      ? []
      : [column(decisionColumn, typeOf(decision) === 'boolean' ? ('boolean' as const) : ('string' as const))]),
  ]
}
const keysOf = ({ key }: Pick<Batch, 'key'>): readonly string[] => Object.keys(key)

const servedBy = (batch: Batch, run: BatchRun, table: TableName): ServedVersion => ({
  ...{ run: run.id, environment: run.environment, batch: run.batch, version: run.version, at: run.at, table },
  keys: keysOf(batch).length,
  columns: columnsOf(batch).map(({ name, type }) => ({ name, type })),
})

/** Throws what would keep the batch from being shown, before anything is computed for it. */
export async function checkTable({ tables, environment }: BatchContext, { name, publish }: Batch): Promise<void> {
  if (publish.table === null) return
  await tables!.check({ environment, batch: name, table: publish.table }).catch((error: unknown) => {
    // It may be there again by the time there is something to publish.
    if (!isSixfoldError(error) || error.code !== 'SX_STORE_UNAVAILABLE') throw error
  })
}

export async function fillTable(
  context: BatchContext,
  batch: Batch,
  run: BatchRun,
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { table } = batch.publish
  if (table === null) return
  const partitions = await context.store.partitions(run.id)
  const paths = await filesOf(context, run)
  const columns = columnsOf(batch)
  const names = columns.map(({ from }) => from)
  await readAs(batch, run, () =>
    context.tables!.fill(servedBy(batch, run, table), {
      rows: () => typed(context.rows.read({ paths }, names, keysOf(batch)), columns),
      expected: partitions.reduce((sum, { output }) => sum + (output?.rows ?? 0), 0),
      progress,
      signal,
    }),
  ).catch(away(run))
}

/** What to do about it where the store itself has no better word. */
const away =
  ({ batch, version }: BatchRun) =>
  (error: unknown): never => {
    if (!isSixfoldError(error) || error.code !== 'SX_STORE_UNAVAILABLE' || error.fix !== catalogue[error.code].fix)
      throw error
    throw new SixfoldError(error.code, error.message, {
      cause: error,
      fix: `What was live still is. Once the database is there: sixfold batch resume ${batch}@${version}; a roll back is asked for again.`,
    })
  }

/** As the archive has them: lists and decisions are texts there. */
const archived: { readonly [type: string]: string } = { 'float64[]': 'string', float64: 'float64' }

async function* typed(rows: AsyncIterable<Columns>, columns: ReturnType<typeof columnsOf>): AsyncIterable<Columns> {
  for await (const some of rows) {
    for (const [i, { from, type }] of columns.entries()) {
      const wanted = from === decisionColumn ? 'string' : (archived[type] ?? type)
      const found = some.columns[i]!.type
      if (found !== wanted)
        throw new SixfoldError('SX_STORE_CORRUPT', `A batch has '${from}' as ${found}, not as ${wanted}.`)
    }
    yield some
  }
}

/** Readers of SQL see the version when it has resolved. Under the lease of publication. */
export async function showTable(
  context: BatchContext,
  batch: Batch,
  run: BatchRun,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  const { table } = batch.publish
  if (table === null) return
  const served = servedBy(batch, run, table)
  let over: string | null = null
  for (let tries = 0; tries < triesMost; tries++) {
    signal.throwIfAborted()
    const shown: Shown = await context.tables!.show(served, lease.token, over).catch(away(run))
    if (shown === 'shown') return
    if (shown === 'unfilled') await fillTable(context, batch, run, () => {}, signal)
    // A metadata store that was lost counts from one again: what it does not know of holds nobody up.
    else if ((await context.store.run(shown.run)) === null) over = shown.run
    else throw lostError(lease)
  }
  throw new SixfoldError('SX_STORE_UNAVAILABLE', `The table of version ${run.version} of '${run.batch}' does not stay.`)
}
/** It may be dropped while it is about to be shown, by whoever cleans up. */
const triesMost = 4

export async function showLive(context: BatchContext, batch: Batch, lease: Lease, signal: AbortSignal): Promise<void> {
  const { environment } = context
  const live = await liveOf(context, batch.name)
  const run = live === null ? null : await context.store.run(live.run)
  if (run !== null) await showTable(context, batch, run, lease, signal)
  else if (live === null && (await isAhead(context, batch)))
    await context.tables!.hide({ environment, batch: batch.name, table: batch.publish.table! }, lease.token)
}

/** Its table shows a run that is known here. Of another the memory was lost, and readers lose nothing by that. */
async function isAhead({ store, tables }: BatchContext, { publish }: Batch): Promise<boolean> {
  const shown = publish.table === null ? null : await tables!.shown(publish.table)
  return shown !== null && (await store.run(shown)) !== null
}

/** Every table shows what is live: also after a publication that broke off between the two, and of a batch that has had none until now. */
export async function alignTables(context: BatchContext, outer?: AbortSignal): Promise<void> {
  const wanting = batchesOf(context.platform).filter(({ publish }) => publish.table !== null)
  const done = await Promise.allSettled(wanting.map((batch) => align(context, batch, outer)))
  for (const one of done) if (one.status === 'rejected') throw one.reason
}

async function align(context: BatchContext, batch: Batch, outer: AbortSignal | undefined): Promise<void> {
  const live = await liveOf(context, batch.name)
  const right =
    live === null ? !(await isAhead(context, batch)) : (await context.tables!.shown(batch.publish.table!)) === live.run
  if (right) return
  await underLease(
    context,
    publicationOf({ environment: context.environment, batch: batch.name }),
    outer,
    (lease, signal) => showLive(context, batch, lease, signal),
  ).catch((error: unknown) => {
    // Somebody publishes, which does the same.
    if (!isSixfoldError(error) || error.code !== 'SX_BATCH_BUSY') throw error
  })
}

/** One at a time for the whole batch: two versions that want to go live go one after another. */
export const publicationOf = ({ environment, batch }: Pick<BatchRun, 'environment' | 'batch'>): string =>
  `publish/${environment}/${batch}`
