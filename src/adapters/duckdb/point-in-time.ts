/**
 * The point-in-time join of one view: for every label row, each window's value at the row's instant.
 *
 * Three ways to the same value, chosen for each window:
 * - `asof`: the newest event, where visibility keeps the order of events: DuckDB's ASOF join.
 * - `frame`: labels and events in one ordered relation; a window is a frame before the label, and DuckDB's segment trees merge
 *   partial aggregates, so that the cost hardly grows with the number of events in a window.
 * - `range`: labels joined with the events of their windows, where an arrival column lets late events fall anywhere.
 */
import type { ViewPlan } from '../../aggregation/plan.ts'
import { constantLag } from '../../aggregation/visibility.ts'
import type { Window } from '../../aggregation/window.ts'
import { windowOf } from '../../aggregation/window.ts'
import type { Node } from '../../expression/node.ts'
import { walk } from '../../expression/node.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import type { Fragment, Writer } from '../../expression/targets/sql/writer.ts'
import { durationMs, durationMsMax } from '../../kernel/duration.ts'
import { canonicalJson } from '../../kernel/hash.ts'
import { instantMin } from '../../kernel/instant.ts'
import { bounds } from '../../kernel/limits.ts'
import type { Part, SqlAggregate } from './aggregates.ts'
import { decaySince, sqlAggregate } from './aggregates.ts'
import type { Session } from './connection.ts'
import type { Resolve } from './door.ts'
import type { EventRelations } from './events.ts'
import { eventColumns, eventRelations, tiesOf } from './events.ts'

const id = duckdb.identifier
const { key, argument, time, visible, rank, tie } = eventColumns

/** The label relation: a row number, the instant, and the keys under the names in which the view is asked for them. */
export interface Labels {
  readonly relation: string
  readonly row: string
  readonly moment: string
  keyColumn(asked: string): string
}

/** A view joined to the labels: what to put after the label relation in FROM, and where each window's value then is. */
export interface JoinedView {
  readonly joins: readonly string[]
  /** Columns that the joins bring, as `text AS name`. */
  readonly columns: readonly string[]
  value(writer: Writer, node: Node<'window'>): Fragment
}

interface Item {
  readonly node: Node<'window'>
  readonly window: Window | null
  readonly way: 'asof' | 'frame' | 'range'
  readonly aggregate: SqlAggregate
}

/** `name` is unique among the joined views of a query. */
export async function joinView(
  db: Session,
  name: string,
  plan: ViewPlan,
  role: { readonly [part: string]: string },
  features: readonly Node[],
  labels: Labels,
  resolve: Resolve,
): Promise<JoinedView> {
  const windows = distinctWindows(features)
  const chooses = windows.some(({ aggregate }) => ['first', 'last', 'firstN', 'lastN'].includes(aggregate.function))
  const ties = chooses ? await tiesOf(db, name, plan, resolve) : null
  const used = [
    ...new Set(
      windows.flatMap(({ aggregate }) =>
        [aggregate.of, aggregate.where].filter((n) => n !== null).map((n) => argumentOf(plan, n)),
      ),
    ),
  ]
  let events = await eventRelations(db, plan, resolve, used, ties)
  const ways = windows.map((node) => wayOf(node, plan))
  // Each is one pass over the events; more than one, and they are worth keeping.
  const passes = new Set(
    windows.map(({ aggregate }, i) =>
      ways[i] === 'asof'
        ? canonicalJson([aggregate.where, aggregate.options.skipNulls ? aggregate.of : null])
        : ways[i],
    ),
  ).size
  if (passes > 1 || windows.some(({ aggregate }) => aggregate.function === 'distinct')) {
    const table = id(`_sx_events_${name}`)
    await db.table(table, `SELECT * FROM ${events.all}`)
    const where = (condition: string): string => `(SELECT * FROM ${table} WHERE ${condition})`
    events =
      events.tied === null
        ? { all: table, alone: table, tied: null }
        : { all: table, alone: where(`${tie} = 0`), tied: where(`${tie} > 0`) }
  }

  const items: Item[] = []
  for (const [i, node] of windows.entries()) {
    const { of, function: aggregate } = node.aggregate
    const x = of === null ? null : argument(argumentOf(plan, of))
    const many = aggregate === 'distinct' && (await hasMany(db, events.all, x!, plan))
    const way = ways[i]!
    items.push({
      node,
      window: effectiveWindow(node, plan),
      way,
      aggregate: way === 'asof' ? newest : sqlAggregate(node.aggregate, { x, isEvent: '_event', time, rank }, many),
    })
  }

  const keys = Object.keys(plan.view.basis.entity.key)
    .sort()
    .map((part) => labels.keyColumn(role[part]!))
  const context: Context = {
    name,
    plan,
    events,
    keys,
    labels,
    argumentName: (node) => argument(argumentOf(plan, node)),
  }
  const parts = [asofJoins, frameJoin, rangeJoin].map((join) => join(items, context))
  const places = new Map(parts.flatMap(({ places }) => [...places]))
  const byNode = new Map(items.map((item) => [canonicalJson(item.node), item]))
  return {
    joins: parts.flatMap(({ joins }) => joins),
    columns: parts.flatMap(({ columns }) => columns),
    value: (writer, node) => {
      const item = byNode.get(canonicalJson(node))!
      const columns = places.get(item)!.map((column) => writer.atom(column))
      const since = item.window === null ? null : edge(item.window, labels.moment)
      return item.aggregate.value(writer, columns, writer.atom(labels.moment), since)
    },
  }
}

