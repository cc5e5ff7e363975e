/** Runs: begun once an occasion, moved by compare and set under their lease, found by batch and state. */
import type { Expression } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import type {
  BatchRun,
  Lease,
  NewBatchRun,
  NewPartition,
  RunChange,
  RunQuery,
  RunState,
} from '../../../ports/batch-store.ts'
import { insertRows } from '../insert.ts'
import { refer, unrefer } from '../registry/references.ts'
import { isNewest } from './leases.ts'
import type { Db } from './rows.ts'
import { json, neededRun, ownerOf, registryOf, runFrom, runHead } from './rows.ts'

export async function begin(db: Db, run: NewBatchRun, now: Expression<number>): Promise<BatchRun> {
  const of = db.selectFrom('batches_run').where('environment', '=', run.environment).where('batch', '=', run.batch)
  const there = await of.selectAll().where('occasion', '=', run.occasion).executeTakeFirst()
  if (there !== undefined) return runFrom(there)
  if ((await runHead(db, run.id)) !== undefined)
    throw new SixfoldError('SX_REQUEST_INVALID', `There is a run '${run.id}' already, of another occasion.`, {
      fix: 'Give each run an id of its own.',
    })
  const newest = await of.select('version').orderBy('version', 'desc').limit(1).executeTakeFirst()
  await refer(registryOf(db), [run.modelFile], ownerOf(run.id))
  const row = await db
    .insertInto('batches_run')
    .values({
      ...{ id: run.id, environment: run.environment, batch: run.batch, version: (newest?.version ?? 0) + 1 },
      ...{ occasion: run.occasion, state: 'planning', at: run.at, since: run.from, reason: run.reason },
      ...{ actor: run.actor, engine: run.engine, definition: run.definition, model: run.model },
      ...{ model_version: run.modelVersion, model_file: run.modelFile, began: now, updated: now, published: null },
      ...{ retired: 0, call: '', error: null, cost: null, artifacts: '{}', verdict: null, plan: null },
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return runFrom(row)
}

/** All but the documents that may be long. */
const briefly = [
  ...(['seq', 'id', 'environment', 'batch', 'version', 'occasion', 'state', 'at', 'since', 'reason', 'actor'] as const),
  ...(['engine', 'definition', 'model', 'model_version', 'model_file', 'began', 'updated', 'published'] as const),
  ...(['retired', 'call', 'error', 'cost', 'artifacts'] as const),
] as const

export async function runs(db: Db, query: RunQuery): Promise<readonly BatchRun[]> {
  const { batch, environment, states, occasion, from, until, before, brief = false, limit } = query
  let asked = db
    .selectFrom('batches_run')
    .select(brief ? briefly : [...briefly, 'plan', 'verdict'])
    .where('environment', '=', environment)
  if (batch !== undefined) asked = asked.where('batch', '=', batch)
  if (states !== undefined) asked = asked.where('state', 'in', [...states])
  if (occasion !== undefined) asked = asked.where('occasion', '=', occasion)
  if (from !== undefined) asked = asked.where('at', '>=', from)
  if (until !== undefined) asked = asked.where('at', '<', until)
  if (before !== undefined) asked = asked.where('version', '<', before)
  if (states?.length === 0) return []
  // The runs of one batch are numbered in the order in which they begin.
  const rows = await asked
    .orderBy(batch === undefined ? 'seq' : 'version', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => runFrom(brief ? { ...row, plan: null, verdict: null } : row))
}

interface Move {
  readonly lease: Lease
  readonly from: RunState
  readonly to: Exclude<RunState, 'published'>
  readonly change: RunChange
  readonly call: string
}

export async function advance(db: Db, id: string, move: Move, now: Expression<number>): Promise<boolean> {
  const { lease, from, to, change, call } = move
  if (lease.name !== `run/${id}`) return false
  const run = await runHead(db, id)
  if (run?.call === call) return true
  if (run === undefined || run.state !== from || run.retired === 1 || !(await isNewest(db, lease))) return false
  const { plan, verdict, cost, error, artifacts } = change
  if (artifacts !== undefined) await refer(registryOf(db), Object.values(artifacts), ownerOf(id))
  await db
    .updateTable('batches_run')
    .set({
      ...{ state: to, updated: now, call },
      ...(plan === undefined ? {} : { plan: json(plan) }),
      ...(verdict === undefined ? {} : { verdict: json(verdict) }),
      ...(cost === undefined ? {} : { cost: json(cost) }),
      ...(error === undefined ? {} : { error: json(error) }),
      ...(artifacts === undefined
        ? {}
        : { artifacts: JSON.stringify({ ...(JSON.parse(run.artifacts) as BatchRun['artifacts']), ...artifacts }) }),
    })
    .where('seq', '=', run.seq)
    .execute()
  return true
}

export async function planned(
  db: Db,
  id: string,
  move: Pick<Move, 'lease' | 'call'> & { readonly plan: unknown; readonly partitions: readonly NewPartition[] },
  now: Expression<number>,
): Promise<boolean> {
  const { lease, call, plan, partitions } = move
  if ((await runHead(db, id))?.call === call) return true
  const change = { plan, error: null }
  if (!(await advance(db, id, { lease, call, from: 'planning', to: 'scoring', change }, now))) return false
  await refer(registryOf(db), partitions.flatMap(artifactsOf), ownerOf(id))
  await db.deleteFrom('batches_partition').where('run', '=', id).execute()
  await insertRows(
    db,
    'batches_partition',
    ['run', 'number', 'state', 'rows', 'attempts', 'input'],
    partitions.map(({ index, rows, input }) => [id, index, 'pending', rows, 0, JSON.stringify(input ?? null)]),
    '',
  )
  return true
}

/** Rows that were made for a partition lie in the artifact store. */
function artifactsOf({ input }: NewPartition): readonly string[] {
  const { sha256 } = (input ?? {}) as { readonly sha256?: unknown }
  return typeof sha256 === 'string' ? [sha256] : []
}

export async function retire(db: Db, id: string): Promise<boolean> {
  const run = await neededRun(db, id)
  if (run.retired === 1) return true
  const live = await db
    .selectFrom('batches_live')
    .select('run')
    .where('environment', '=', run.environment)
    .where('batch', '=', run.batch)
    .where('run', '=', id)
    .executeTakeFirst()
  if (live !== undefined || ['planning', 'scoring', 'auditing'].includes(run.state)) return false
  await db.updateTable('batches_run').set({ retired: 1 }).where('seq', '=', run.seq).execute()
  await unrefer(registryOf(db), ownerOf(id))
  // All names that begin with that of the run and a slash: what follows a slash is '0'.
  await db.deleteFrom('batches_lease').where('name', '>', `run/${id}/`).where('name', '<', `run/${id}0`).execute()
  return true
}
