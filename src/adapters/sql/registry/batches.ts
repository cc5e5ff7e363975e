/** Batches go live, are refused, break off: the run and the pointer change with the entry that says so. */
import type { Kysely, Selectable } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { BatchChange, LiveBatch, RunState } from '../../../ports/batch-store.ts'
import type { Author, Change } from '../../../ports/registry-store.ts'
import type { BatchTables } from '../batch/tables.ts'
import type { ChangeOf, Effect, Effects } from './effect.ts'
import { conflict } from './effect.ts'
import type { Db } from './rows.ts'
import { modelRow } from './rows.ts'

const onTheWay: readonly string[] = ['planning', 'scoring', 'auditing', 'passed'] satisfies readonly RunState[]

type Run = Selectable<BatchTables['batches_run']>
type OfBatches = Extract<Change, BatchChange>['kind']

/** Both are tables of one store, in one transaction. */
const batchesOf = (db: Db): Kysely<BatchTables> => db as unknown as Kysely<BatchTables>

export const liveBatches = (db: Db): Promise<readonly LiveBatch[]> =>
  batchesOf(db).selectFrom('batches_live').selectAll().orderBy('environment').orderBy('batch').execute()

export const ofBatches: Effects<OfBatches> = {
  'batch.published': publish,
  'batch.refused': async (db, change, by) => {
    const run = await runOf(db, change)
    // One that was written down as refused before is told of.
    if (run.state !== 'auditing' && run.state !== 'refused') throw wrongState(run, 'refused')
    await setRun(db, run, { state: 'refused', updated: by.at })
    return about(db, change, { checks: change.checks })
  },
  'batch.failed': async (db, change, by) => {
    const run = await runOf(db, change)
    if (!onTheWay.includes(run.state) && run.state !== 'failed') throw wrongState(run, 'failed')
    await setRun(db, run, { state: 'failed', error: JSON.stringify(change.error), updated: by.at })
    return about(db, change, { error: change.error, from: run.state })
  },
  'batch.cancelled': async (db, change, by) => {
    const run = await runOf(db, change)
    if (!onTheWay.includes(run.state)) throw wrongState(run, 'cancelled')
    await setRun(db, run, { state: 'cancelled', updated: by.at })
    return about(db, change, { from: run.state })
  },
  'batch.held': async (db, change, by) => {
    await runOf(db, change)
    const { environment, batch } = change
    const hold = { actor: by.actor, reason: by.reason, at: by.at }
    await batchesOf(db)
      .insertInto('batches_hold')
      .values({ environment, batch, ...hold })
      .onConflict((there) => there.columns(['environment', 'batch']).doUpdateSet(hold))
      .execute()
    return about(db, change, {})
  },
  'batch.released': async (db, change) => {
    await runOf(db, change)
    const { environment, batch } = change
    const { numDeletedRows } = await batchesOf(db)
      .deleteFrom('batches_hold')
      .where('environment', '=', environment)
      .where('batch', '=', batch)
      .executeTakeFirst()
    if (Number(numDeletedRows) === 0) throw conflict(`'${batch}' is not held in '${environment}'.`, { held: false })
    return about(db, change, {})
  },
}

async function publish(db: Db, change: ChangeOf<'batch.published'>, by: Author): Promise<Effect> {
  const { batch, environment, version, replaces, verdict } = change
  const run = await runOf(db, change)
  const state = { passed: 'passed', overridden: 'refused' }[verdict]
  const once = run.state === 'published'
  if (run.retired === 1) throw conflict(`${named(run)} is not kept any more.`, { version, retired: true })
  if (!once && (change.rollback || run.state !== state))
    throw wrongState(run, change.rollback ? 'rolled back to' : 'published')
  const live = await batchesOf(db)
    .selectFrom('batches_live')
    .select(['version', 'run'])
    .where('environment', '=', environment)
    .where('batch', '=', batch)
    .executeTakeFirst()
  if ((live?.version ?? null) !== replaces || live?.run === run.id)
    throw conflict(
      `${live === undefined ? 'No version' : `Version ${live.version}`} of '${batch}' is live in '${environment}'${
        live?.run === run.id ? ' already' : `, not ${replaces === null ? 'none' : `version ${replaces}`}`
      }.`,
      { live: live?.version ?? null },
    )
  const pointer = { version, run: run.id, at: by.at, previous: replaces }
  await batchesOf(db)
    .insertInto('batches_live')
    .values({ environment, batch, ...pointer })
    .onConflict((there) => there.columns(['environment', 'batch']).doUpdateSet(pointer))
    .execute()
  await setRun(db, run, { state: 'published', published: run.published ?? by.at, updated: by.at })
  return about(db, change, { replaces, verdict, rollback: once })
}

/** The run that the change names, which must be what it is taken to be. */
async function runOf(db: Db, { run: id, batch, environment, version, model, modelVersion }: BatchChange): Promise<Run> {
  const run = await batchesOf(db).selectFrom('batches_run').selectAll().where('id', '=', id).executeTakeFirst()
  if (run === undefined)
    throw new SixfoldError('SX_UNKNOWN_BATCH_RUN', `There is no run '${shorten(id)}'.`, {
      details: { run: shorten(id) },
    })
  if (
    [run.batch, run.environment, run.version].join('\n') !== [batch, environment, version].join('\n') ||
    run.model !== model ||
    run.model_version !== modelVersion
  )
    throw conflict(
      `Run ${id} is version ${run.version} of '${run.batch}' in '${run.environment}', by version ${run.model_version} of '${run.model}'.`,
      {
        run: id,
      },
    )
  return run
}

const named = ({ version, batch }: Run): string => `Version ${version} of '${batch}'`
const wrongState = (run: Run, wanted: string): SixfoldError =>
  conflict(`${named(run)} is ${run.state}, and cannot be ${wanted}.`, { version: run.version, state: run.state })

const setRun = (db: Db, { seq }: Run, values: Partial<Pick<Run, 'state' | 'updated' | 'published' | 'error'>>) =>
  batchesOf(db).updateTable('batches_run').set(values).where('seq', '=', seq).execute()

const lastNamed = async (db: Db, model: string): Promise<number | null> => {
  const named = db.selectFrom('audit').select('subject').where('model', '=', model).where('subject', 'is not', null)
  return (await named.orderBy('number', 'desc').limit(1).executeTakeFirst())?.subject ?? null
}

/** The entry is of the model's version that computed it, also where that model has been deleted or renamed since. */
async function about(
  db: Db,
  { batch, run, version, model, modelVersion, environment }: BatchChange,
  details: Effect['details'],
): Promise<Effect> {
  const subject = (await modelRow(db, model))?.seq ?? (await lastNamed(db, model))
  return {
    model,
    version: modelVersion,
    environment,
    details: { batch, run, batchVersion: version, ...details },
    subject,
  }
}