interface Context {
  readonly name: string
  readonly plan: ViewPlan
  readonly events: EventRelations
  /** The labels' columns for the key's parts, in the order of their names. */
  readonly keys: readonly string[]
  readonly labels: Labels
  argumentName(node: Node): string
}
interface Joined {
  readonly joins: readonly string[]
  readonly columns: readonly string[]
  /** The columns that hold the parts of an item's aggregate. */
  readonly places: ReadonlyMap<Item, readonly string[]>
}

const distinctWindows = (features: readonly Node[]): readonly Node<'window'>[] => [
  ...new Map(
    features
      .flatMap((node) => [...walk(node)])
      .filter((node) => node.kind === 'window')
      .map((node) => [canonicalJson(node), node] as const),
  ).values(),
]

const argumentOf = (plan: ViewPlan, node: Node): number => {
  const wanted = canonicalJson(node)
  return plan.arguments.findIndex((known) => canonicalJson(known.node) === wanted)
}

/** A time-to-live is an exact window over what is chosen from all that is known. */
function effectiveWindow(node: Node<'window'>, plan: ViewPlan): Window | null {
  const { ttl } = plan.view.basis
  const chosen = ['first', 'last', 'firstN', 'lastN'].includes(node.aggregate.function)
  return windowOf(node) ?? (ttl !== null && chosen ? { lengthMs: durationMs(ttl), hopMs: 1 } : null)
}

function wayOf(node: Node<'window'>, plan: ViewPlan): Item['way'] {
  const lag = constantLag(plan.visibility)
  const { function: name } = node.aggregate
  if (name === 'last') return lag === null ? 'frame' : 'asof'
  // The newest of all events, cut afterwards: their frame has no far edge.
  if (name === 'lastN') return 'frame'
  const window = effectiveWindow(node, plan)
  if (window === null) return lag === null && name.startsWith('decayed') ? 'range' : 'frame'
  // A window shorter than the lag may be empty, which a frame cannot say.
  return lag === null || window.lengthMs < lag ? 'range' : 'frame'
}

/** floor((moment - length) / hop) * hop, counted from a multiple of the hop below every instant, so that division rounds down. */
function edge({ lengthMs, hopMs }: Window, moment: string): string {
  if (hopMs === 1) return `(${moment} - ${lengthMs})`
  const offset = Math.ceil((durationMsMax - instantMin) / hopMs) * hopMs
  return `((${moment} - ${lengthMs} + ${offset}) // ${hopMs} * ${hopMs} - ${offset})`
}

/** From which instant on a part takes events: the window's edge, or for a decay the first that still weigh anything; null: all. */
function partEdge({ node, window }: Item, part: Part, moment: string): string | null {
  const { function: name, options } = node.aggregate
  if (name === 'lastN' || name === 'last') return null
  const own = window === null ? null : edge(window, moment)
  if (!part.weighing) return own
  const weighing = decaySince(durationMs(options.halfLife!), moment)
  return own === null ? weighing : `greatest(${own}, ${weighing})`
}
const edgesOf = (items: readonly Item[], moment: string): readonly (string | null)[] => [
  ...new Set(items.flatMap((item) => item.aggregate.parts.map((part) => partEdge(item, part, moment)))),
]

