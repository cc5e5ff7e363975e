/**
 * The vectors of a batch as one query of Spark's: rows, each with the features of its entities as they were at one instant, aggregated
 * from all history that was visible by then. The relations that it reads are made of files by python/spark_batch.py.
 */

import type { ViewPlan } from '../../aggregation/plan.ts'
import { planOf } from '../../aggregation/plan.ts'
import { constantLag } from '../../aggregation/visibility.ts'
import { leftEdge, windowOf } from '../../aggregation/window.ts'
import type { Batch } from '../../definition/batch.ts'
import { rowKeysOf } from '../../definition/batch.ts'
import { shapesOf } from '../../definition/field.ts'
import { requestOf, viewsOf } from '../../definition/model.ts'
import type { AnyView } from '../../definition/view.ts'
import type { Node } from '../../expression/node.ts'
import { walk } from '../../expression/node.ts'
import { spark, unsupported } from '../../expression/targets/spark/dialect.ts'
import { compile } from '../../expression/targets/sql/compile.ts'
import type { Fragment } from '../../expression/targets/sql/writer.ts'
import { Writer } from '../../expression/targets/sql/writer.ts'
import { durationMs } from '../../kernel/duration.ts'
import { canonicalJson } from '../../kernel/hash.ts'
import type { SparkAggregate } from './aggregates.ts'
import { sparkAggregate } from './aggregates.ts'

const id = spark.identifier
export const rowsRelation = 'sx_rows'
export const sourceRelation = (source: string): string => `sx_source_${source}`
/** What every row has beside its keys and request fields: its partition, its place in there, and the instant where it has its own. */
export const placeColumns = { partition: '_sx_partition', row: '_sx_row', moment: '_sx_moment' } as const

/** The instant as of which features are taken; null where each row has its own. */
export function momentOf({ at, name, model }: Batch, run: number): number | null {
  if (at === 'run') return run
  if ('before' in at) return run - durationMs(at.before)
  const [view] = viewsOf(model.inputs)
  if (view === undefined) return null
  throw unsupported(
    `batch '${name}'`,
    `its rows have an instant each ('${at.column}'), and view '${view[1].name}' is taken as of one`,
  )
}

/** `single`: columns that are wanted as float32. Throws SX_EXPRESSION_UNSUPPORTED, which names what Spark cannot do. */
export function vectorSql(batch: Batch, run: number, single: ReadonlySet<string>): string {
  const { model } = batch
  const moment = momentOf(batch, run)
  const writer = new Writer(spark, '_sx_e')
  const now = writer.atom(moment === null ? placeColumns.moment : spark.literal('timestamp', moment))
  const joined = new Map<string, Joined>()
  for (const [group, view] of viewsOf(model.inputs)) joined.set(group, join(group, view, moment!))

  const base = `(SELECT r.*${[...joined.values()].flatMap(({ columns }) => columns.map((column) => `, ${column}`)).join('')} FROM ${rowsRelation} r ${[...joined.values()].map(({ sql }) => sql).join(' ')})`
  const views = new Map(viewsOf(model.inputs))
  const refer = (leaf: Node): Fragment => {
    if (leaf.kind !== 'input') return now
    const view = views.get(leaf.group)
    if (view === undefined) return writer.atom(id(`${leaf.group}__${leaf.name}`))
    const feature = compile(view.features[leaf.name]!.node, writer, (inner) =>
      inner.kind === 'window' ? joined.get(leaf.group)!.value(writer, inner) : now,
    )
    return writer.once(feature)
  }
  const given = [
    ...Object.entries(rowKeysOf(batch)).map(([name, type]) => ({ name: `keys__${name}`, type })),
    ...shapesOf(requestOf(model.inputs)).map(({ name, type }) => ({ name: `request__${name}`, type })),
  ].map(({ name, type }) => ({
    name,
    // Instants leave as such, and not as integers.
    value:
      type === 'timestamp'
        ? writer.of([writer.atom(id(name))], (ms) => `timestamp_millis(${ms})`)
        : writer.atom(id(name)),
  }))
  const vector = Object.entries(model.vector).map(([entry, node]) => {
    const [name, value] = [`vector__${entry}`, compile(node, writer, refer)]
    return { name, value: single.has(name) ? writer.of([value], (x) => `CAST(${x} AS FLOAT)`) : value }
  })
  return writer.select(base, [placeColumns.partition, placeColumns.row], [...given, ...vector])
}

interface Joined {
  readonly sql: string
  readonly columns: readonly string[]
  value(writer: Writer, window: Node<'window'>): Fragment
}

interface Item {
  readonly aggregate: SparkAggregate
  readonly columns: readonly string[]
  readonly since: number | null
}

