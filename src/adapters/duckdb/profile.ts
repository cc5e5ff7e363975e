/** Columns of Parquet files as profiles, and as values: what two sides are held against each other by. */
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import { NumberProfile, TextProfile } from '../../statistics/sketches/profile.ts'
import { Gathered } from './batch/columns.ts'
import type { Session } from './connection.ts'
import { openDuckDB } from './connection.ts'
import { columnsOf, readParquet } from './door.ts'

/** What a column is compared as. */
export type ComparedAs = 'number' | 'integer' | 'category'

export interface ColumnFile {
  /** In the order of the file; what is neither a number, a text nor a boolean is left out. */
  readonly columns: ReadonlyMap<string, ComparedAs>
  readonly left: readonly string[]
  profile(columns: readonly string[]): Promise<{ readonly [column: string]: ColumnProfile }>
  /** All that are there, and finite. */
  values(column: string): Promise<Float64Array | readonly string[]>
  close(): void
}

const integers = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/
const numbers = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/
const categories = /^(VARCHAR|BOOLEAN|UUID|ENUM\(.*\))$/
/** Of which a text profile tells them apart. */
const textsMost = 4_096
const chunkRows = 16_384
const id = duckdb.identifier

/** `path` may be a pattern. Throws SX_ROWS_INVALID where nothing can be read. */
export async function openColumns(path: string, temporaryFolder: string): Promise<ColumnFile> {
  const instance = await openDuckDB({ temporaryFolder })
  try {
    const db = await instance.session()
    const physical = await columnsOf(db, path, path, 'the rows', 'SX_ROWS_INVALID')
    const columns = new Map<string, ComparedAs>()
    const left: string[] = []
    for (const [name, type] of physical) {
      if (integers.test(type)) columns.set(name, 'integer')
      else if (numbers.test(type)) columns.set(name, 'number')
      else if (categories.test(type)) columns.set(name, 'category')
      else left.push(name)
    }
    const known = (name: string): ComparedAs => {
      const kind = columns.get(name)
      if (kind !== undefined) return kind
      throw new SixfoldError(
        'SX_ROWS_INVALID',
        physical.has(name)
          ? `The column '${name}' of '${path}' has the type ${physical.get(name)}, which is not compared.`
          : `'${path}' has no column '${name}'.`,
        { fix: physical.has(name) ? 'Leave it out.' : suggestion(name, physical.keys()) },
      )
    }
    return {
      columns,
      left,
      profile: async (names) => {
        const texts = names.filter((name) => known(name) === 'category')
        const rest = names.filter((name) => known(name) !== 'category')
        const other = await instance.session()
        try {
          const [ofNumbers, ofTexts] = await Promise.all([
            profileNumbers(db, path, rest, physical),
            profileTexts(other, path, texts),
          ])
          const all = { ...ofNumbers, ...ofTexts }
          return Object.fromEntries(names.map((name) => [name, all[name]!]))
        } finally {
          other.close()
        }
      },
      values: (name) => (known(name) === 'category' ? textsIn(db, path, name) : numbersIn(db, path, name)),
      close: () => {
        db.close()
        instance.close()
      },
    }
  } catch (error) {
    instance.close()
    throw error
  }
}

async function profileNumbers(
  db: Session,
  path: string,
  names: readonly string[],
  physical: ReadonlyMap<string, string>,
): Promise<{ readonly [column: string]: ColumnProfile }> {
  const profiles = names.map(() => new NumberProfile())
  if (names.length === 0) return {}
  const selected = names.map((name) => ({ name, type: 'float64' as const, single: physical.get(name) === 'FLOAT' }))
  const gathered = new Gathered(selected, chunkRows)
  const take = (): void => {
    const { rows, columns, release } = gathered.take()
    for (const [i, { values, valid }] of columns.entries()) profiles[i]!.add(values as Float64Array, valid, 0, rows)
    release?.()
  }
  const query = selected.map(({ name, single }) => (single ? id(name) : `CAST(${id(name)} AS DOUBLE)`)).join(', ')
  for await (const chunk of db.stream(`SELECT ${query} FROM ${readParquet(path)}`)) {
    if (!gathered.fits(chunk.rowCount)) take()
    gathered.add(chunk)
  }
  if (gathered.rows > 0) take()
  return Object.fromEntries(names.map((name, i) => [name, profiles[i]!]))
}

async function profileTexts(
  db: Session,
  path: string,
  names: readonly string[],
): Promise<{ readonly [column: string]: ColumnProfile }> {
  const profiles: { [column: string]: ColumnProfile } = {}
  for (const name of names) {
    const profile = new TextProfile()
    const groups = `SELECT CAST(${id(name)} AS VARCHAR) AS value, count(*) AS times FROM ${readParquet(path)} GROUP BY 1`
    // Those beyond the first are one, however many they are.
    const rows = await db.rows(
      `WITH groups AS (${groups}), ranked AS (SELECT *, row_number() OVER (ORDER BY times DESC, value) AS place FROM groups WHERE value IS NOT NULL)
       SELECT value, times FROM ranked WHERE place <= ${textsMost}
       UNION ALL SELECT NULL, (SELECT coalesce(sum(times), 0) FROM groups WHERE value IS NULL)
       UNION ALL SELECT NULL, (SELECT coalesce(sum(times), 0) FROM ranked WHERE place > ${textsMost})`,
    )
    const [missing, others] = rows.slice(-2).map(([, times]) => Number(times)) as [number, number]
    for (const [value, times] of rows.slice(0, -2)) profile.add(String(value), Number(times))
    profile.missing = missing
    profile.others = others
    profiles[name] = profile
  }
  return profiles
}

async function numbersIn(db: Session, path: string, name: string): Promise<Float64Array> {
  const gathered = new Gathered([{ name, type: 'float64', single: false }], chunkRows)
  const parts: Float64Array[] = []
  const take = (): void => void parts.push(gathered.take().columns[0]!.values as Float64Array)
  const column = `CAST(${id(name)} AS DOUBLE)`
  for await (const chunk of db.stream(`SELECT ${column} FROM ${readParquet(path)} WHERE isfinite(${column})`)) {
    if (!gathered.fits(chunk.rowCount)) take()
    gathered.add(chunk)
  }
  if (gathered.rows > 0) take()
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

async function textsIn(db: Session, path: string, name: string): Promise<readonly string[]> {
  const rows = await db.rows(
    `SELECT CAST(${id(name)} AS VARCHAR), count(*) FROM ${readParquet(path)} WHERE ${id(name)} IS NOT NULL GROUP BY 1 ORDER BY 1`,
  )
  return rows.flatMap(([value, times]) => new Array<string>(Number(times)).fill(String(value)))
}
