/** The events of a view as a relation: its key, instants, order and arguments. Made from history, once for a query. */
import type { ViewPlan } from '../../aggregation/plan.ts'
import { constantLag } from '../../aggregation/visibility.ts'
import type { Node } from '../../expression/node.ts'
import { walk } from '../../expression/node.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import { compile } from '../../expression/targets/sql/compile.ts'
import { Writer } from '../../expression/targets/sql/writer.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { DuckDB } from './connection.ts'
import { doorOf } from './door.ts'

const id = duckdb.identifier

/** The columns of an event relation. Keys are in the order of their parts' names. */
export const eventColumns = {
  key: (i: number): string => `_k${i}`,
  argument: (i: number): string => `_a${i}`,
  time: '_time',
  visible: '_visible',
  /** Greater is newer, among the events of one entity. */
  rank: '_rank',
} as const

/** Paths in definitions are relative to the project's folder. */
export type Resolve = (path: string) => string

/** Rows of the source that are events, with one column more: the first instant at which each is visible. */
export async function sourceEvents(
  db: DuckDB,
  plan: ViewPlan,
  resolve: Resolve,
  wanted: readonly string[] | 'all',
): Promise<string> {
  const { source, on } = plan.view.basis
  if (source.history === null)
    throw new SixfoldError('SX_HISTORY_UNREADABLE', `source '${source.name}' has no history.`, {
      fix: "Name it in the definition: history: parquet('…').",
    })
  const door = await doorOf(db, source, resolve(source.history.path), wanted)
  const time = id(source.time)
  const lag = constantLag(plan.visibility)
  const visible =
    lag !== null
      ? `${time} + ${lag}`
      : `greatest(${time} + ${plan.visibility.strictMs}, ${id(plan.visibility.arrival!)})`
  const present = (columns: readonly string[]): string => columns.map((column) => `${column} IS NOT NULL`).join(' AND ')
  const instants = [time, ...(plan.visibility.arrival === null ? [] : [id(plan.visibility.arrival)])]
  const events = `SELECT *, ${visible} AS ${eventColumns.visible} FROM ${door} WHERE ${present(instants)}`
  const keyed = present(Object.values(on).map(id))
  if (source.id === null) return `(${events} AND ${keyed})`
  // Of events with one id the first to be known counts, whether or not it has the key of this view.
  const first = `row_number() OVER (PARTITION BY ${id(source.id)} ORDER BY ${eventColumns.visible}, ${orderOf(plan).join(', ')})`
  return `(SELECT * FROM (SELECT * FROM (${events}) QUALIFY ${id(source.id)} IS NULL OR ${first} = 1) WHERE ${keyed})`
}

/** The total order of events, oldest first. */
export function orderOf(plan: ViewPlan): readonly string[] {
  const { source } = plan.view.basis
  const ends = [source.time, plan.visibility.arrival, source.sequence].filter((column) => column !== null)
  const rest = Object.keys(source.fields).filter((column) => !ends.includes(column))
  return [...ends, ...rest].map((column) => `${id(column)} NULLS FIRST`)
}

/** Which fields a query over the view's events has to read. All of them, where ties may have to be broken or ids told apart. */
function fieldsRead(plan: ViewPlan, nodes: readonly Node[], ordered: boolean): readonly string[] | 'all' {
  const { source, on } = plan.view.basis
  if (ordered || source.id !== null) return 'all'
  const used = nodes.flatMap((node) => [...walk(node)].flatMap((part) => (part.kind === 'column' ? [part.name] : [])))
  return [
    ...new Set([
      source.time,
      ...Object.values(on),
      ...(plan.visibility.arrival === null ? [] : [plan.visibility.arrival]),
      ...used,
    ]),
  ]
}

/** Whether two events of one entity ever happen in the same millisecond: only then does their order have to be worked out. */
export async function hasTies(db: DuckDB, plan: ViewPlan, resolve: Resolve): Promise<boolean> {
  const events = await sourceEvents(db, plan, resolve, fieldsRead(plan, [], false))
  const groups = [...plan.keyFields.map((field) => id(plan.fields[field]!.name)), id(plan.view.basis.source.time)]
  const [row] = await db.rows(
    `SELECT count(*) FROM (SELECT 1 FROM ${events} GROUP BY ${groups.join(', ')} HAVING count(*) > 1 LIMIT 1)`,
  )
  return row![0] !== 0n
}

/** A relation with the columns of `eventColumns`; `args` are the plan's arguments wanted. */
export async function eventRelation(
  db: DuckDB,
  plan: ViewPlan,
  resolve: Resolve,
  args: readonly number[],
  ties: boolean,
): Promise<string> {
  const nodes = args.map((i) => plan.arguments[i]!.node)
  const base = await sourceEvents(db, plan, resolve, fieldsRead(plan, nodes, ties))
  const keys = plan.keyFields.map((field) => id(plan.fields[field]!.name))
  const time = id(plan.view.basis.source.time)
  const rank = ties ? `row_number() OVER (PARTITION BY ${keys.join(', ')} ORDER BY ${orderOf(plan).join(', ')})` : time
  const writer = new Writer(duckdb)
  return `(${writer.select(
    base,
    [],
    [
      ...keys.map((key, i) => ({ name: eventColumns.key(i), value: writer.atom(key) })),
      { name: eventColumns.time, value: writer.atom(time) },
      { name: eventColumns.visible, value: writer.atom(eventColumns.visible) },
      { name: eventColumns.rank, value: writer.atom(rank) },
      ...args.map((argument, i) => ({
        name: eventColumns.argument(argument),
        value: compile(nodes[i]!, writer, (leaf) => writer.atom(id((leaf as Node<'column'>).name))),
      })),
    ],
  )})`
}
