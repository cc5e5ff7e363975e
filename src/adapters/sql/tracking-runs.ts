/** Runs: made, changed, read and searched. What is logged to them is in tracking-log.ts. */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { systemClock } from '../../kernel/clock.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Tags } from '../../ports/registry-store.ts'
import type { Page, Search } from '../../ports/search.ts'
import type { Lifecycle, NewRun, Run, RunChange, RunStatus, View } from '../../ports/tracking-store.ts'
import type { SqlDialect } from './migrate.ts'
import type { Searchable } from './search.ts'
import { matching, pageOf } from './search.ts'
import { tableOf } from './table.ts'
import { experimentNumber, openExperiment } from './tracking-experiments.ts'
import { indexedCharacters } from './tracking-tables.ts'
import type { Db, MetricColumns } from './tracking-values.ts'
import { byKey, grouped, metricFrom, setTags, tagsFrom } from './tracking-values.ts'

export const unknownRun = (id: string): SixfoldError => new SixfoldError('SX_UNKNOWN_RUN', `There is no run '${id}'.`)

/** The number of a run that may be logged to: neither it nor its experiment was deleted. */
export async function openRun(db: Db, id: string): Promise<{ readonly seq: number; readonly experiment: number }> {
  const run = await db
    .selectFrom('run')
    .innerJoin('experiment', 'experiment.id', 'run.experiment')
    .select(['run.seq', 'run.experiment', 'run.lifecycle', 'experiment.lifecycle as around'])
    .where('run.id', '=', id)
    .executeTakeFirst()
  if (!run) throw unknownRun(id)
  if (run.lifecycle === 'deleted') throw new SixfoldError('SX_TRACKING_STATE', `Run '${id}' was deleted.`)
  if (run.around === 'deleted')
    throw new SixfoldError('SX_TRACKING_STATE', `Experiment '${run.experiment}' of run '${id}' was deleted.`)
  return run
}

