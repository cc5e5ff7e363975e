/**
 * What is logged to a run. A batch takes few statements, whatever is in it: every table of values gets all of its rows at once, and what is
 * there already is found by the database itself as it adds them.
 */
import { sql } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { Page } from '../../../ports/search.ts'
import type { Batch, DatasetInput, Metric, ModelInput, ModelOutput } from '../../../ports/tracking-store.ts'
import { insertRows } from '../insert.ts'
import { tableOf } from '../table.ts'
import { setTags } from '../tags.ts'
import { openRun, unknownRun } from './runs.ts'
import type { Db, MetricColumns } from './values.ts'
import { addParameters, metricFrom, numberColumns } from './values.ts'

export async function log(db: Db, id: string, { metrics, parameters, tags }: Batch): Promise<void> {
  const { seq } = await openRun(db, id)
  await addParameters(
    db,
    'run_parameter',
    seq,
    parameters.map(({ key, value }) => [key, value] as const),
  )
  await setTags(
    db,
    'run_tag',
    'run',
    seq,
    tags.map(({ key, value }) => [key, value] as const),
  )
  if (metrics.length === 0) return
  await addMetrics(db, seq, metrics)
  const ofModels = metrics.filter(({ model }) => model !== null)
  if (ofModels.length > 0) await addModelMetrics(db, id, ofModels)
}

const columns = ['run', 'key', 'step', 'at', 'value', 'nan']
const more = ['dataset_name', 'dataset_digest', 'model']
const replace = `on conflict (run, key) do update set ${['step', 'at', 'value', 'nan', ...more]
  .map((column) => `${column} = excluded.${column}`)
  .join(
    ', ',
  )} where (excluded.step, excluded.at, known.nan, excluded.value) > (known.step, known.at, excluded.nan, known.value)`

async function addMetrics(db: Db, run: number, metrics: readonly Metric[]): Promise<void> {
  // Few say on which data or of which model; the others need not say so a thousand times.
  const plain = metrics.every(({ dataset, model }) => dataset === null && model === null)
  const names = plain ? columns : [...columns, ...more]
  const rowOf = ({ key, step, at, value, dataset, model }: Metric): readonly unknown[] => {
    const [number, nan] = numberColumns(value)
    return plain
      ? [run, key, step, at, number, nan]
      : [run, key, step, at, number, nan, dataset?.name ?? '', dataset?.digest ?? '', model]
  }
  await insertRows(db, 'metric', names, metrics.map(rowOf), 'on conflict do nothing')
  await insertRows(db, 'latest_metric', names, latestOf(metrics).map(rowOf), replace)
}

/** One of each key: that of the greatest step, then the latest time, then the greatest value. NaN is less than any number. */
function latestOf(metrics: readonly Metric[]): readonly Metric[] {
  const latest = new Map<string, Metric>()
  for (const metric of metrics) {
    const known = latest.get(metric.key)
    if (!known || isLater(metric, known)) latest.set(metric.key, metric)
  }
  return [...latest.values()]
}

const isLater = (a: Metric, b: Metric): boolean => {
  if (a.step !== b.step) return a.step > b.step
  if (a.at !== b.at) return a.at > b.at
  return Number.isNaN(b.value) ? !Number.isNaN(a.value) : a.value > b.value
}

async function addModelMetrics(db: Db, run: string, metrics: readonly Metric[]): Promise<void> {
  const models = await modelNumbers(
    db,
    metrics.map(({ model }) => model!),
  )
  await insertRows(
    db,
    'model_metric',
    ['model', 'key', 'run', 'step', 'at', 'value', 'nan', 'dataset_name', 'dataset_digest'],
    metrics.map(({ model, key, step, at, value, dataset }) => [
      ...[models.get(model!), key, run, step, at, ...numberColumns(value)],
      ...[dataset?.name ?? '', dataset?.digest ?? ''],
    ]),
    'on conflict do nothing',
  )
}

async function modelNumbers(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const id of new Set(ids)) {
    const model = await db
      .selectFrom('logged_model')
      .select('seq')
      .where('id', '=', id)
      .where('deleted', '=', 0)
      .executeTakeFirst()
    if (!model) throw new SixfoldError('SX_UNKNOWN_LOGGED_MODEL', `There is no logged model '${id}'.`)
    found.set(id, model.seq)
  }
  return found
}

export async function logInputs(
  db: Db,
  id: string,
  datasets: readonly DatasetInput[],
  models: readonly ModelInput[],
): Promise<void> {
  const { seq, experiment } = await openRun(db, id)
  await insertRows(
    db,
    'dataset',
    ['experiment', 'name', 'digest', 'source_type', 'source', 'schema', 'profile'],
    datasets.map(({ dataset: { name, digest, sourceType, source, schema, profile } }) => [
      ...[experiment, name, digest, sourceType, source, schema, profile],
    ]),
    'on conflict do nothing',
  )
  await insertRows(
    db,
    'run_dataset',
    ['run', 'name', 'digest', 'context', 'tags'],
    datasets.map(({ dataset: { name, digest }, tags }) => [
      ...[seq, name, digest, tags['mlflow.data.context'] ?? '', JSON.stringify(tags)],
    ]),
    'on conflict do nothing',
  )
  await addModels(
    db,
    seq,
    'input',
    models.map(({ model }) => ({ model, step: 0 })),
  )
}

export async function logOutputs(db: Db, id: string, models: readonly ModelOutput[]): Promise<void> {
  const { seq } = await openRun(db, id)
  await addModels(db, seq, 'output', models)
}

async function addModels(
  db: Db,
  run: number,
  direction: 'input' | 'output',
  models: readonly ModelOutput[],
): Promise<void> {
  await insertRows(
    db,
    'run_model',
    ['run', 'direction', 'model', 'step'],
    models.map(({ model, step }) => [run, direction, model, step]),
    'on conflict do nothing',
  )
}

export async function metricHistory(
  db: Db,
  id: string,
  key: string,
  limit: number,
  offset: number,
): Promise<Page<Metric>> {
  // A run that is not there differs from one without that metric: so it comes first, and alone.
  const { rows: found } = await sql<MetricColumns & { seq: number | null }>`
    select run.seq as seq, metric.key, value, nan, at, step, dataset_name, dataset_digest, model
    from ${tableOf(db, 'run')} as run left join ${tableOf(db, 'metric')} as metric on metric.run = run.seq and metric.key = ${key}
    where run.id = ${id} order by step, at, value, nan limit ${limit + 1} offset ${offset}`.execute(db)
  if (found.length === 0 && offset === 0) throw unknownRun(id)
  const metrics = found.filter((row) => row.key !== null)
  return { items: metrics.slice(0, limit).map(metricFrom), more: metrics.length > limit }
}
