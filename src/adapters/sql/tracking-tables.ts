/**
 * The tables of what training leaves behind.
 *
 * Rows of a run name it by a short number, and tables of values lie in the order of run and key: what is logged together lies together.
 * Numbers have `nan` beside them, because not every database keeps NaN: there `value` is 0. No dataset, and no context, are ''.
 */
import type { Expression, Generated } from 'kysely'
import { sql } from 'kysely'
import type { Migrations } from './migrate.ts'

export interface Keyed<Owner extends string> {
  row: { [column in Owner]: number } & { key: string; value: string }
}

export interface TrackingTables {
  experiment: {
    id: number
    name: string
    artifact_location: string
    lifecycle: string
    created: number
    updated: number
    /** Of the call that created it: so that one that is repeated, its answer lost, knows its own. */
    call: string
  }
  experiment_tag: Keyed<'experiment'>['row']
  run: {
    seq: Generated<number>
    id: string
    experiment: number
    name: string
    username: string
    status: string
    started: number
    ended: number | null
    lifecycle: string
    /** When it was deleted, by the machine that did. */
    deleted: number | null
    artifact_uri: string
  }
  run_tag: Keyed<'run'>['row']
  run_parameter: Keyed<'run'>['row']
  metric: MetricRow
  /** Of each metric of a run the latest, in the same transaction. */
  latest_metric: MetricRow
  dataset: {
    experiment: number
    name: string
    digest: string
    source_type: string
    source: string
    schema: string | null
    profile: string | null
  }
  run_dataset: { run: number; name: string; digest: string; context: string; tags: string }
  run_model: { run: number; direction: string; model: string; step: number }
  logged_model: {
    seq: Generated<number>
    id: string
    experiment: number
    name: string
    model_type: string
    run: string | null
    status: string
    artifact_uri: string
    deleted: number
    created: number
    updated: number
  }
  logged_model_tag: Keyed<'model'>['row']
  logged_model_parameter: Keyed<'model'>['row']
  model_metric: {
    model: number
    key: string
    run: string
    step: number
    at: number
    value: number
    nan: number
    dataset_name: string
    dataset_digest: string
  }
  tracked_file: { path: string; sha256: string; bytes: number; at: number }
}

interface MetricRow {
  run: number
  key: string
  step: number
  at: number
  value: number
  nan: number
  dataset_name: string
  dataset_digest: string
  model: string | null
}

