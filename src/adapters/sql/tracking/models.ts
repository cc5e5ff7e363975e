/** Logged models: what a run made, or what came to be without one. One that was deleted is known by its files alone. */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { Page, Search } from '../../../ports/search.ts'
import type { LoggedModel, LoggedModelStatus, NewLoggedModel, TrackingStore } from '../../../ports/tracking-store.ts'
import { indexedCharacters } from '../create-table.ts'
import type { SqlDialect } from '../migrate.ts'
import type { Searchable } from '../search.ts'
import { matching, pageOf } from '../search.ts'
import { tableOf } from '../table.ts'
import { setTags } from '../tags.ts'
import { experimentNumber, openExperiment } from './experiments.ts'
import type { Db, MetricColumns } from './values.ts'
import { addParameters, byKey, grouped, metricFrom, tagsFrom } from './values.ts'

/** Metrics that are given with a model: of a longer history the newest. */
const metricsOfOne = 1_000

export async function createLoggedModel(
  db: Db,
  { id, experiment, name, modelType, run, tags, parameters }: NewLoggedModel,
  at: number,
): Promise<LoggedModel> {
  const { number, artifactLocation } = await openExperiment(db, experiment)
  const added = await db
    .insertInto('logged_model')
    .values({
      ...{ id, experiment: number, name, model_type: modelType, run, status: 'LOGGED_MODEL_PENDING' },
      ...{ artifact_uri: `${artifactLocation}/models/${id}/artifacts`, deleted: 0, created: at, updated: at },
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('seq')
    .executeTakeFirst()
  if (added) {
    await setTags(db, 'logged_model_tag', 'model', added.seq, Object.entries(tags))
    await addParameters(db, 'logged_model_parameter', added.seq, Object.entries(parameters))
  }
  // Ids are random: one that is there is that of the same call, whose answer was lost.
  return (await loggedModelOf(db, id))!
}

export async function updateLoggedModel(
  db: Db,
  id: string,
  { status, tags, parameters, deleted }: Parameters<TrackingStore['updateLoggedModel']>[1],
  at: number,
): Promise<LoggedModel> {
  const found = await db.selectFrom('logged_model').select(['seq', 'deleted']).where('id', '=', id).executeTakeFirst()
  if (!found || (found.deleted === 1 && deleted === undefined))
    throw new SixfoldError('SX_UNKNOWN_LOGGED_MODEL', `There is no logged model '${id}'.`)
  if (tags) await setTags(db, 'logged_model_tag', 'model', found.seq, Object.entries(tags))
  if (parameters) await addParameters(db, 'logged_model_parameter', found.seq, Object.entries(parameters))
  await db
    .updateTable('logged_model')
    .set({
      updated: at,
      ...(status === undefined ? {} : { status }),
      ...(deleted === undefined ? {} : { deleted: deleted ? 1 : 0 }),
    })
    .where('seq', '=', found.seq)
    .execute()
  return (
    await modelsFrom(db, sql`from ${tableOf(db, 'logged_model')} as thing where ${sql.ref('thing.id')} = ${id}`)
  )[0]!
}

const here = sql`${sql.ref('thing.deleted')} = 0`

export const loggedModelOf = async (db: Db, id: string): Promise<LoggedModel | null> =>
  (
    await modelsFrom(
      db,
      sql`from ${tableOf(db, 'logged_model')} as thing where ${sql.ref('thing.id')} = ${id} and ${here}`,
    )
  )[0] ?? null

const searchable: Searchable = {
  table: 'logged_model',
  attributes: {
    model_id: sql.ref('thing.id'),
    experiment_id: sql`cast(${sql.ref('thing.experiment')} as text)`,
    name: sql.ref('thing.name'),
    // As MLflow's client names them: READY.
    status: sql`replace(${sql.ref('thing.status')}, 'LOGGED_MODEL_', '')`,
    model_type: sql.ref('thing.model_type'),
    source_run_id: sql.ref('thing.run'),
    artifact_location: sql.ref('thing.artifact_uri'),
    creation_timestamp: sql.ref('thing.created'),
    last_updated_timestamp: sql.ref('thing.updated'),
  },
  values: {
    tag: { table: 'logged_model_tag', owner: { model: 'seq' }, key: 'key', indexed: indexedCharacters },
    parameter: { table: 'logged_model_parameter', owner: { model: 'seq' }, key: 'key', indexed: indexedCharacters },
    metric: {
      ...{ table: 'model_metric', owner: { model: 'seq' }, key: 'key', numbers: true },
      first: sql`at desc, step desc, run, value desc`,
    },
    dataset: { table: 'model_metric', owner: { model: 'seq' }, first: sql`at desc, step desc, run, value desc` },
  },
  ties: sql`${sql.ref('thing.created')} desc, ${sql.ref('thing.id')}`,
}

export async function searchLoggedModels(
  db: Db,
  experiments: readonly string[],
  search: Search,
  dialect: SqlDialect,
): Promise<Page<LoggedModel>> {
  const numbers = experiments.map(experimentNumber).filter((number) => number !== null)
  if (numbers.length === 0) return { items: [], more: false }
  const inThese = sql`${sql.ref('thing.experiment')} in (${sql.join(numbers)})`
  return pageOf(await modelsFrom(db, matching(db, searchable, search, dialect, [inThese, here])), search)
}

/** The columns that all parts of a model are read in. */
interface Row extends MetricColumns {
  part: 'model' | 'tag' | 'parameter' | 'metric'
  owner: number
  place: number
  text: string
  a: string | null
  b: string | null
  c: string | null
}

/** Models with all that is theirs by one statement, and hence as they were at one instant. */
async function modelsFrom(db: Db, from: RawBuilder<unknown>): Promise<readonly LoggedModel[]> {
  const these = sql`where model in (select seq from page)`
  const { rows } = await sql<Row>`
    with page as materialized (select found.*, row_number() over () as place from (select thing.* ${from}) as found)
    select 'model' as part, seq as owner, place, id as key, name as text, model_type as a, status as b, artifact_uri as c,
      '' as dataset_name, '' as dataset_digest, run as model,
      cast(experiment as double precision) as value, 0 as nan, created as at, updated as step from page
    union all
    select 'tag', model, 0, key, value, null, null, null, '', '', null, 0, 0, 0, 0 from ${tableOf(db, 'logged_model_tag')} ${these}
    union all
    select 'parameter', model, 0, key, value, null, null, null, '', '', null, 0, 0, 0, 0
      from ${tableOf(db, 'logged_model_parameter')} ${these}
    union all
    select 'metric', model, 0, key, '', run, null, null, dataset_name, dataset_digest, null, value, nan, at, step
      from (select one.*, row_number() over (partition by model order by step desc, at desc) as place
        from ${tableOf(db, 'model_metric')} as one ${these}) as placed where place <= ${sql.lit(metricsOfOne)}`.execute(
    db,
  )
  const parts = grouped(rows, ({ part, owner }) => (part === 'model' ? part : `${part} ${owner}`))
  return [...parts('model')]
    .sort((a, b) => a.place - b.place)
    .map((row) => {
      const all = (part: Row['part']): readonly Row[] => parts(`${part} ${row.owner}`)
      const tags = (part: Row['part']) => tagsFrom(all(part).map(({ key, text }) => ({ key, value: text })))
      return {
        id: row.key,
        experiment: String(row.value),
        name: row.text,
        modelType: row.a!,
        run: row.model,
        status: row.b as LoggedModelStatus,
        artifactUri: row.c!,
        createdAt: row.at,
        updatedAt: row.step,
        tags: tags('tag'),
        parameters: tags('parameter'),
        metrics: all('metric')
          .map((metric) => ({ ...metricFrom({ ...metric, model: row.key }), run: metric.a! }))
          .sort((a, b) => byKey(a, b) || a.step - b.step || a.at - b.at),
      }
    })
}
