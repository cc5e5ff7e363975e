/** Archived batches: read again, some of their rows found, and two of them held against each other. */
import type { Scalar } from '../../../expression/node.ts'
import { duckdb } from '../../../expression/targets/duckdb/dialect.ts'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { BatchComparison, BatchFiles, BatchRowsStore, Columns } from '../../../ports/batch-rows.ts'
import type { Session } from '../connection.ts'
import { converterFor } from '../connection.ts'
import { columnsOf, readParquet } from '../door.ts'
import type { Selected } from './columns.ts'
import { Gathered } from './columns.ts'

const id = duckdb.identifier
const chunkRows = 16_384

export const scalars: { readonly [physical: string]: Scalar } = {
  VARCHAR: 'string',
  BIGINT: 'int64',
  DOUBLE: 'float64',
  FLOAT: 'float64',
  BOOLEAN: 'boolean',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
}

export const readable = (name: string, physical: string, of = ''): string =>
  physical === 'TIMESTAMP WITH TIME ZONE'
    ? `epoch_ms(${of}${id(name)})`
    : physical.endsWith('[]')
      ? `CAST(to_json(${of}${id(name)}) AS VARCHAR)`
      : `${of}${id(name)}`

export async function* readBatch(
  db: Session,
  { paths }: BatchFiles,
  wanted: readonly string[],
  by: readonly string[] = [],
): AsyncIterable<Columns> {
  if (paths.length === 0) return
  const columns = await columnsOf(db, paths[0]!, paths, 'a batch', 'SX_STORE_CORRUPT')
  const selected = wanted.map((name): Selected => {
    const physical = columns.get(name)
    if (physical === undefined) throw new SixfoldError('SX_STORE_CORRUPT', `A batch has no column '${name}'.`)
    return { name, type: physical.endsWith('[]') ? 'string' : scalars[physical]!, single: physical === 'FLOAT' }
  })
  const query = wanted.map((name) => readable(name, columns.get(name)!)).join(', ')
  const order = by.flatMap((name) => (columns.get(name) === 'VARCHAR' ? [`strlen(${id(name)})`, id(name)] : [id(name)]))
  const ordered = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`
  const gathered = new Gathered(selected, chunkRows)
  for await (const chunk of db.stream(`SELECT ${query} FROM ${readParquet(paths)}${ordered}`)) {
    if (!gathered.fits(chunk.rowCount)) yield gathered.take()
    gathered.add(chunk)
  }
  if (gathered.rows > 0) yield gathered.take()
}

const literal = (value: string | number | bigint | boolean, physical: string): string =>
  physical === 'TIMESTAMP WITH TIME ZONE'
    ? `CAST(make_timestamp(${Number(value) * 1000}) AS TIMESTAMPTZ)`
    : typeof value === 'string' && physical !== 'BIGINT'
      ? duckdb.literal('string', value)
      : String(value)

export async function findRows(
  db: Session,
  { paths }: BatchFiles,
  keys: Parameters<BatchRowsStore['find']>[1],
  wanted: readonly string[],
): ReturnType<BatchRowsStore['find']> {
  if (paths.length === 0 || keys.length === 0) return keys.map(() => null)
  const columns = await columnsOf(db, paths[0]!, paths, 'a batch', 'SX_STORE_CORRUPT')
  const parts = Object.keys(keys[0]!)
  const asked = keys.map(
    (key, i) => `(${[i, ...parts.map((part) => literal(key[part]!, columns.get(part)!))].join(', ')})`,
  )
  // Of one key the columns' statistics and filters say where it can be; of many it costs less to read once and join.
  const on = parts.map(
    (part, i) => `b.${id(part)} = ${keys.length === 1 ? literal(keys[0]![part]!, columns.get(part)!) : `a.p${i}`}`,
  )
  // A version of another definition may lack an output.
  const selected = wanted
    .map((name) => (columns.has(name) ? readable(name, columns.get(name)!, 'b.') : 'NULL'))
    .join(', ')
  const names = ['i', ...parts.map((_, i) => `p${i}`)].join(', ')
  const from =
    keys.length === 1
      ? `${readParquet(paths)} b WHERE ${on.join(' AND ')}`
      : `(VALUES ${asked.join(', ')}) a(${names}) JOIN ${readParquet(paths)} b ON ${on.join(' AND ')}`
  const rows = await db.rows(`SELECT ${keys.length === 1 ? '0' : 'a.i'}, ${selected} FROM ${from}`)
  const convert = wanted.map((name) => converterFor(scalars[columns.get(name)!] ?? 'string'))
  const found = new Map(
    rows.map(([at, ...values]) => [
      Number(at),
      Object.fromEntries(wanted.map((name, i) => [name, convert[i]!(values[i])])) as {
        readonly [column: string]: unknown
      },
    ]),
  )
  return keys.map((_, i) => found.get(i) ?? null)
}

type Asked = Parameters<BatchRowsStore['compare']>[2]

export async function compareBatches(
  db: Session,
  before: BatchFiles | null,
  after: BatchFiles,
  { keys, numbers, decision, top }: Asked,
): Promise<BatchComparison> {
  const empty = after.paths.length === 0
  const key = keys.map(id).join(', ')
  const relation = (files: BatchFiles): string => readParquet(files.paths)
  const [counts] = empty
    ? [[0, 0]]
    : await db.rows(
        // Groups go by way of the disk where there are many, and what DISTINCT takes does not.
        `SELECT (SELECT count(*) FROM ${relation(after)}), count(*) FROM (SELECT 1 FROM ${relation(after)} GROUP BY ${key})`,
      )
  const [rows, different] = counts!.map(Number) as [number, number]
  const twins = rows - different
  if (before === null || before.paths.length === 0 || empty)
    return { rows: { before: 0, after: rows, both: 0 }, twins, flips: null, top: null, moved: {} }
  const had = await columnsOf(db, before.paths[0]!, before.paths, 'a batch', 'SX_STORE_CORRUPT')
  const common = numbers.filter((name) => had.has(name))
  const decided = decision !== null && had.has(decision)
  const figures = [
    'count(*)',
    decided ? `count(*) FILTER (WHERE b.${id(decision!)} IS DISTINCT FROM a.${id(decision!)})` : 'NULL',
    ...common.flatMap((name) => [`avg(abs(b.${id(name)} - a.${id(name)}))`, `max(abs(b.${id(name)} - a.${id(name)}))`]),
  ]
  const on = keys.map((part) => `b.${id(part)} = a.${id(part)}`).join(' AND ')
  const [joined] = await db.rows(
    `SELECT ${figures.join(', ')} FROM ${relation(before)} b JOIN ${relation(after)} a ON ${on}`,
  )
  const [total] = await db.rows(`SELECT count(*) FROM ${relation(before)}`)
  const [both, flips, ...moved] = joined!.map((value) => (value === null ? null : Number(value)))
  const first = (files: BatchFiles): string =>
    `(SELECT ${key} FROM ${relation(files)} WHERE ${id(top!.output)} IS NOT NULL ORDER BY ${id(top!.output)} DESC, ${key} LIMIT ${top!.k})`
  const shared =
    top === null || !had.has(top.output)
      ? null
      : Number((await db.rows(`SELECT count(*) FROM ${first(before)} SEMI JOIN ${first(after)} USING (${key})`))[0]![0])
  return {
    rows: { before: Number(total![0]), after: rows, both: both! },
    twins,
    flips: flips ?? null,
    top: shared === null ? null : { k: top!.k, both: shared },
    moved: Object.fromEntries(
      common.map((name, i) => [name, { mean: moved[2 * i] ?? 0, most: moved[2 * i + 1] ?? 0 }]),
    ),
  }
}
