/** Runs: made, changed, read and searched. What is logged to them is in tracking-log.ts. */
import { setImmediate as immediate } from 'node:timers/promises'
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { systemClock } from '../../../kernel/clock.ts'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { Tags } from '../../../ports/registry-store.ts'
import type { Page, Search } from '../../../ports/search.ts'
import type { Lifecycle, Metric, NewRun, Run, RunChange, RunStatus, View } from '../../../ports/tracking-store.ts'
import { indexedCharacters } from '../create-table.ts'
import type { SqlDialect } from '../migrate.ts'
import type { Searchable } from '../search.ts'
import { matching, pageOf } from '../search.ts'
import { tableOf } from '../table.ts'
import { setTags } from '../tags.ts'
import { experimentNumber, openExperiment } from './experiments.ts'
import type { Db } from './values.ts'
import { byKey, grouped, tagsFrom } from './values.ts'

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
  if (added) await setTags(db, 'run_tag', 'run', added.seq, Object.entries(tags))
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

/** Runs that are read without a pause. A longer page is read in slices, each as it was at one instant, and others have their turn between. */
const runsAtOnce = 500

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
  const found = matching(db, searchable, search, dialect, [inThese, ...seen])
  if (search.limit <= runsAtOnce) return pageOf(await runsFrom(db, found), search)
  const { items, more } = pageOf((await sql<{ seq: number }>`select thing.seq ${found}`.execute(db)).rows, search)
  const runs: Run[] = []
  for (let from = 0; from < items.length; from += runsAtOnce) {
    await immediate()
    const these = items.slice(from, from + runsAtOnce).map(({ seq }) => seq)
    const place = sql`case ${sql.ref('thing.seq')} ${sql.join(
      these.map((seq, index) => sql`when ${sql.lit(seq)} then ${sql.lit(index)}`),
      sql` `,
    )} end`
    const slice = sql`from ${tableOf(db, 'run')} as thing where ${sql.ref('thing.seq')} in (${sql.join(these.map((seq) => sql.lit(seq)))})`
    runs.push(...(await runsFrom(db, sql`${slice} order by ${place}`)))
  }
  return { items: runs, more }
}

/** The columns in which all parts of a run are read. They are few because a page has hundreds of rows for each of its runs. */
interface Row {
  part: 'run' | 'state' | 'tag' | 'parameter' | 'metric' | 'measured' | 'dataset' | DatasetPart | 'input' | 'output'
  run: number
  key: string
  value: string
  number: number
  at: number | null
  step: number
  more: string | null
}
const datasetParts = ['source_type', 'source', 'schema', 'profile'] as const
type DatasetPart = (typeof datasetParts)[number]

/** Runs with all that is theirs by one statement, and hence as they were at one instant. */
async function runsFrom(db: Db, from: RawBuilder<unknown>): Promise<readonly Run[]> {
  const these = sql`where run in (select seq from page)`
  const datasets = sql`from page join ${tableOf(db, 'run_dataset')} as input on input.run = page.seq
    join ${tableOf(db, 'dataset')} as what
    on what.experiment = page.experiment and what.name = input.name and what.digest = input.digest`
  const { rows } = await sql<Row>`
    with page as materialized (select found.*, row_number() over () as place from (select thing.* ${from}) as found)
    select 'run' as part, seq as run, id as key, name as value, cast(experiment as double precision) as number,
      started as at, place as step, username as more from page
    union all
    select 'state', page.seq, page.status, page.artifact_uri, 0, page.ended, 0,
      case when page.lifecycle = 'deleted' then page.lifecycle else around.lifecycle end
      from page join ${tableOf(db, 'experiment')} as around on around.id = page.experiment
    union all
    select 'tag', run, key, value, 0, 0, 0, null from ${tableOf(db, 'run_tag')} ${these}
    union all
    select 'parameter', run, key, value, 0, 0, 0, null from ${tableOf(db, 'run_parameter')} ${these}
    union all
    select 'metric', run, key, '', value, at, step, case nan when 1 then 'NaN' end
      from ${tableOf(db, 'latest_metric')} ${these}
    union all
    select 'measured', run, key, dataset_name, 0, 0, 0, dataset_digest from ${tableOf(db, 'latest_metric')} ${these}
      and dataset_name <> ''
    union all
    select 'measured', run, key, model, 0, 0, 1, null from ${tableOf(db, 'latest_metric')} ${these} and model is not null
    union all
    select 'dataset', input.run, input.name, input.digest, 0, 0, 0, input.tags ${datasets}
    ${sql.join(
      datasetParts.map(
        (part) =>
          sql`union all select ${sql.lit(part)}, input.run, input.name, input.digest, 0, 0, 0, ${sql.ref(`what.${part}`)} ${datasets}`,
      ),
      sql` `,
    )}
    union all
    select direction, run, model, '', 0, 0, step, null from ${tableOf(db, 'run_model')} ${these}`.execute(db)
  const parts = grouped(rows, ({ part, run }) => (part === 'run' ? part : `${part} ${run}`))
  return [...parts('run')]
    .sort((a, b) => a.step - b.step)
    .map((row) => {
      const all = (part: Row['part']): readonly Row[] => parts(`${part} ${row.run}`)
      const state = all('state')[0]!
      return {
        id: row.key,
        experiment: String(row.number),
        name: row.value,
        user: row.more!,
        status: state.key as RunStatus,
        startedAt: row.at!,
        endedAt: state.at,
        artifactUri: state.value,
        lifecycle: state.more as Lifecycle,
        tags: tagsFrom(all('tag')),
        parameters: tagsFrom(all('parameter')),
        metrics: metricsFrom(all('metric'), all('measured')),
        inputs: {
          datasets: all('dataset').map((one) => {
            const of = (part: DatasetPart): string | null =>
              all(part).find(({ key, value }) => key === one.key && value === one.value)!.more
            return {
              dataset: {
                ...{ name: one.key, digest: one.value, sourceType: of('source_type')!, source: of('source')! },
                ...{ schema: of('schema'), profile: of('profile') },
              },
              tags: JSON.parse(one.more!) as Tags,
            }
          }),
          models: all('input').map(({ key }) => ({ model: key })),
        },
        outputs: all('output').map(({ key, step }) => ({ model: key, step })),
      }
    })
}

/** On which data and of which model is known of few, and hence stands apart. */
function metricsFrom(metrics: readonly Row[], measured: readonly Row[]): readonly Metric[] {
  const [on, by] = [0, 1].map(
    (which) => new Map(measured.filter(({ step }) => step === which).map((one) => [one.key, one])),
  )
  return [...metrics].sort(byKey).map(({ key, number, at, step, more }) => {
    const dataset = on!.get(key)
    return {
      ...{ key, value: more === 'NaN' ? Number.NaN : number, at: at!, step },
      dataset: dataset ? { name: dataset.value, digest: dataset.more! } : null,
      model: by!.get(key)?.value ?? null,
    }
  })
}
