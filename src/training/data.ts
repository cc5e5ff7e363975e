/**
 * The rows that a model is trained on and those that are held out: label rows of two periods, the later ones held out, with features as of
 * each row's own instant. Both are files, both are kept as artifacts of the run.
 */
import { isAbsolute, join } from 'node:path'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Training } from '../definition/training.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { LabelRows, OfflineStore } from '../ports/offline-store.ts'
import type { DatasetInput } from '../ports/tracking-store.ts'
import { dataTags } from './tags.ts'

/** Named as in the tags. */
export type SetName = 'data' | 'heldout'
export const fileOf: { readonly [S in SetName]: string } = { data: 'train.parquet', heldout: 'heldout.parquet' }

export interface RowSet {
  readonly path: string
  /** Of the rows. */
  readonly hash: string
  readonly rows: number
  /** The first and the last instant. */
  readonly from: number | null
  readonly to: number | null
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** The labels, as the definition names them, and the command that makes the set again. */
  readonly pointer: string
  readonly query: string
}
export type RowSets = { readonly [S in SetName]: RowSet }

const labelsOf = ({ labels, at, zone }: Training, project: string): LabelRows => ({
  labels: isAbsolute(labels.path) || labels.path.includes('://') ? labels.path : join(project, labels.path),
  at,
  zone,
})

/** Writes both sets into the folder. Throws SX_LABELS_INVALID where one of them would be empty. */
export async function buildSets(
  training: Training,
  { offline, project, folder }: { readonly offline: OfflineStore; readonly project: string; readonly folder: string },
  progress: (done: number) => void,
): Promise<RowSets> {
  const rows = labelsOf(training, project)
  const split =
    training.heldOut.from === null && training.train.until === null
      ? await offline.splitAt(rows, training.heldOutShare)
      : null
  const periods = {
    data: { ...training.train, until: training.train.until ?? split },
    heldout: { ...training.heldOut, from: training.heldOut.from ?? split },
  }
  const build = async (set: SetName, began: number): Promise<RowSet> => {
    const { model, labels, at, zone } = training
    const [out, period] = [join(folder, fileOf[set]), periods[set]]
    await offline.trainingSet(
      // No more than what the rows are made of: what else the platform defines makes no other rows.
      {
        ...rows,
        out,
        period,
        views: [],
        model,
        metadata: { 'sixfold.model': model.name, 'sixfold.definition': hashOfDefinition(model) },
      },
      (done) => progress(began + done * 0.45),
    )
    const { rows: count, columns, hash, first, last } = await offline.summarizeRows({ labels: out, at, zone })
    if (count === 0)
      throw new SixfoldError(
        'SX_LABELS_INVALID',
        `The labels '${labels.path}' have no row ${spanOf(period)}, and so nothing ${set === 'data' ? 'to train on' : 'is held out'}.`,
        { fix: 'Set `train` and `heldOut` in the training definition to periods that have rows.' },
      )
    const words = [
      ...['sixfold', 'training-set', model.name, '--labels', labels.path, '--at', at],
      ...(zone === null ? [] : ['--zone', zone]),
      ...(period.from === null ? [] : ['--from', formatInstant(period.from)]),
      ...(period.until === null ? [] : ['--until', formatInstant(period.until)]),
      ...['--out', fileOf[set]],
    ]
    progress(began + 0.5)
    const query = words.map(quoted).join(' ')
    return { path: out, hash, rows: count, from: first, to: last, columns, pointer: labels.path, query }
  }
  const data = await build('data', 0)
  return { data, heldout: await build('heldout', 0.5) }
}

const spanOf = ({ from, until }: { readonly from: number | null; readonly until: number | null }): string =>
  [
    ...(from === null ? [] : [`from ${formatInstant(from)} on`]),
    ...(until === null ? [] : [`before ${formatInstant(until)}`]),
  ].join(' and ') || 'at all'

const quoted = (word: string): string => (/^[\w./:=@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** What the run's tags say of a set; `artifact` is the SHA-256 of its file. */
export function tagsOfSet(set: SetName, rows: RowSet, artifact: string): { readonly [tag: string]: string } {
  const names = dataTags(set)
  return {
    [names.hash]: rows.hash,
    [names.artifact]: artifact,
    [names.rows]: String(rows.rows),
    [names.pointer]: rows.pointer,
    [names.query]: rows.query,
    ...(rows.from === null ? {} : { [names.from]: String(rows.from) }),
    ...(rows.to === null ? {} : { [names.to]: String(rows.to) }),
  }
}

/** As MLflow's clients and pages know a dataset. Their digests have at most 36 characters. */
export const datasetOf = (model: string, set: SetName, rows: RowSet, uri: string): DatasetInput => ({
  dataset: {
    name: `${model}-${set === 'data' ? 'train' : 'heldout'}`,
    digest: rows.hash.slice(0, 32),
    sourceType: 'sixfold',
    source: JSON.stringify({ uri, query: rows.query }),
    schema: JSON.stringify({
      mlflow_colspec: rows.columns.map(({ name, type }) => ({ type: columnType(type), name, required: false })),
    }),
    profile: JSON.stringify({ num_rows: rows.rows }),
  },
  tags: { 'mlflow.data.context': set === 'data' ? 'training' : 'evaluation' },
})

/** MLflow's name for a type of DuckDB's. */
function columnType(physical: string): string {
  if (physical === 'BOOLEAN') return 'boolean'
  if (/^(TINYINT|SMALLINT|INTEGER|UTINYINT|USMALLINT)$/.test(physical)) return 'integer'
  if (/^(BIGINT|UINTEGER|UBIGINT|HUGEINT)$/.test(physical)) return 'long'
  if (physical === 'FLOAT') return 'float'
  if (/^(DOUBLE|DECIMAL)/.test(physical)) return 'double'
  return /^(TIMESTAMP|DATE)/.test(physical) ? 'datetime' : 'string'
}