/** Whether some entity has more different values of x than are counted exactly. */
async function hasMany(db: Session, events: string, x: string, plan: ViewPlan): Promise<boolean> {
  const groups = plan.keyFields.map((_, i) => key(i)).join(', ')
  const [row] = await db.rows(
    `SELECT coalesce(max(n), 0) FROM (SELECT count(DISTINCT ${x}) AS n FROM ${events} GROUP BY ${groups})`,
  )
  return Number(row![0]) > bounds.distinctValues
}

const filterOf = ({ node }: Item, partFilter: string | null, { argumentName }: Context): readonly string[] => {
  const { where, of, options } = node.aggregate
  const conditions = [
    partFilter,
    where === null ? null : argumentName(where),
    options.skipNulls ? `${argumentName(of!)} IS NOT NULL` : null,
  ]
  return conditions.filter((condition) => condition !== null)
}
const filtered = (call: string, conditions: readonly string[]): string =>
  conditions.length === 0 ? call : `${call} FILTER (WHERE ${conditions.join(' AND ')})`

// --- the newest event

/** Its value and time are columns of the joined row already. */
const newest: SqlAggregate = {
  parts: [],
  value: (w, [value, at], _moment, since) =>
    since === null ? value! : w.of([value!, at!], (v, t) => `CASE WHEN ${t} >= ${since} THEN ${v} END`),
}

function asofJoins(items: readonly Item[], context: Context): Joined {
  const { name, plan, events, keys, labels } = context
  const mine = items.filter(({ way }) => way === 'asof')
  const groups = groupBy(mine, (item) => filterOf(item, null, context).join(' AND '))
  const joins: string[] = []
  const columns: string[] = []
  const places = new Map<Item, readonly string[]>()
  for (const [filter, members] of groups) {
    const alias = `_sx_${name}_a${joins.length}`
    const values = [...new Set(members.map(({ node }) => context.argumentName(node.aggregate.of!)))]
    const partition = plan.keyFields.map((_, i) => key(i))
    const cut = members.some(({ window }) => window !== null)
    const brought = [...(cut ? [time] : []), ...values]
    const taken = `SELECT ${[...partition, visible, ...brought].join(', ')} FROM`
    const where = filter === '' ? '' : ` WHERE ${filter}`
    // Of events that become visible together the newest counts, by the total order.
    const newestTied =
      events.tied === null
        ? ''
        : ` UNION ALL ${taken} ${events.tied}${where} QUALIFY row_number() OVER (PARTITION BY ${[...partition, visible].join(', ')} ORDER BY ${rank} DESC) = 1`
    const newestEvents = `(${taken} ${events.alone}${where}${newestTied})`
    const on = [
      ...partition.map((part, i) => `_l.${keys[i]} = ${alias}.${part}`),
      `_l.${labels.moment} >= ${alias}.${visible}`,
    ]
    joins.push(`ASOF LEFT JOIN ${newestEvents} ${alias} ON ${on.join(' AND ')}`)
    for (const column of brought) columns.push(`${alias}.${column} AS ${alias}${column}`)
    for (const item of members)
      places.set(item, [
        `${alias}${context.argumentName(item.node.aggregate.of!)}`,
        ...(item.window === null ? [] : [`${alias}${time}`]),
      ])
  }
  return { joins, columns, places }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}

// --- frames

