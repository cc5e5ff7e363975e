/** What a file of rows holds: how many, of which columns, from when to when, a hash of all, and some of them. */
import { createHash } from 'node:crypto'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { EventBatch, LabelRows, RowsSummary } from '../../ports/offline-store.ts'
import type { Session } from './connection.ts'
import { converterFor } from './connection.ts'
import type { FileColumns, Place, Resolve } from './door.ts'
import { canonical, columnsOf, readParquet } from './door.ts'
import { rowsOf } from './history.ts'

const id = duckdb.identifier
const code = 'SX_LABELS_INVALID'
const placeOf = (path: string): Place => ({ code, what: `the rows '${path}'` })

export async function summarizeRows(
  db: Session,
  { labels, at, zone }: LabelRows,
  resolve: Resolve,
): Promise<RowsSummary> {
  const files = resolve(labels)
  const columns = await columnsOf(db, labels, files, 'the rows', code)
  const instant = canonical(at, 'timestamp', columns, zone, placeOf(labels))
  const [span] = await db.rows(`SELECT count(*), min(${instant}), max(${instant}) FROM ${readParquet(files)}`)
  // JSON has the names, and of each value a text that no other value of its column has.
  const hash = createHash('sha256').update(JSON.stringify([...columns]))
  for await (const chunk of db.stream(`SELECT sha256(to_json(_sx_row)) FROM ${readParquet(files)} _sx_row`)) {
    const hashes = chunk.getColumns()[0]!
    for (let row = 0; row < chunk.rowCount; row++) hash.update(hashes[row] as string)
  }
  const [rows, first, last] = span!.map((value) => (value === null ? null : Number(value)))
  return {
    rows: rows!,
    columns: [...columns].map(([name, type]) => ({ name, type })),
    hash: hash.digest('hex'),
    first: first!,
    last: last!,
  }
}

export async function splitAt(
  db: Session,
  { labels, at, zone }: LabelRows,
  share: number,
  resolve: Resolve,
): Promise<number | null> {
  const files = resolve(labels)
  const columns = await columnsOf(db, labels, files, 'the labels', code)
  const instant = canonical(at, 'timestamp', columns, zone, placeOf(labels))
  const [row] = await db.rows(`SELECT quantile_disc(${instant}, ${1 - share}) FROM ${readParquet(files)}`)
  const [found] = row!
  return found === null ? null : Number(found)
}

export async function* readRows(
  db: Session,
  path: string,
  wanted: readonly string[],
  limit: number,
  resolve: Resolve,
): AsyncIterable<EventBatch> {
  const files = resolve(path)
  const columns = await columnsOf(db, path, files, 'the rows', code)
  const converters = wanted.map((name) => {
    const physical = columns.get(name)
    if (physical === undefined)
      throw new SixfoldError(code, `the rows '${path}' have no column '${name}'. ${suggestion(name, columns.keys())}`, {
        fix: 'Name a file that has the column.',
      })
    return converterFor(physical.endsWith('[]') ? 'float64[]' : 'float64')
  })
  const selected = wanted.map((name) => readable(name, columns)).join(', ')
  for await (const chunk of db.stream(`SELECT ${selected} FROM ${readParquet(files)} LIMIT ${limit}`))
    yield { rows: rowsOf(chunk, converters) }
}

/** Instants in milliseconds, and numbers that are not exact as floats, whatever they were written as. */
function readable(name: string, columns: FileColumns): string {
  const physical = columns.get(name)!
  if (/^(TIMESTAMP|DATE)/.test(physical)) return `epoch_ms(${id(name)}) AS ${id(name)}`
  if (physical === 'FLOAT' || physical.startsWith('DECIMAL')) return `CAST(${id(name)} AS DOUBLE) AS ${id(name)}`
  return physical.startsWith('ENUM') || physical === 'UUID' ? `CAST(${id(name)} AS VARCHAR) AS ${id(name)}` : id(name)
}
