/** Training sets: label rows, each with the features and the vector as of its own instant, as one Parquet file. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import type { KeyType } from '../../definition/entity.ts'
import { shapesOf } from '../../definition/field.ts'
import { requestOf, viewsOf } from '../../definition/model.ts'
import type { AnyView } from '../../definition/view.ts'
import type { Type } from '../../expression/node.ts'
import { typeOf } from '../../expression/node.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import { compile } from '../../expression/targets/sql/compile.ts'
import type { Fragment } from '../../expression/targets/sql/writer.ts'
import { Writer } from '../../expression/targets/sql/writer.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { TrainingSetRequest, TrainingSetResult } from '../../ports/offline-store.ts'
import type { Session } from './connection.ts'
import type { FileColumns, Place, Resolve } from './door.ts'
import { canonical, columnsOf, readParquet, within } from './door.ts'
import type { Group, Joined, RowColumns } from './joined.ts'
import { inputsOf, joinViews } from './joined.ts'

/**
 * The second version's encodings write numbers that hardly repeat in two thirds of the room and a tenth less time; every reader of
 * these years has them. A column of more different values than this is not worth a dictionary, nor the attempt at one.
 */
const fileFormat = 'FORMAT parquet, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 4096'

const id = duckdb.identifier
const labelTable = '_sx_labels'
const rowColumn = '_sx_row'
const momentColumn = '_sx_moment'
const keyColumn = (asked: string): string => id(`_sx_key_${asked}`)
const requestColumn = (name: string): string => id(`_sx_request_${name}`)

export async function writeTrainingSet(
  db: Session,
  request: TrainingSetRequest,
  resolve: Resolve,
  progress: (done: number) => void,
): Promise<TrainingSetResult> {
  const began = performance.now()
  const groups = groupsOf(request)
  const columns = await readLabels(db, request, resolve, groups)
  progress(0.1)

  const rows: RowColumns = { relation: labelTable, row: rowColumn, moment: momentColumn, keyColumn, requestColumn }
  const writer = new Writer(duckdb, '_sx_e')
  const { base, feature } = await joinViews(db, groups, rows, resolve)
  const outputs = outputsOf(request, writer, rows, feature)
  const clash = outputs.find(({ name }) => columns.has(name))
  if (clash)
    throw labelsInvalid(
      request,
      `has a column '${clash.name}', which is the name of a column to be made`,
      'Rename the column.',
    )

  const query = `${writer.select(base, [...columns.keys()], outputs)} ORDER BY ${rowColumn}`
  const temporary = `${request.out}.part`
  try {
    await db.run(
      `COPY (${query}) TO ${duckdb.literal('string', temporary)} (${fileFormat}, KV_METADATA {${metadataOf(request, outputs)}})`,
      (done) => progress(0.1 + done * 0.9),
    )
    renameSync(temporary, request.out)
  } finally {
    rmSync(temporary, { force: true })
  }
  const [count] = await db.rows(`SELECT count(*) FROM ${readParquet(request.out)}`)
  return {
    rows: Number(count![0]),
    columns: [...columns.keys(), ...outputs.map(({ name }) => name)],
    bytes: statSync(request.out).size,
    milliseconds: performance.now() - began,
  }
}

/** Every view to be joined, by the name of its group. */
const groupsOf = ({ views, model }: TrainingSetRequest): readonly Group[] => [
  ...views,
  ...(model === null ? [] : viewsOf(model.inputs).map(([group, view]) => ({ group, view }))),
]

const labelsInvalid = ({ labels }: TrainingSetRequest, problem: string, fix: string): SixfoldError =>
  new SixfoldError('SX_LABELS_INVALID', `the labels '${labels}': ${problem}.`, { fix: `${fix} Nothing was written.` })

