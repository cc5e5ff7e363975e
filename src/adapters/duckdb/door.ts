/**
 * The door through which history enters, in SQL: what `features/door.ts` does to values that are pushed. Every column comes out
 * as one of our types: instants and integers as BIGINT, floats finite and without -0, strings in NFC. What a push would refuse
 * is missing here, and counted: history is never fatal.
 */

import type { KeyType } from '../../definition/entity.ts'
import type { FieldShape } from '../../definition/field.ts'
import { shapesOf } from '../../definition/field.ts'
import type { Source } from '../../definition/source.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import type { ErrorCode } from '../../kernel/errors.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { instantMax, instantMin, offsetMinutes } from '../../kernel/instant.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { Session } from './connection.ts'

/** The columns of a file, with DuckDB's types for them. */
export type FileColumns = ReadonlyMap<string, string>

/** A path or a glob; or paths, which are read one after another. */
export type Files = string | readonly string[]

const text = (path: string): string => duckdb.literal('string', path)
export const readParquet = (files: Files): string =>
  `read_parquet(${typeof files === 'string' ? text(files) : `[${files.map(text).join(', ')}]`})`

/** `path` is what errors call the files. Throws SX_HISTORY_UNREADABLE, or the code given, where there is no such file or it is no Parquet. */
export async function columnsOf(
  db: Session,
  path: string,
  files: Files,
  what: string,
  code: ErrorCode = 'SX_HISTORY_UNREADABLE',
): Promise<FileColumns> {
  if (files.length === 0) throw new SixfoldError(code, `${what}: there is no file '${path}'.`)
  try {
    const rows = await db.rows(`DESCRIBE SELECT * FROM ${readParquet(files)}`)
    return new Map(rows.map(([name, type]) => [String(name), String(type)]))
  } catch (error) {
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new SixfoldError(code, `${what}: '${path}' cannot be read as Parquet. ${why}`, { cause: error })
  }
}

/** Where the files of a path in a definition lie. */
export type Resolve = (path: string) => Files

/** What a column is, where errors are to speak of it. */
export interface Place {
  readonly code: ErrorCode
  /** "source 'landings': the history 'data/flights.parquet'" */
  readonly what: string
}

/** The column as one of our types; a sentence about what is wrong where it cannot be one. */
export function canonical(
  column: string,
  type: FieldShape['type'] | KeyType,
  columns: FileColumns,
  zone: string | null,
  { code, what }: Place,
): string {
  const physical = columns.get(column)
  if (physical === undefined)
    throw new SixfoldError(code, `${what} has no column '${column}'. ${suggestion(column, columns.keys())}`, {
      fix: 'Write the column, or correct its name in the definition.',
    })
  const sql = expressions[type](duckdb.identifier(column), physical, zone === null ? null : offsetMinutes(zone))
  if (sql.startsWith('!')) throw new SixfoldError(code, `${what}: column '${column}' is ${physical}. ${sql.slice(1)}`)
  return sql
}

const integers = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER']
const wide = ['UBIGINT', 'HUGEINT', 'UHUGEINT']
const isDecimal = (physical: string): boolean => physical.startsWith('DECIMAL')