function frameJoin(items: readonly Item[], context: Context): Joined {
  const { name, plan, events, keys, labels } = context
  const mine = items.filter(({ way }) => way === 'frame')
  if (mine.length === 0) return nothing
  const lag = constantLag(plan.visibility) ?? 0
  const partition = plan.keyFields.map((_, i) => key(i))
  const args = [
    ...new Set(
      mine
        .flatMap(({ node }) => [node.aggregate.of, node.aggregate.where])
        .filter((n) => n !== null)
        .map((n) => context.argumentName(n)),
    ),
  ]

  const edges = edgesOf(mine, labels.moment)
  const reach = (i: number): string => `_reach${i}`
  // Counted back from the label in terms of visibility, by which the frame is ordered; never negative, where the edge is real.
  const reaches = edges.map(
    (from, i) => `${from === null ? '0' : `${labels.moment} - (${from} + ${lag})`} AS ${reach(i)}`,
  )
  const frames = edges.map((from, i) => {
    const begin = from === null ? 'UNBOUNDED PRECEDING' : `${reach(i)} PRECEDING`
    return `_w${i} AS (PARTITION BY ${partition.join(', ')} ORDER BY _at RANGE BETWEEN ${begin} AND CURRENT ROW)`
  })
  const eventRows = `SELECT ${[...partition, `${visible} AS _at`, 'CAST(NULL AS BIGINT) AS _row', time, rank, ...args, 'true AS _event', ...edges.map((_, i) => `CAST(0 AS BIGINT) AS ${reach(i)}`)].join(', ')} FROM ${events.all}`
  const labelRows = `SELECT ${[...keys, labels.moment, labels.row, 'NULL', 'NULL', ...args.map(() => 'NULL'), 'NULL', ...reaches].join(', ')} FROM ${labels.relation}`

  const alias = `_sx_${name}_f`
  const calls: string[] = []
  const places = new Map<Item, readonly string[]>()
  for (const item of mine) {
    places.set(
      item,
      item.aggregate.parts.map((part) => {
        const frame = `_w${edges.indexOf(partEdge(item, part, labels.moment))}`
        const sql = `${filtered(part.call, filterOf(item, part.filter, context))} OVER ${frame}`
        const known = calls.indexOf(sql)
        return `${alias}${known < 0 ? calls.push(sql) - 1 : known}`
      }),
    )
  }
  const selected = calls.map((call, i) => `${call} AS ${alias}${i}`)
  const windowed = `SELECT _row, ${selected.join(', ')} FROM (${eventRows} UNION ALL ${labelRows}) WINDOW ${frames.join(', ')}`
  return {
    joins: [`JOIN (SELECT * FROM (${windowed}) WHERE _row IS NOT NULL) ${alias} ON ${alias}._row = _l.${labels.row}`],
    columns: calls.map((_, i) => `${alias}.${alias}${i} AS ${alias}${i}`),
    places,
  }
}

const nothing: Joined = { joins: [], columns: [], places: new Map() }

// --- ranges

function rangeJoin(items: readonly Item[], context: Context): Joined {
  const { name, plan, events, keys, labels } = context
  const mine = items.filter(({ way }) => way === 'range')
  if (mine.length === 0) return nothing
  const edges = edgesOf(mine, labels.moment)
  const since = (i: number): string => `_since${i}`
  const labelRows = `SELECT ${[...keys, labels.moment, `${labels.row} AS _row`, ...edges.map((from, i) => `${from ?? 'NULL'} AS ${since(i)}`)].join(', ')} FROM ${labels.relation}`
  const widest = edges.length === 1 ? since(0) : `least(${edges.map((_, i) => since(i)).join(', ')})`
  const on = [...plan.keyFields.map((_, i) => `_q.${keys[i]} = _e.${key(i)}`), `_e.${visible} <= _q.${labels.moment}`]
  if (!edges.includes(null)) on.push(`_e.${time} >= ${widest}`)

  const alias = `_sx_${name}_r`
  const calls: string[] = []
  const places = new Map<Item, readonly string[]>()
  for (const item of mine) {
    places.set(
      item,
      item.aggregate.parts.map((part) => {
        const from = partEdge(item, part, labels.moment)
        const within = from === null ? [] : [`${time} >= ${since(edges.indexOf(from))}`]
        const sql = filtered(part.call, [...filterOf(item, part.filter, context), ...within])
        const known = calls.indexOf(sql)
        return `${alias}${known < 0 ? calls.push(sql) - 1 : known}`
      }),
    )
  }
  const selected = calls.map((call, i) => `${call} AS ${alias}${i}`)
  const joined = `(${labelRows}) _q LEFT JOIN (SELECT *, true AS _event FROM ${events.all}) _e ON ${on.join(' AND ')}`
  return {
    joins: [
      `JOIN (SELECT _row, ${selected.join(', ')} FROM ${joined} GROUP BY _row) ${alias} ON ${alias}._row = _l.${labels.row}`,
    ],
    columns: calls.map((_, i) => `${alias}.${alias}${i} AS ${alias}${i}`),
    places,
  }
}