/** The label rows as a table: their columns as they are, and instants, keys and request fields through the door. */
async function readLabels(
  db: Session,
  request: TrainingSetRequest,
  resolve: Resolve,
  groups: readonly { readonly view: AnyView }[],
): Promise<FileColumns> {
  const { labels, at, zone, model, period } = request
  if (existsSync(request.out) && statSync(request.out).isDirectory())
    throw labelsInvalid(request, `'${request.out}' is a folder`, 'Name a file to write.')
  const files = resolve(labels)
  const columns = await columnsOf(db, labels, files, 'the labels', 'SX_LABELS_INVALID')
  const reserved = [...columns.keys()].find((name) => name.startsWith('_sx_'))
  if (reserved !== undefined) throw labelsInvalid(request, `the column '${reserved}' begins with _sx_`, 'Rename it.')
  const place: Place = { code: 'SX_LABELS_INVALID', what: `the labels '${labels}'` }

  const keys = new Map<string, KeyType>(groups.flatMap(({ view }) => Object.entries(view.key)))
  const fields = model === null ? [] : shapesOf(requestOf(model.inputs))
  const made = [
    `row_number() OVER () AS ${rowColumn}`,
    `${canonical(at, 'timestamp', columns, zone, place)} AS ${momentColumn}`,
    ...[...keys].map(([asked, type]) => `${canonical(asked, type, columns, zone, place)} AS ${keyColumn(asked)}`),
    ...fields.map((shape) => {
      const value = canonical(shape.name, shape.type, columns, zone, place)
      return `${within(shape, value)} AS ${requestColumn(shape.name)}`
    }),
  ]
  await db.table(labelTable, `SELECT *, ${made.join(', ')} FROM ${readParquet(files)}`)
  const without = await db.rows(
    `SELECT ${rowColumn} FROM ${labelTable} WHERE ${momentColumn} IS NULL ORDER BY 1 LIMIT 6`,
  )
  if (without.length > 0) {
    const rows = without.slice(0, 5).map(([row]) => String(row))
    throw labelsInvalid(
      request,
      `'${at}' is missing, or no instant of the years 1 to 9999, in row ${rows.join(', ')}${without.length > 5 ? ', …' : ''}`,
      'Every label row needs an instant.',
    )
  }
  const outside = [
    ...(period?.from == null ? [] : [`${momentColumn} < ${period.from}`]),
    ...(period?.until == null ? [] : [`${momentColumn} >= ${period.until}`]),
  ]
  if (outside.length > 0) await db.run(`DELETE FROM ${labelTable} WHERE ${outside.join(' OR ')}`)
  return columns
}

interface OutputColumn {
  readonly name: string
  readonly value: Fragment
}

function outputsOf(
  request: TrainingSetRequest,
  writer: Writer,
  rows: RowColumns,
  feature: Joined['feature'],
): readonly OutputColumn[] {
  const features = request.views.flatMap(({ group, view }) =>
    Object.entries(view.features).map(([name, { node }]) => ({
      name: `${group}__${name}`,
      value: shown(writer, feature(writer, group, view, name), typeOf(node)),
    })),
  )
  const { model } = request
  if (model === null) return features
  const refer = inputsOf(model, writer, rows, feature)
  const vector = Object.entries(model.vector).map(([entry, node]) => ({
    name: `vector__${entry}`,
    value: compile(node, writer, refer),
  }))
  return [...features, ...vector]
}

/** Instants leave as timestamps with a zone, not as integers. */
const shown = (writer: Writer, value: Fragment, type: Type): Fragment =>
  type === 'timestamp'
    ? writer.of([value], (text) => `CAST(make_timestamp(${text} * 1000) AS TIMESTAMPTZ)`)
    : type === 'timestamp[]'
      ? writer.of([value], (text) => `list_transform(${text}, lambda e: CAST(make_timestamp(e * 1000) AS TIMESTAMPTZ))`)
      : value

function metadataOf({ metadata, model, at }: TrainingSetRequest, outputs: readonly OutputColumn[]): string {
  const vector = outputs.map(({ name }) => name).filter((name) => name.startsWith('vector__'))
  const entries = {
    ...metadata,
    'sixfold.at': at,
    ...(model === null ? {} : { 'sixfold.vector': JSON.stringify(vector) }),
  }
  return Object.entries(entries)
    .map(([key, value]) => `${duckdb.literal('string', key)}: ${duckdb.literal('string', value)}`)
    .join(', ')
}