export const trackingStep: Migrations<TrackingTables>['steps'][number] = async (
  db,
  { integer, text, now, identity, keyed },
) => {
  await db.schema
    .createTable('experiment')
    .addColumn('id', integer, (column) => column.primaryKey())
    .addColumn('name', text, (column) => column.notNull().unique())
    .addColumn('artifact_location', text, (column) => column.notNull())
    .addColumn('lifecycle', text, (column) => column.notNull())
    .addColumn('created', integer, (column) => column.notNull())
    .addColumn('updated', integer, (column) => column.notNull())
    .addColumn('call', text, (column) => column.notNull())
    .execute()
  await db
    .insertInto('experiment')
    .values({
      ...{ id: 0, name: 'Default', artifact_location: 'mlflow-artifacts:/0', lifecycle: 'active' },
      ...{ created: now as Expression<number>, updated: now as Expression<number>, call: '' },
    })
    .execute()

  await db.schema
    .createTable('run')
    .addColumn('seq', integer, identity)
    .addColumn('id', text, (column) => column.notNull().unique())
    .addColumn('experiment', integer, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('username', text, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('started', integer, (column) => column.notNull())
    .addColumn('ended', integer)
    .addColumn('lifecycle', text, (column) => column.notNull())
    .addColumn('deleted', integer)
    .addColumn('artifact_uri', text, (column) => column.notNull())
    .execute()
  // As runs are listed where no order is asked for.
  await db.schema
    .createIndex('run_newest')
    .on('run')
    .columns(['experiment', 'lifecycle', 'started desc', 'id'])
    .execute()

  await db.schema
    .createTable('logged_model')
    .addColumn('seq', integer, identity)
    .addColumn('id', text, (column) => column.notNull().unique())
    .addColumn('experiment', integer, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('model_type', text, (column) => column.notNull())
    .addColumn('run', text)
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('artifact_uri', text, (column) => column.notNull())
    .addColumn('deleted', integer, (column) => column.notNull())
    .addColumn('created', integer, (column) => column.notNull())
    .addColumn('updated', integer, (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('logged_model_newest')
    .on('logged_model')
    .columns(['experiment', 'created desc', 'id'])
    .execute()

  for (const [table, owner, searched] of [
    ['experiment_tag', 'experiment', false],
    ['run_tag', 'run', true],
    ['run_parameter', 'run', true],
    ['logged_model_tag', 'model', true],
    ['logged_model_parameter', 'model', true],
  ] as const) {
    await keyed(db.schema.createTable(table))
      .addColumn(owner, integer, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('value', text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, [owner, 'key'])
      .execute()
    // Of the value only its beginning: no database has room for all of a long one in an index.
    if (searched)
      await db.schema
        .createIndex(`${table}_value`)
        .on(table)
        .expression(sql`${sql.ref('key')}, substr(${sql.ref('value')}, 1, ${sql.lit(indexedCharacters)})`)
        .execute()
  }

  for (const [table, key] of [
    ['metric', ['run', 'key', 'step', 'at', 'value', 'nan']],
    ['latest_metric', ['run', 'key']],
  ] as const)
    await keyed(db.schema.createTable(table))
      .addColumn('run', integer, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('step', integer, (column) => column.notNull())
      .addColumn('at', integer, (column) => column.notNull())
      .addColumn('value', 'double precision', (column) => column.notNull())
      .addColumn('nan', integer, (column) => column.notNull())
      .addColumn('dataset_name', text, (column) => column.notNull().defaultTo(''))
      .addColumn('dataset_digest', text, (column) => column.notNull().defaultTo(''))
      .addColumn('model', text)
      .addPrimaryKeyConstraint(`${table}_key`, [...key])
      .execute()
  await db.schema.createIndex('latest_metric_value').on('latest_metric').columns(['key', 'nan', 'value']).execute()

  await keyed(db.schema.createTable('model_metric'))
    .addColumn('model', integer, (column) => column.notNull())
    .addColumn('key', text, (column) => column.notNull())
    .addColumn('run', text, (column) => column.notNull())
    .addColumn('step', integer, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('value', 'double precision', (column) => column.notNull())
    .addColumn('nan', integer, (column) => column.notNull())
    .addColumn('dataset_name', text, (column) => column.notNull())
    .addColumn('dataset_digest', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('model_metric_key', ['model', 'key', 'run', 'step', 'at', 'value', 'nan'])
    .execute()
  await db.schema.createIndex('model_metric_value').on('model_metric').columns(['key', 'nan', 'value']).execute()

  await keyed(db.schema.createTable('dataset'))
    .addColumn('experiment', integer, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('digest', text, (column) => column.notNull())
    .addColumn('source_type', text, (column) => column.notNull())
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('schema', text)
    .addColumn('profile', text)
    .addPrimaryKeyConstraint('dataset_key', ['experiment', 'name', 'digest'])
    .execute()
  await keyed(db.schema.createTable('run_dataset'))
    .addColumn('run', integer, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('digest', text, (column) => column.notNull())
    .addColumn('context', text, (column) => column.notNull())
    .addColumn('tags', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('run_dataset_key', ['run', 'name', 'digest'])
    .execute()
  for (const column of ['name', 'digest', 'context'] as const)
    await db.schema.createIndex(`run_dataset_${column}`).on('run_dataset').column(column).execute()
  await keyed(db.schema.createTable('run_model'))
    .addColumn('run', integer, (column) => column.notNull())
    .addColumn('direction', text, (column) => column.notNull())
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('step', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('run_model_key', ['run', 'direction', 'model', 'step'])
    .execute()

  await keyed(db.schema.createTable('tracked_file'))
    .addColumn('path', text, (column) => column.primaryKey())
    .addColumn('sha256', text, (column) => column.notNull())
    .addColumn('bytes', integer, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('tracked_file_artifact').on('tracked_file').column('sha256').execute()
}

export const indexedCharacters = 64
