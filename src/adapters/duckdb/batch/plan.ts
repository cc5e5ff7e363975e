/** Which rows a batch has, and where they are cut: files in parts, or files that are made of a query or of a view's entities. */
import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { planOf } from '../../../aggregation/plan.ts'
import type { Batch, EveryEntity, Query } from '../../../definition/batch.ts'
import { rowKeysOf } from '../../../definition/batch.ts'
import { requestOf, viewsOf } from '../../../definition/model.ts'
import type { Source } from '../../../definition/source.ts'
import { duckdb } from '../../../expression/targets/duckdb/dialect.ts'
import { SixfoldError } from '../../../kernel/errors.ts'
import { formatInstant } from '../../../kernel/instant.ts'
import type { InputFile, PlanRequest, RowsPlan } from '../../../ports/batch-rows.ts'
import type { Session } from '../connection.ts'
import type { Resolve } from '../door.ts'
import { columnsOf, readParquet } from '../door.ts'
import { eventColumns, sourceEvents } from '../events.ts'
import { momentOf, placeOf, rowsRelation } from './rows.ts'

const id = duckdb.identifier
const text = (value: string): string => duckdb.literal('string', value)

export async function planRows(db: Session, request: PlanRequest, resolve: Resolve): Promise<RowsPlan> {
  const { batch, at } = request
  const files: InputFile[] = []
  const { rows } = batch
  const parts =
    rows.kind === 'parquet'
      ? await cutFiles(db, request, resolve, files)
      : await cutMade(
          db,
          request,
          rows.kind === 'query'
            ? await queried(db, request, rows, resolve, files)
            : await entities(db, request, rows, resolve),
        )
  const newest: { [source: string]: number | null } = {}
  for (const [, { basis }] of viewsOf(batch.model.inputs))
    if (basis.source.history !== null && !(basis.source.name in newest))
      newest[basis.source.name] = await newestOf(db, basis.source, basis, at, resolve)
  return { rows: parts.reduce((sum, part) => sum + part.rows, 0), parts, files, newest }
}

/** The files of a path, each as it is now. `mark` of one of another machine is the name under which it was brought here, which has its tag. */
export async function filesOf(db: Session, path: string, resolve: Resolve, batch: Batch): Promise<InputFile[]> {
  const where = resolve(path)
  await columnsOf(db, path, where, `batch '${batch.name}'`, 'SX_ROWS_INVALID')
  const found = await db.rows(
    `SELECT file_name, num_rows FROM parquet_file_metadata(${typeof where === 'string' ? text(where) : `[${where.map(text).join(', ')}]`}) ORDER BY file_name`,
  )
  return found.map(([name, rows]) => markOf(String(name), Number(rows), typeof where !== 'string'))
}

function markOf(path: string, rows: number, remote: boolean): InputFile {
  const { size, mtimeMs } = statSync(path)
  return { path, bytes: size, mark: remote ? basename(path) : String(mtimeMs), rows }
}

/** Throws SX_INPUT_CHANGED. */
export function checkUnchanged({ path, bytes, mark, rows }: InputFile): void {
  let now: InputFile
  try {
    now = markOf(path, rows, mark === basename(path))
  } catch (error) {
    throw new SixfoldError('SX_INPUT_CHANGED', `The file '${path}' is gone since the run was planned.`, {
      cause: error,
    })
  }
  if (now.bytes !== bytes || now.mark !== mark)
    throw new SixfoldError('SX_INPUT_CHANGED', `The file '${path}' changed since the run was planned.`)
}

async function cutFiles(
  db: Session,
  { batch, at }: PlanRequest,
  resolve: Resolve,
  files: InputFile[],
): Promise<RowsPlan['parts']> {
  const { path } = batch.rows as { readonly path: string }
  files.push(...(await filesOf(db, path, resolve, batch)))
  const parts: RowsPlan['parts'][number][] = []
  for (const file of files) {
    const columns = await columnsOf(db, file.path, file.path, `batch '${batch.name}'`, 'SX_ROWS_INVALID')
    // Looked at now, so that a column that is missing is told of before anything is computed.
    await checkKeys(db, batch, rowsRelation(batch, at, file.path, columns, null), file.path)
    const cuts = Math.max(1, Math.ceil(file.rows / batch.partitionRows))
    for (let i = 0; i < cuts; i++) {
      const [from, to] = [i, i + 1].map((n) => Math.round((n * file.rows) / cuts)) as [number, number]
      if (to > from) parts.push({ kind: 'file', file, from, to, rows: to - from })
    }
  }
  return parts
}

async function checkKeys(db: Session, batch: Batch, relation: string, path: string): Promise<void> {
  const keys = Object.keys(batch.key).map((part) => id(`_sx_key_${part}`))
  const missing = [...keys, '_sx_moment'].map((key) => `${key} IS NULL`).join(' OR ')
  const [row] = await db.rows(`SELECT count(*), min(_sx_row) FROM ${relation} WHERE ${missing}`)
  const [count, first] = [Number(row![0]), row![1]]
  if (count > 0)
    throw new SixfoldError(
      'SX_ROWS_INVALID',
      `${placeOf(batch).what}: ${count} rows of '${path}' have no key or no instant, the first is row ${Number(first) + 1}.`,
      { fix: 'Every row needs each part of its key. Nothing was computed.' },
    )
}

