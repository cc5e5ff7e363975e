/**
 * The tables of what training leaves behind.
 *
 * Rows of a run name it by a short number, and tables of values lie in the order of run and key: what is logged together lies together.
 * Numbers have `nan` beside them, because not every database keeps NaN: there `value` is 0. No dataset, and no context, are ''.
 */
import type { Expression, Generated } from 'kysely'
import { tables } from '../create-table.ts'
import type { Migrations } from '../migrate.ts'

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

/** Columns of a metric, but for whose it is. */
const measured = {
  key: 'text',
  step: 'number',
  at: 'number',
  value: 'real',
  nan: 'number',
  dataset_name: "text ''",
  dataset_digest: "text ''",
} as const

export const trackingStep: Migrations<TrackingTables>['steps'][number] = async (db, dialect) => {
  const { table, values } = tables(db, dialect)
  const now = dialect.now as Expression<number>
  await table(
    'experiment',
    {
      ...{ id: 'number', name: 'text', artifact_location: 'text', lifecycle: 'text' },
      ...{ created: 'number', updated: 'number', call: 'text' },
    },
    { key: ['id'], unique: [['name']] },
  )
  const first = { id: 0, name: 'Default', artifact_location: 'mlflow-artifacts:/0', lifecycle: 'active' }
  await db
    .insertInto('experiment')
    .values({ ...first, created: now, updated: now, call: '' })
    .execute()

  await table(
    'run',
    {
      ...{ seq: 'numbered', id: 'text', experiment: 'number', name: 'text', username: 'text', status: 'text' },
      ...{ started: 'number', ended: 'number?', lifecycle: 'text', deleted: 'number?', artifact_uri: 'text' },
    },
    // As runs are listed where no order is asked for.
    { unique: [['id']], indexes: [['experiment', 'started desc', 'id']] },
  )
  await table(
    'logged_model',
    {
      ...{ seq: 'numbered', id: 'text', experiment: 'number', name: 'text', model_type: 'text', run: 'text?' },
      ...{ status: 'text', artifact_uri: 'text', deleted: 'number', created: 'number', updated: 'number' },
    },
    { unique: [['id']], indexes: [['experiment', 'created desc', 'id']] },
  )
  await values('experiment_tag', 'experiment', false)
  await values('run_tag', 'run', true)
  await values('run_parameter', 'run', true)
  await values('logged_model_tag', 'model', true)
  await values('logged_model_parameter', 'model', true)

  const history = ['run', 'key', 'step', 'at', 'value', 'nan'] as const
  await table('metric', { run: 'number', ...measured, model: 'text?' }, { key: history, byKey: true })
  await table(
    'latest_metric',
    { run: 'number', ...measured, model: 'text?' },
    { key: ['run', 'key'], byKey: true, indexes: [['key', 'nan', 'value']] },
  )
  await table(
    'model_metric',
    { model: 'number', run: 'text', ...measured },
    { key: ['model', 'key', 'run', 'step', 'at', 'value', 'nan'], byKey: true, indexes: [['key', 'nan', 'value']] },
  )

  await table(
    'dataset',
    {
      ...{ experiment: 'number', name: 'text', digest: 'text', source_type: 'text', source: 'text' },
      ...{ schema: 'text?', profile: 'text?' },
    },
    { key: ['experiment', 'name', 'digest'], byKey: true },
  )
  await table(
    'run_dataset',
    { run: 'number', name: 'text', digest: 'text', context: 'text', tags: 'text' },
    { key: ['run', 'name', 'digest'], byKey: true, indexes: [['name'], ['digest'], ['context']] },
  )
  await table(
    'run_model',
    { run: 'number', direction: 'text', model: 'text', step: 'number' },
    { key: ['run', 'direction', 'model', 'step'], byKey: true },
  )
  await table(
    'tracked_file',
    { path: 'text', sha256: 'text', bytes: 'number', at: 'number' },
    { key: ['path'], byKey: true, indexes: [['sha256']] },
  )
}