/** SQL, or '!' and what to do. */
const expressions: {
  readonly [T in FieldShape['type']]: (column: string, physical: string, zoneMinutes: number | null) => string
} = {
  boolean: (column, physical) => (physical === 'BOOLEAN' ? column : '!A boolean is wanted.'),
  int64: (column, physical) => {
    if (physical === 'BIGINT') return column
    if (integers.includes(physical)) return `CAST(${column} AS BIGINT)`
    return wide.includes(physical) || /^DECIMAL\(\d+,0\)$/.test(physical)
      ? `TRY_CAST(${column} AS BIGINT)`
      : '!An integer is wanted.'
  },
  float64: (column, physical) => {
    if (physical === 'DOUBLE' || physical === 'FLOAT')
      return `(CASE WHEN isfinite(${column}) THEN CAST(${column} AS DOUBLE) + CAST(0 AS DOUBLE) END)`
    return [...integers, ...wide].includes(physical) || isDecimal(physical)
      ? `CAST(${column} AS DOUBLE)`
      : '!A number is wanted.'
  },
  string: (column, physical) => {
    if (physical === 'VARCHAR') return `nfc_normalize(${column})`
    return physical.startsWith('ENUM') || physical === 'UUID'
      ? `nfc_normalize(CAST(${column} AS VARCHAR))`
      : '!A string is wanted.'
  },
  timestamp: (column, physical, zoneMinutes) => {
    const zoned = physical === 'TIMESTAMP WITH TIME ZONE'
    if (!zoned && !/^(TIMESTAMP(_NS|_MS|_S)?|DATE)$/.test(physical))
      return '!An instant is wanted; numbers do not say their unit. Convert it: make_timestamp(…).'
    if (!zoned && zoneMinutes === null) return "!It has no zone, and none is named. Name it: zone: 'UTC'."
    const [unit, perMs] = physical === 'TIMESTAMP_NS' ? ['epoch_ns', 1_000_000] : ['epoch_us', 1_000]
    // Counted from the year 1, so that the division rounds down. `domainOf` cuts what lies outside the years that are instants.
    const shift = -instantMin - (zoned ? 0 : zoneMinutes! * 60_000)
    return `(TRY(${unit}(${column}) + ${BigInt(shift) * BigInt(perMs)}) // ${perMs} - ${-instantMin})`
  },
}

/** The values of a field's column, of which those outside the field's domain are missing. */
export function within(shape: FieldShape, column: string): string {
  const domain = domainOf(shape, column)
  return domain === null ? column : `CASE WHEN ${domain} THEN ${column} END`
}

/** What of a type's values the field may hold; null for all. */
function domainOf({ type, range, oneOf }: FieldShape, column: string): string | null {
  if (type === 'timestamp') return `${column} BETWEEN ${instantMin} AND ${instantMax}`
  if (range !== null) return `${column} BETWEEN ${range.map((bound) => duckdb.literal(type, bound)).join(' AND ')}`
  return oneOf === null ? null : `${column} IN (${oneOf.map((member) => duckdb.literal('string', member)).join(', ')})`
}

/** The path of the source's history. Throws SX_HISTORY_UNREADABLE where it has none. */
function historyOf({ name, history }: Source): string {
  if (history !== null) return history.path
  throw new SixfoldError('SX_HISTORY_UNREADABLE', `source '${name}' has no history.`, {
    fix: "Name it in the definition: history: parquet('…').",
  })
}

/**
 * A relation of a source's fields, in the order declared. With `counting` it has a column `_sx_bad`: how many values of the row
 * stand in the file but are taken as missing.
 */
export async function doorOf(
  db: Session,
  source: Source,
  resolve: Resolve,
  wanted: readonly string[] | 'all',
  counting = false,
): Promise<string> {
  const path = historyOf(source)
  const files = resolve(path)
  const place: Place = { code: 'SX_HISTORY_INVALID', what: `source '${source.name}': the history '${path}'` }
  const columns = await columnsOf(db, path, files, `source '${source.name}'`)
  const shapes = shapesOf(source.fields).filter(({ name }) => wanted === 'all' || wanted.includes(name))
  const canonicals = shapes.map(
    ({ name, type }) => `${canonical(name, type, columns, source.zone, place)} AS ${duckdb.identifier(name)}`,
  )
  const domains = shapes.map((shape) => {
    const column = duckdb.identifier(shape.name)
    return `${within(shape, column)} AS ${column}`
  })
  if (!counting)
    return `(SELECT ${domains.join(', ')} FROM (SELECT ${canonicals.join(', ')} FROM ${readParquet(files)}))`
  // In a select list a name means the file's column, also where an alias beside it has that name.
  const present = shapes.map(({ name }, i) => `${duckdb.identifier(name)} IS NOT NULL AS _sx_raw${i}`)
  const raw = shapes.map((_, i) => `_sx_raw${i}`)
  const bad = shapes.map(({ name }, i) => `CAST(_sx_raw${i} AND ${duckdb.identifier(name)} IS NULL AS INTEGER)`)
  const inner = `SELECT ${[...domains, ...raw].join(', ')} FROM (SELECT ${[...canonicals, ...present].join(', ')} FROM ${readParquet(files)})`
  return `(SELECT *, ${bad.join(' + ')} AS _sx_bad FROM (${inner}))`
}