export async function createRun(db: Db, { id, experiment, name, user, startedAt, tags }: NewRun): Promise<Run> {
  const { number, artifactLocation } = await openExperiment(db, experiment)
  const added = await db
    .insertInto('run')
    .values({
      ...{ id, experiment: number, name, username: user, status: 'RUNNING', started: startedAt, ended: null },
      ...{ lifecycle: 'active', deleted: null, artifact_uri: `${artifactLocation}/${id}/artifacts` },
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('seq')
    .executeTakeFirst()
  if (added) await setTags(db, 'run_tag', added.seq, Object.entries(tags))
  // Ids are random: one that is there is that of the same call, whose answer was lost.
  return (await runOf(db, id))!
}

const clock = systemClock()

export async function updateRun(db: Db, id: string, { name, status, endedAt, lifecycle }: RunChange): Promise<Run> {
  if (lifecycle === undefined) await openRun(db, id)
  const changes = {
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(endedAt === undefined ? {} : { ended: endedAt }),
    ...(lifecycle === undefined ? {} : { lifecycle, deleted: lifecycle === 'deleted' ? clock.now() : null }),
  }
  if (Object.keys(changes).length > 0) await db.updateTable('run').set(changes).where('id', '=', id).execute()
  const run = await runOf(db, id)
  if (!run) throw unknownRun(id)
  return run
}

export const runOf = async (db: Db, id: string): Promise<Run | null> =>
  (await runsFrom(db, sql`from ${tableOf(db, 'run')} as thing where ${sql.ref('thing.id')} = ${id}`))[0] ?? null

const searchable: Searchable = {
  table: 'run',
  attributes: {
    run_id: sql.ref('thing.id'),
    run_name: sql.ref('thing.name'),
    user_id: sql.ref('thing.username'),
    status: sql.ref('thing.status'),
    artifact_uri: sql.ref('thing.artifact_uri'),
    start_time: sql.ref('thing.started'),
    end_time: sql.ref('thing.ended'),
  },
  values: {
    tag: { table: 'run_tag', owner: { run: 'seq' }, key: 'key', indexed: indexedCharacters },
    parameter: { table: 'run_parameter', owner: { run: 'seq' }, key: 'key', indexed: indexedCharacters },
    metric: { table: 'latest_metric', owner: { run: 'seq' }, key: 'key', numbers: true },
    dataset: { table: 'run_dataset', owner: { run: 'seq' }, first: sql`${sql.ref('name')}, ${sql.ref('digest')}` },
  },
  ties: sql`${sql.ref('thing.started')} desc, ${sql.ref('thing.id')}`,
}

export async function searchRuns(
  db: Db,
  experiments: readonly string[],
  search: Search,
  view: View,
  dialect: SqlDialect,
): Promise<Page<Run>> {
  const numbers = experiments.map(experimentNumber).filter((number) => number !== null)
  if (numbers.length === 0) return { items: [], more: false }
  const inThese = sql`${sql.ref('thing.experiment')} in (${sql.join(numbers)})`
  const deleted = sql`${sql.ref('thing.experiment')} in (select id from ${tableOf(db, 'experiment')} where lifecycle = 'deleted')`
  const own = sql`${sql.ref('thing.lifecycle')} = ${view}`
  const seen = { all: [], active: [own, sql`not ${deleted}`], deleted: [sql`(${own} or ${deleted})`] }[view]
  return pageOf(await runsFrom(db, matching(db, searchable, search, dialect, [inThese, ...seen])), search)
}

/** The columns that all parts of a run are read in; which part fills which is seen below. */
interface Row extends MetricColumns {
  part: 'run' | 'tag' | 'parameter' | 'metric' | 'dataset' | 'input' | 'output'
  run: number
  place: number
  value_text: string
  a: string | null
  b: string | null
  c: string | null
  d: string | null
  ended: number | null
}

/** Runs with all that is theirs by one statement, and hence as they were at one instant. */
async function runsFrom(db: Db, from: RawBuilder<unknown>): Promise<readonly Run[]> {
  const these = sql`where run in (select seq from page)`
  const { rows } = await sql<Row>`
    with page as materialized (select found.*, row_number() over () as place from (select thing.* ${from}) as found)
    select 'run' as part, page.seq as run, page.place as place, page.id as key, page.name as value_text,
      page.username as a, page.status as b, page.artifact_uri as c,
      case when page.lifecycle = 'deleted' then page.lifecycle else around.lifecycle end as d,
      '' as dataset_name, '' as dataset_digest, null as model,
      cast(page.experiment as double precision) as value, 0 as nan, page.started as at, page.ended as ended, 0 as step
      from page join ${tableOf(db, 'experiment')} as around on around.id = page.experiment
    union all
    select 'tag', run, 0, key, value, null, null, null, null, '', '', null, 0, 0, 0, null, 0
      from ${tableOf(db, 'run_tag')} ${these}
    union all
    select 'parameter', run, 0, key, value, null, null, null, null, '', '', null, 0, 0, 0, null, 0
      from ${tableOf(db, 'run_parameter')} ${these}
    union all
    select 'metric', run, 0, key, '', null, null, null, null, dataset_name, dataset_digest, model, value, nan, at, null, step
      from ${tableOf(db, 'latest_metric')} ${these}
    union all
    select 'dataset', input.run, 0, what.source_type, what.source, what.schema, what.profile, input.tags, null,
      input.name, input.digest, null, 0, 0, 0, null, 0
      from page join ${tableOf(db, 'run_dataset')} as input on input.run = page.seq join ${tableOf(db, 'dataset')} as what
      on what.experiment = page.experiment and what.name = input.name and what.digest = input.digest
    union all
    select direction, run, 0, '', '', null, null, null, null, '', '', model, 0, 0, 0, null, step
      from ${tableOf(db, 'run_model')} ${these}`.execute(db)
  const parts = grouped(rows, ({ part, run }) => (part === 'run' ? part : `${part} ${run}`))
  return [...parts('run')]
    .sort((a, b) => a.place - b.place)
    .map((row) => {
      const all = (part: Row['part']): readonly Row[] => parts(`${part} ${row.run}`)
      return {
        id: row.key,
        experiment: String(row.value),
        name: row.value_text,
        user: row.a!,
        status: row.b as RunStatus,
        startedAt: row.at,
        endedAt: row.ended,
        artifactUri: row.c!,
        lifecycle: row.d as Lifecycle,
        tags: tagsFrom(all('tag').map(textValue)),
        parameters: tagsFrom(all('parameter').map(textValue)),
        metrics: all('metric').map(metricFrom).sort(byKey),
        inputs: {
          datasets: all('dataset').map((one) => ({
            dataset: {
              ...{ name: one.dataset_name, digest: one.dataset_digest, sourceType: one.key, source: one.value_text },
              ...{ schema: one.a, profile: one.b },
            },
            tags: JSON.parse(one.c!) as Tags,
          })),
          models: all('input').map(({ model }) => ({ model: model! })),
        },
        outputs: all('output').map(({ model, step }) => ({ model: model!, step })),
      }
    })
}

const textValue = ({ key, value_text }: Row): { readonly key: string; readonly value: string } => ({
  key,
  value: value_text,
})
