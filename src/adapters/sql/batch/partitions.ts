/** Partitions: taken one by one, each under its lease, and changed only by whoever had it last. */
import type { Expression } from 'kysely'
import { sql } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { BatchRun, PartitionOutput, TakenPartition } from '../../../ports/batch-store.ts'
import { refer } from '../registry/references.ts'
import { tableOf } from '../table.ts'
import { give } from './leases.ts'
import type { Db, PartitionRow } from './rows.ts'
import { json, neededRun, ownerOf, partitionFrom, registryOf, runFrom, runHead, runRow } from './rows.ts'

const leaseOf = (run: string, index: number): string => `run/${run}/${index}`

interface Taking {
  readonly holder: string
  readonly ms: number
  readonly only: number | null
  readonly call: string
}

export async function take(
  db: Db,
  run: string,
  taking: Taking,
  now: Expression<number>,
): Promise<TakenPartition | null> {
  const { holder, only, call } = taking
  if ((await runHead(db, run))?.state !== 'scoring') return null
  const running = await runningOf(db, run, now)
  const mine = running.find((one) => one.call === call)
  if (mine !== undefined)
    return {
      ...partitionFrom(await partitionRow(db, run, mine.number)),
      lease: { name: leaseOf(run, mine.number), token: mine.token! },
    }
  const free = running.filter(({ left }) => left === null || left <= 0).map(({ number }) => number)
  let waiting = db
    .selectFrom('batches_partition')
    .select('number')
    .where('run', '=', run)
    .where('state', '=', 'pending')
  if (only !== null) waiting = waiting.where('number', '=', only)
  const first = await waiting.orderBy('number').limit(1).executeTakeFirst()
  const open = [...free.filter((number) => only === null || number === only), ...(first ? [first.number] : [])]
  if (open.length === 0) return null
  const number = Math.min(...open)
  const lease = await give(db, leaseOf(run, number), taking, now)
  const { token } = lease
  const row = await db
    .updateTable('batches_partition')
    .set((was) => ({ state: 'running', attempts: was('attempts', '+', 1), holder, token, began: now, ended: null }))
    .where('run', '=', run)
    .where('number', '=', number)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { ...partitionFrom(row), lease }
}

/** As many as there are workers. */
async function runningOf(db: Db, run: string, now: Expression<number>) {
  const { rows } = await sql<{ number: number; call: string | null; token: number | null; left: number | null }>`
    select part.number, lease.call, lease.token, lease.until - ${now} as left
    from ${tableOf(db, 'batches_partition')} as part
    left join ${tableOf(db, 'batches_lease')} as lease on lease.name = ${`run/${run}/`} || cast(part.number as text)
    where part.run = ${run} and part.state = 'running'`.execute(db)
  return rows
}

const partitionRow = (db: Db, run: string, number: number): Promise<PartitionRow> =>
  db
    .selectFrom('batches_partition')
    .selectAll()
    .where('run', '=', run)
    .where('number', '=', number)
    .executeTakeFirstOrThrow()

/** The partition as it is now; null where another has had it since, or nothing is kept of the run any more. */
async function stillHad(db: Db, run: string, { index, lease }: TakenPartition): Promise<PartitionRow | null> {
  const of = await runHead(db, run)
  if (of === undefined || of.retired === 1) return null
  const row = await partitionRow(db, run, index)
  // No token is given twice, of whatever name.
  return row.token === lease.token ? row : null
}

export async function finish(
  db: Db,
  run: string,
  partition: TakenPartition,
  output: PartitionOutput,
  now: Expression<number>,
): Promise<boolean> {
  const row = await stillHad(db, run, partition)
  // Asked for again, its answer lost: it is done already.
  if (row?.state !== 'running') return row?.state === 'done' && row.output === json(output)
  await refer(registryOf(db), [output.sha256, output.profile], ownerOf(run))
  await setPartition(db, row, { state: 'done', output: json(output), error: null, ended: now })
  return true
}

export async function fail(
  db: Db,
  run: string,
  partition: TakenPartition,
  error: string,
  final: boolean,
  now: Expression<number>,
): Promise<boolean> {
  const row = await stillHad(db, run, partition)
  const state = final ? 'failed' : 'pending'
  if (row?.state !== 'running') return row?.state === state && row.error === error
  await setPartition(db, row, { state, error, ended: now })
  return true
}

const setPartition = (
  db: Db,
  { run, number }: PartitionRow,
  values: { state: string; error: string | null; ended: Expression<number>; output?: string | null },
) => db.updateTable('batches_partition').set(values).where('run', '=', run).where('number', '=', number).execute()

export async function again(db: Db, id: string, asked: boolean, now: Expression<number>): Promise<BatchRun> {
  const run = await neededRun(db, id)
  if (run.retired === 1)
    throw new SixfoldError('SX_BATCH_STATE', `Run ${run.version} of '${run.batch}' is not kept any more.`, {
      fix: 'Begin a new run.',
    })
  await db
    .updateTable('batches_partition')
    .set({ state: 'pending', attempts: 0, error: null, holder: null, began: null, ended: null })
    .where('run', '=', id)
    .where('state', '=', 'failed')
    .execute()
  if (asked)
    await db
      .updateTable('batches_run')
      .set({ reason: 'request' })
      .where('seq', '=', run.seq)
      // What a schedule began is gone on with in any case, and is what the next instant follows.
      .where('reason', '<>', 'schedule')
      .execute()
  if (!['failed', 'cancelled'].includes(run.state)) return runFrom((await runRow(db, id))!)
  const part = await db
    .selectFrom('batches_partition')
    .select('number')
    .where('run', '=', id)
    .limit(1)
    .executeTakeFirst()
  const state = part === undefined ? 'planning' : 'scoring'
  const row = await db
    .updateTable('batches_run')
    .set({ state, error: null, updated: now })
    .where('seq', '=', run.seq)
    .returningAll()
    .executeTakeFirstOrThrow()
  return runFrom(row)
}