const rowsTable = '_sx_rows'

/** One SELECT, whatever it says: what else stands there does not parse within the brackets. */
async function queried(
  db: Session,
  { batch, at, from }: PlanRequest,
  { sql, reads }: Query,
  resolve: Resolve,
  files: InputFile[],
): Promise<string> {
  for (const [table, { path }] of Object.entries(reads)) {
    const found = await filesOf(db, path, resolve, batch)
    files.push(...found)
    await db.run(
      `CREATE OR REPLACE TEMP VIEW ${id(table)} AS SELECT * FROM ${readParquet(found.map((one) => one.path))}`,
    )
  }
  const instant = (value: number | null): string =>
    value === null ? 'CAST(NULL AS TIMESTAMPTZ)' : `TIMESTAMPTZ ${text(formatInstant(value))}`
  const filled = sql
    .replace(/;\s*$/, '')
    .replaceAll(/'(?:[^']|'')*'|\$(at|from)\b/g, (found, name: string | undefined) =>
      name === undefined ? found : instant(name === 'at' ? at : from),
    )
  return `(SELECT * FROM (${filled}\n))`
}

async function entities(db: Session, { at }: PlanRequest, { view }: EveryEntity, resolve: Resolve): Promise<string> {
  const plan = planOf(view)
  const events = await sourceEvents(db, plan, resolve, [view.basis.source.time, ...Object.values(view.basis.on)])
  const keys = Object.entries(view.basis.on).map(([part, column]) => `${id(column)} AS ${id(view.role[part] ?? part)}`)
  return `(SELECT DISTINCT ${keys.join(', ')} FROM ${events} WHERE ${eventColumns.visible} <= ${at})`
}

/** In the order of their keys, so that the same rows are cut in the same places. */
async function cutMade(db: Session, { batch, at, folder }: PlanRequest, relation: string): Promise<RowsPlan['parts']> {
  const keys = Object.keys(batch.key)
  const columns = await describeRelation(db, batch, relation)
  for (const name of [...Object.keys(rowKeysOf(batch)), ...Object.keys(requestOf(batch.model.inputs))])
    if (!columns.has(name))
      throw new SixfoldError('SX_ROWS_INVALID', `${placeOf(batch).what}: the query gives no column '${name}'.`, {
        fix: `Select it: SELECT … AS ${name}. It gives ${[...columns.keys()].join(', ')}.`,
      })
  momentOf(batch, at, columns)
  const order = [...keys, ...[...columns.keys()].filter((name) => !keys.includes(name)).sort()]
  let rows: number
  try {
    rows = await db.table(
      rowsTable,
      `SELECT * FROM ${relation} ORDER BY ${order.map((name) => `${id(name)} NULLS FIRST`).join(', ')}`,
    )
  } catch (error) {
    throw queryFailed(batch, error)
  }
  const cuts = Math.max(1, Math.ceil(rows / batch.partitionRows))
  const parts: RowsPlan['parts'][number][] = []
  for (let i = 0; i < cuts && rows > 0; i++) {
    const [from, to] = [i, i + 1].map((n) => Math.round((n * rows) / cuts)) as [number, number]
    const path = join(folder, `rows-${i}.parquet`)
    await db.run(
      `COPY (SELECT * FROM ${rowsTable} WHERE rowid >= ${from} AND rowid < ${to} ORDER BY rowid) TO ${text(path)} (FORMAT parquet)`,
    )
    const made = await columnsOf(db, path, path, placeOf(batch).what, 'SX_ROWS_INVALID')
    await checkKeys(db, batch, rowsRelation(batch, at, path, made, null), 'the query')
    parts.push({ kind: 'made', path, rows: to - from })
  }
  return parts
}

async function describeRelation(db: Session, batch: Batch, relation: string): Promise<ReadonlyMap<string, string>> {
  try {
    const rows = await db.rows(`DESCRIBE SELECT * FROM ${relation}`)
    return new Map(rows.map(([name, type]) => [String(name), String(type)]))
  } catch (error) {
    throw queryFailed(batch, error)
  }
}

function queryFailed(batch: Batch, error: unknown): SixfoldError {
  const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return new SixfoldError('SX_ROWS_INVALID', `${placeOf(batch).what}: the query fails. ${why}`, {
    fix: 'Mend the query: it is one SELECT of DuckDB over the files that it names.',
    cause: error,
  })
}

async function newestOf(
  db: Session,
  source: Source,
  basis: Parameters<typeof planOf>[0]['basis'],
  at: number,
  resolve: Resolve,
): Promise<number | null> {
  const view = { basis, features: {}, key: basis.entity.key, name: source.name, kind: 'view', role: {} } as never
  const events = await sourceEvents(db, planOf(view), resolve, [source.time, ...Object.values(basis.on)])
  const [row] = await db.rows(`SELECT max(${id(source.time)}) FROM ${events} WHERE ${eventColumns.visible} <= ${at}`)
  return row![0] === null ? null : Number(row![0])
}
