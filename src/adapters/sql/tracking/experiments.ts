/** Experiments: a name, and what their runs and models have in common. Their numbers are given one after another and never again. */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { Tags } from '../../../ports/registry-store.ts'
import type { Page, Search } from '../../../ports/search.ts'
import type { Experiment, Lifecycle, View } from '../../../ports/tracking-store.ts'
import type { SqlDialect } from '../migrate.ts'
import type { Searchable } from '../search.ts'
import { matching, pageOf } from '../search.ts'
import { tableOf } from '../table.ts'
import { setTags } from '../tags.ts'
import type { Db } from './values.ts'
import { grouped, tagsFrom } from './values.ts'

/** Null where nothing can have that id. */
export const experimentNumber = (id: string): number | null => (/^(0|[1-9]\d{0,14})$/.test(id) ? Number(id) : null)

export const unknownExperiment = (id: string): SixfoldError =>
  new SixfoldError('SX_UNKNOWN_EXPERIMENT', `There is no experiment '${id}'.`)

/** The experiment of a run or model to be, which must not have been deleted. */
export async function openExperiment(
  db: Db,
  id: string,
): Promise<{ readonly number: number; readonly artifactLocation: string }> {
  const number = experimentNumber(id)
  const found =
    number === null
      ? undefined
      : await db
          .selectFrom('experiment')
          .select(['artifact_location', 'lifecycle'])
          .where('id', '=', number)
          .executeTakeFirst()
  if (number === null || !found) throw unknownExperiment(id)
  if (found.lifecycle === 'deleted') throw new SixfoldError('SX_TRACKING_STATE', `Experiment '${id}' was deleted.`)
  return { number, artifactLocation: found.artifact_location }
}

export async function createExperiment(
  db: Db,
  {
    name,
    artifactLocation,
    tags,
  }: { readonly name: string; readonly artifactLocation: string | null; readonly tags: Tags },
  at: number,
  call: string,
): Promise<string> {
  const there = await db
    .selectFrom('experiment')
    .select(['id', 'call', 'lifecycle'])
    .where('name', '=', name)
    .executeTakeFirst()
  if (there?.call === call) return String(there.id)
  if (there) throw nameTaken(name, there.lifecycle)
  const { last } = await db
    .selectFrom('experiment')
    .select((columns) => columns.fn.max('id').as('last'))
    .executeTakeFirstOrThrow()
  const id = last + 1
  await db
    .insertInto('experiment')
    .values({
      ...{ id, name, artifact_location: artifactLocation ?? `mlflow-artifacts:/${id}`, lifecycle: 'active' },
      ...{ created: at, updated: at, call },
    })
    .execute()
  await setTags(db, 'experiment_tag', 'experiment', id, Object.entries(tags))
  return String(id)
}

export async function updateExperiment(
  db: Db,
  id: string,
  { name, lifecycle }: { readonly name?: string; readonly lifecycle?: Lifecycle },
  at: number,
): Promise<void> {
  const number = experimentNumber(id)
  // Only what brings it back may happen to one that was deleted.
  if (lifecycle === undefined) await openExperiment(db, id)
  if (name !== undefined) {
    const there = await db
      .selectFrom('experiment')
      .select(['id', 'lifecycle'])
      .where('name', '=', name)
      .executeTakeFirst()
    if (there && there.id !== number) throw nameTaken(name, there.lifecycle)
  }
  const done =
    number !== null &&
    (await db
      .updateTable('experiment')
      .set({
        updated: at,
        ...(name === undefined ? {} : { name }),
        ...(lifecycle === undefined ? {} : { lifecycle }),
      })
      .where('id', '=', number)
      .executeTakeFirst())
  if (!done || done.numUpdatedRows === 0n) throw unknownExperiment(id)
}

export async function tagExperiment(db: Db, id: string, key: string, value: string | null, at: number): Promise<void> {
  await updateExperiment(db, id, {}, at)
  await setTags(db, 'experiment_tag', 'experiment', experimentNumber(id)!, [[key, value]])
}

const nameTaken = (name: string, lifecycle: string): SixfoldError =>
  new SixfoldError(
    'SX_TRACKING_EXISTS',
    lifecycle === 'deleted'
      ? `An experiment named '${name}' was deleted, and its name is kept for it.`
      : `An experiment named '${name}' exists.`,
    { details: { lifecycle } },
  )

const searchable: Searchable = {
  table: 'experiment',
  attributes: {
    experiment_id: sql.ref('thing.id'),
    name: sql.ref('thing.name'),
    creation_time: sql.ref('thing.created'),
    last_update_time: sql.ref('thing.updated'),
  },
  values: { tag: { table: 'experiment_tag', owner: { experiment: 'id' }, key: 'key' } },
  ties: sql`${sql.ref('thing.created')} desc, ${sql.ref('thing.id')} desc`,
}

export async function searchExperiments(
  db: Db,
  search: Search,
  view: View,
  dialect: SqlDialect,
): Promise<Page<Experiment>> {
  const also = view === 'all' ? [] : [sql`${sql.ref('thing.lifecycle')} = ${view}`]
  return pageOf(await experimentsOf(db, matching(db, searchable, search, dialect, also)), search)
}

export const experimentWhere = async (db: Db, column: 'id' | 'name', value: string): Promise<Experiment | null> => {
  const asked = column === 'id' ? experimentNumber(value) : value
  if (asked === null) return null
  const found = sql`from ${tableOf(db, 'experiment')} as thing where ${sql.ref(`thing.${column}`)} = ${asked}`
  return (await experimentsOf(db, found))[0] ?? null
}

interface Row {
  part: string
  owner: number
  key: string
  value: string
  artifact_location: string | null
  lifecycle: string | null
  created: number
  updated: number
}

/** All of them and their tags by one statement, and hence as they were at one instant. */
async function experimentsOf(db: Db, from: RawBuilder<unknown>): Promise<readonly Experiment[]> {
  const { rows } = await sql<Row>`
    with page as materialized (select thing.* ${from})
    select 'experiment' as part, id as owner, name as key, '' as value, artifact_location, lifecycle, created, updated from page
    union all
    select 'tag', experiment, key, value, null, null, 0, 0 from ${tableOf(db, 'experiment_tag')}
    where experiment in (select id from page)`.execute(db)
  const of = grouped(rows, ({ part, owner }) => (part === 'tag' ? owner : null))
  return of(null).map(({ owner, key, artifact_location, lifecycle, created, updated }) => ({
    id: String(owner),
    name: key,
    artifactLocation: artifact_location!,
    lifecycle: lifecycle as Lifecycle,
    tags: tagsFrom(of(owner)),
    createdAt: created,
    updatedAt: updated,
  }))
}
