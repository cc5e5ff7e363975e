/** The events of a view as a relation: its key, instants, order and arguments. Made from history, once for a query. */
import type { ViewPlan } from '../../aggregation/plan.ts'
import { constantLag } from '../../aggregation/visibility.ts'
import type { Node } from '../../expression/node.ts'
import { walk } from '../../expression/node.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import { compile } from '../../expression/targets/sql/compile.ts'
import { Writer } from '../../expression/targets/sql/writer.ts'
import type { Session } from './connection.ts'
import type { Resolve } from './door.ts'
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
  /** Among events of one entity and one millisecond, from 1; 0 for an event that is alone in its millisecond. */
  tie: '_tie',
} as const

/** Rows of the source that are events, with one column more: the first instant at which each is visible. */
export async function sourceEvents(
  db: Session,
  plan: ViewPlan,
  resolve: Resolve,
  wanted: readonly string[] | 'all',
): Promise<string> {
  const { source, on } = plan.view.basis
  const door = await doorOf(db, source, resolve, wanted)
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
  const repeated = await repeatedIds(db, plan, resolve)
  if (repeated === null) return `(${events} AND ${keyed})`
  // Of events with one id the first to be known counts, whether or not it has the key of this view.
  const column = id(source.id!)
  const first = `row_number() OVER (PARTITION BY ${column} ORDER BY ${eventColumns.visible}, ${orderOf(plan).join(', ')}) = 1`
  const [alone, several] = ['ANTI', 'SEMI'].map(
    (kind) => `SELECT * FROM (${events}) ${kind} JOIN ${repeated} USING (${column})`,
  )
  return `(SELECT * FROM (${alone} UNION ALL SELECT * FROM (${several}) QUALIFY ${first}) WHERE ${keyed})`
}

/** A table of the ids that more than one event has; null where none has: then nothing has to be put in order to tell them apart. */
async function repeatedIds(db: Session, plan: ViewPlan, resolve: Resolve): Promise<string | null> {
  const { source } = plan.view.basis
  if (source.id === null) return null
  const wanted = [source.id, source.time, ...(plan.visibility.arrival === null ? [] : [plan.visibility.arrival])]
  const door = await doorOf(db, source, resolve, wanted)
  const present = wanted.map((column) => `${id(column)} IS NOT NULL`).join(' AND ')
  const name = id(`_sx_repeated_${source.name}`)
  const count = await db.table(
    name,
    `SELECT ${id(source.id)} FROM ${door} WHERE ${present} GROUP BY ${id(source.id)} HAVING count(*) > 1`,
  )
  return count === 0 ? null : name
}

/** The total order of events, oldest first. */
function orderOf(plan: ViewPlan): readonly string[] {
  const { source } = plan.view.basis
  const ends = [source.time, plan.visibility.arrival, source.sequence].filter((column) => column !== null)
  const rest = Object.keys(source.fields).filter((column) => !ends.includes(column))
  return [...ends, ...rest].map((column) => `${id(column)} NULLS FIRST`)
}

/** Which fields a query over the view's events has to read. All of them, where their order has to be worked out. */
async function fieldsRead(
  db: Session,
  plan: ViewPlan,
  resolve: Resolve,
  nodes: readonly Node[],
  ordered: boolean,
): Promise<readonly string[] | 'all'> {
  const { source, on } = plan.view.basis
  if (ordered || (await repeatedIds(db, plan, resolve)) !== null) return 'all'
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

/**
 * A table of the entities and milliseconds in which more than one event happened; null where there are none: only events of such
 * a millisecond have to be put in order.
 */
export async function tiesOf(db: Session, name: string, plan: ViewPlan, resolve: Resolve): Promise<string | null> {
  const events = await sourceEvents(db, plan, resolve, await fieldsRead(db, plan, resolve, [], false))
  const groups = groupOf(plan)
  const table = id(`_sx_ties_${name}`)
  const count = await db.table(
    table,
    `SELECT ${groups.join(', ')} FROM ${events} GROUP BY ${groups.join(', ')} HAVING count(*) > 1`,
  )
  return count === 0 ? null : table
}
const groupOf = (plan: ViewPlan): readonly string[] => [
  ...new Set([...plan.keyFields.map((field) => id(plan.fields[field]!.name)), id(plan.view.basis.source.time)]),
]

/** Events with the columns of `eventColumns`, each a relation. */
export interface EventRelations {
  readonly all: string
  /** Those that are alone in their millisecond. */
  readonly alone: string
  /** The others; null where there are none. */
  readonly tied: string | null
}

/** `args` are the plan's arguments wanted. */
export async function eventRelations(
  db: Session,
  plan: ViewPlan,
  resolve: Resolve,
  args: readonly number[],
  ties: string | null,
): Promise<EventRelations> {
  const nodes = args.map((i) => plan.arguments[i]!.node)
  const base = await sourceEvents(db, plan, resolve, await fieldsRead(db, plan, resolve, nodes, ties !== null))
  const time = id(plan.view.basis.source.time)
  const groups = groupOf(plan).join(', ')
  const writer = new Writer(duckdb)
  const relation = (from: string, tie: string, rank: string): string =>
    writer.select(
      from,
      [],
      [
        ...plan.keyFields.map((field, i) => ({
          name: eventColumns.key(i),
          value: writer.atom(id(plan.fields[field]!.name)),
        })),
        { name: eventColumns.time, value: writer.atom(time) },
        { name: eventColumns.visible, value: writer.atom(eventColumns.visible) },
        { name: eventColumns.rank, value: writer.atom(rank) },
        { name: eventColumns.tie, value: writer.atom(tie) },
        ...args.map((argument, i) => ({
          name: eventColumns.argument(argument),
          value: compile(nodes[i]!, writer, (leaf) => writer.atom(id((leaf as Node<'column'>).name))),
        })),
      ],
    )
  if (ties === null) {
    const alone = `(${relation(base, '0', time)})`
    return { all: alone, alone, tied: null }
  }
  const rank = (tie: string): string => `CAST(${time} AS HUGEINT) * 4294967296 + ${tie}`
  const order = `row_number() OVER (PARTITION BY ${groups} ORDER BY ${orderOf(plan).join(', ')})`
  const [others, together] = ['ANTI', 'SEMI'].map(
    (kind) => `SELECT * FROM ${base} ${kind} JOIN ${ties} USING (${groups})`,
  )
  const alone = relation(`(${others})`, '0', rank('0'))
  const tied = relation(
    `(SELECT *, ${order} AS ${eventColumns.tie} FROM (${together}))`,
    eventColumns.tie,
    rank(eventColumns.tie),
  )
  return { all: `(${alone} UNION ALL ${tied})`, alone: `(${alone})`, tied: `(${tied})` }
}
