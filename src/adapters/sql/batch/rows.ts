/** Rows of batches, and what they are to everybody else. */
import type { Kysely, Selectable } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { BatchRun, NewBatchRun, Partition, RunState } from '../../../ports/batch-store.ts'
import type { RegistryTables } from '../registry/tables.ts'
import type { BatchTables } from './tables.ts'

export type Db = Kysely<BatchTables>
export type RunRow = Selectable<BatchTables['batches_run']>
export type PartitionRow = Selectable<BatchTables['batches_partition']>

/** Both are tables of one store, in one transaction. */
export const registryOf = (db: Db): Kysely<RegistryTables> => db as unknown as Kysely<RegistryTables>

/** Of references to artifacts. */
export const ownerOf = (run: string): string => `batch/${run}`

export const json = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value)
const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T))

export const runFrom = (row: RunRow): BatchRun => ({
  id: row.id,
  batch: row.batch,
  environment: row.environment,
  occasion: row.occasion,
  at: row.at,
  from: row.since,
  reason: row.reason as NewBatchRun['reason'],
  actor: row.actor,
  engine: row.engine as NewBatchRun['engine'],
  definition: row.definition,
  model: row.model,
  modelVersion: row.model_version,
  modelFile: row.model_file,
  version: row.version,
  state: row.state as RunState,
  plan: parsed(row.plan),
  verdict: parsed(row.verdict),
  cost: parsed(row.cost),
  error: parsed(row.error),
  artifacts: JSON.parse(row.artifacts) as BatchRun['artifacts'],
  beganAt: row.began,
  updatedAt: row.updated,
  publishedAt: row.published,
  retired: row.retired === 1,
})

export const partitionFrom = (row: PartitionRow): Partition => ({
  index: row.number,
  rows: row.rows,
  input: JSON.parse(row.input) as unknown,
  state: row.state as Partition['state'],
  attempts: row.attempts,
  error: parsed(row.error),
  holder: row.holder,
  output: parsed(row.output),
  beganAt: row.began,
  endedAt: row.ended,
})

export const runRow = (db: Db, id: string): Promise<RunRow | undefined> =>
  db.selectFrom('batches_run').selectAll().where('id', '=', id).executeTakeFirst()

/** How a run stands, without the documents, which may be long. */
const head = ['seq', 'environment', 'batch', 'version', 'state', 'retired', 'call', 'artifacts'] as const
export type RunHead = Pick<RunRow, (typeof head)[number]>

export const runHead = (db: Db, id: string): Promise<RunHead | undefined> =>
  db.selectFrom('batches_run').select(head).where('id', '=', id).executeTakeFirst()

export async function neededRun(db: Db, id: string): Promise<RunHead> {
  const found = await runHead(db, id)
  if (found !== undefined) return found
  throw new SixfoldError('SX_UNKNOWN_BATCH_RUN', `There is no run '${shorten(id)}'.`, { details: { run: shorten(id) } })
}