/** The parts of a view's aggregates by entity, joined to the rows: what an entity without events has follows from missing parts. */
function join(group: string, view: AnyView, moment: number): Joined {
  const plan = planOf(view)
  const { source, on, entity } = view.basis
  const time = id(source.time)
  const writer = new Writer(spark, '_sx_a')
  const operands = new Map<string, { readonly column: string; readonly value: Fragment }>()
  const operand = (node: Node | null): string | null => {
    if (node === null) return null
    const key = canonicalJson(node)
    const known = operands.get(key)
    if (known !== undefined) return known.column
    const column = `_sx_x${operands.size}`
    operands.set(key, {
      column,
      value: compile(node, writer, (leaf) => writer.atom(id((leaf as Node<'column'>).name))),
    })
    return column
  }

  const calls: string[] = []
  const items = new Map<string, Item>()
  for (const node of windowsOf(view)) {
    const { aggregate } = node
    const [x, where] = [operand(aggregate.of), operand(aggregate.where)]
    const made = sparkAggregate(aggregate, { x, time: '_sx_time', rank: '_sx_rank' }, moment)
    const since = sinceOf(node, plan, moment)
    const conditions = [
      where,
      aggregate.options.skipNulls ? `${x} IS NOT NULL` : null,
      // The last of all that is known, which may be too old then.
      aggregate.function === 'last' || since === null ? null : `_sx_time >= ${since}`,
    ].filter((condition) => condition !== null)
    const filter = conditions.length === 0 ? '' : ` FILTER (WHERE ${conditions.join(' AND ')})`
    const columns = made.parts.map((part) => {
      const call = `${part}${filter}`
      const known = calls.indexOf(call)
      return id(`_sx_${group}_${known < 0 ? calls.push(call) - 1 : known}`)
    })
    items.set(canonicalJson(node), { aggregate: made, columns, since })
  }

  const parts = Object.keys(entity.key).sort()
  const keys = parts.map((part, i) => ({ name: `_sx_k${i}`, value: writer.atom(id(on[part]!)) }))
  const events = writer.select(
    visibleEvents(plan, moment),
    [],
    [
      ...keys,
      { name: '_sx_time', value: writer.atom(time) },
      { name: '_sx_rank', value: writer.atom(`struct(${orderOf(plan).join(', ')})`) },
      ...[...operands.values()].map(({ column, value }) => ({ name: column, value })),
    ],
  )
  const names = calls.map((_, i) => id(`_sx_${group}_${i}`))
  const aggregated = `SELECT ${[...keys.map(({ name }) => id(name)), ...calls.map((call, i) => `${call} AS ${names[i]}`)].join(', ')} FROM (${events}) GROUP BY ${keys.map(({ name }) => id(name)).join(', ')}`
  const alias = id(`_sx_v_${group}`)
  const asked = parts.map((part, i) => `r.${id(`keys__${view.role[part]}`)} = ${alias}.${id(`_sx_k${i}`)}`)
  return {
    sql: `LEFT JOIN (${aggregated}) ${alias} ON ${asked.join(' AND ')}`,
    columns: names,
    value: (outer, window) => {
      const { aggregate, columns, since } = items.get(canonicalJson(window))!
      return aggregate.value(
        outer,
        columns.map((column) => outer.atom(column)),
        aggregate.parts.length === 1 && ['first', 'last'].includes(window.aggregate.function) ? since : null,
      )
    },
  }
}

const windowsOf = (view: AnyView): readonly Node<'window'>[] => [
  ...new Map(
    Object.values(view.features)
      .flatMap(({ node }) => [...walk(node)])
      .filter((node) => node.kind === 'window')
      .map((node) => [canonicalJson(node), node] as const),
  ).values(),
]

/** A time-to-live is an exact window over what is chosen from all that is known. */
function sinceOf(node: Node<'window'>, { view }: ViewPlan, moment: number): number | null {
  const { ttl } = view.basis
  const window = windowOf(node)
  if (window !== null) return leftEdge(moment, window)
  return ttl !== null && ['first', 'last'].includes(node.aggregate.function) ? moment - durationMs(ttl) : null
}

/** Events that are known at the instant, have the view's key, and, of those with one id, were known first. */
function visibleEvents(plan: ViewPlan, moment: number): string {
  const { source, on } = plan.view.basis
  const time = id(source.time)
  const lag = constantLag(plan.visibility)
  const arrival = plan.visibility.arrival === null ? null : id(plan.visibility.arrival)
  const visible = lag !== null ? `${time} + ${lag}` : `greatest(${time} + ${plan.visibility.strictMs}, ${arrival})`
  const instants = [time, ...(arrival === null ? [] : [arrival])].map((column) => `${column} IS NOT NULL`)
  const known = `SELECT *, ${visible} AS _sx_visible FROM ${sourceRelation(source.name)} WHERE ${instants.join(' AND ')} AND ${visible} <= ${moment}`
  const keyed = Object.values(on)
    .map((column) => `${id(column)} IS NOT NULL`)
    .join(' AND ')
  if (source.id === null) return `(SELECT * FROM (${known}) WHERE ${keyed})`
  const column = id(source.id)
  const first = `row_number() OVER (PARTITION BY ${column} ORDER BY _sx_visible, ${orderOf(plan)
    .map((by) => `${by} NULLS FIRST`)
    .join(', ')})`
  return `(SELECT * FROM (SELECT *, ${first} AS _sx_n FROM (${known})) WHERE (_sx_n = 1 OR ${column} IS NULL) AND ${keyed})`
}

/** The total order of events, oldest first; what is missing comes before everything. */
function orderOf({ view, visibility }: ViewPlan): readonly string[] {
  const { source } = view.basis
  const ends = [source.time, visibility.arrival, source.sequence].filter((column) => column !== null)
  const rest = Object.keys(source.fields).filter((column) => !ends.includes(column))
  return [...ends, ...rest].map(id)
}
