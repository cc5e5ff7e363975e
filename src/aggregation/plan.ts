/**
 * A view, made ready to run: what is computed from each event, which accumulators keep it in which tiles, and how a feature is
 * read from them. Made once for a view; everything that touches state (pushes, history, reads) works from the same plan.
 */

import { hashOfDefinition } from '../definition/describe.ts'
import type { FieldShape, FieldType } from '../definition/field.ts'
import { shapesOf } from '../definition/field.ts'
import type { AnyView } from '../definition/view.ts'
import type { Evaluate } from '../expression/functions/spec.ts'
import type { AggregateName, Node, Scalar, Type, Value } from '../expression/node.ts'
import { typeOf, walk } from '../expression/node.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import { unreachable } from '../kernel/assert.ts'
import { durationMs } from '../kernel/duration.ts'
import { canonicalJson } from '../kernel/hash.ts'
import type { Accumulator, Cells } from './accumulator.ts'
import { sumScale } from './accumulator.ts'
import type { Chosen } from './accumulators/chosen.ts'
import { chosen } from './accumulators/chosen.ts'
import { decayed, decayedAt } from './accumulators/decay.ts'
import { floatAt, floatExtreme, integerAt, integerExtreme } from './accumulators/extremes.ts'
import { moments, varianceAt } from './accumulators/moments.ts'
import {
  distinct,
  distinctAt,
  distinctFloats,
  frequent,
  frequentAt,
  quantileAt,
  rounded,
} from './accumulators/sketches.ts'
import { count, floatSum, integerMean, integerSum, integerTotal, trues } from './accumulators/sums.ts'
import type { Visibility } from './visibility.ts'
import { visibilityOf } from './visibility.ts'
import type { Window } from './window.ts'
import { windowOf } from './window.ts'

/** Something computed from every event: an operand or a condition of an aggregate. */
export interface Argument {
  readonly node: Node
  readonly type: Scalar
}

/** An accumulator in its place within a tile. */
export interface Cell {
  readonly accumulator: Accumulator
  /** The condition that an event must meet; an argument. */
  readonly where: number | null
  /** The argument that must not be missing. */
  readonly present: number | null
  /** Where the cell begins in a tile, after the tile's start. */
  readonly f: number
  readonly r: number
}

/** Tiles of one width. The lifetime is a tile of infinite width, the only one of its group. */
export interface Group {
  readonly hopMs: number
  readonly cells: readonly Cell[]
  /** Numbers of a tile, its start included. */
  readonly stride: number
  readonly rich: number
  /** The windows that read the group; of the lifetime none. A tile that no window can reach any more is dropped. */
  readonly windows: readonly Window[]
}

/** A cell over a window: what one fold of tiles comes to. */
export interface Unit {
  readonly group: number
  readonly cell: Cell
  readonly window: Window | null
  /** Its place in the reader's scratch. */
  readonly f: number
  readonly r: number
  readonly needsRich: boolean
}

/** Where the state of a unit is to be found during one read: in scratch, or in the record itself. */
export interface Located {
  cells: Cells
  f: number
  r: number
}

/** The value of a window from its units. `since` is the window's far edge, -Infinity for a lifetime. */
export type WindowValue = (units: readonly Located[], moment: number, since: number) => Value

export interface Reading {
  readonly units: readonly number[]
  /** For the newest events the edge is checked here; every other window was folded within it. */
  readonly window: Window | null
  readonly value: WindowValue
}

export interface ViewPlan {
  readonly view: AnyView
  /** The hash of the whole definition: the identity of the state. */
  readonly hash: string
  readonly visibility: Visibility
  readonly fields: readonly FieldShape[]
  readonly fieldTypes: readonly FieldType[]
  /** The positions in `fields` of the key's parts, in the order of their names. */
  readonly keyFields: readonly number[]
  readonly timeField: number
  readonly arrivalField: number | null
  readonly sequenceField: number | null
  /** Whether events carry their rows as bytes, to break ties. */
  readonly withRow: boolean
  readonly arguments: readonly Argument[]
  readonly evaluate: readonly Evaluate[]
  readonly groups: readonly Group[]
  readonly units: readonly Unit[]
  readonly scratchSlots: number
  readonly scratchRich: number
  readonly readings: readonly Reading[]
  readonly features: readonly PlannedFeature[]
}

export interface PlannedFeature {
  readonly name: string
  readonly type: Type
  /** Over the values of all readings, and the moment after them. */
  readonly evaluate: Evaluate
  /** The readings that it needs. */
  readonly readings: readonly number[]
  /** Whether it is its one reading and nothing more. */
  readonly bare: boolean
}

/** The plan of the whole view, also where `view` is a selection of it. */
export function planOf(view: AnyView): ViewPlan {
  const { source, features, ttl, on } = view.basis
  const fields = shapesOf(source.fields)
  const position = (name: string): number => fields.findIndex((field) => field.name === name)
  const withRow = source.sequence === null
  const demands = new Demands(withRow)

  const windows = new Map<string, number>()
  const readings: PendingReading[] = []
  for (const { node } of Object.values(features))
    for (const part of walk(node)) {
      if (part.kind !== 'window') continue
      const key = canonicalJson(part)
      if (windows.has(key)) continue
      windows.set(key, readings.length)
      readings.push(readingOf(part, ttl === null ? null : durationMs(ttl), demands))
    }

  const layout = demands.layout()
  const row = (leaf: Node): number => (leaf.kind === 'moment' ? readings.length : windows.get(canonicalJson(leaf))!)
  return {
    view,
    hash: hashOfDefinition(view),
    visibility: visibilityOf(source),
    fields,
    fieldTypes: fields.map(({ type }) => type),
    keyFields: Object.keys(view.basis.entity.key)
      .sort()
      .map((part) => position(on[part]!)),
    timeField: position(source.time),
    arrivalField: source.known !== null && 'at' in source.known ? position(source.known.at) : null,
    sequenceField: source.sequence === null ? null : position(source.sequence),
    withRow: withRow && layout.usesRow,
    arguments: demands.arguments,
    evaluate: demands.arguments.map(({ node }) => compile(node, (leaf) => position((leaf as Node<'column'>).name))),
    groups: layout.groups,
    units: layout.units,
    scratchSlots: layout.scratchSlots,
    scratchRich: layout.scratchRich,
    readings: readings.map(({ units, window, value }) => ({
      units: units.map((unit) => layout.unitOf(unit)),
      window,
      value: value(layout),
    })),
    features: Object.entries(features).map(([name, { node }]) => ({
      name,
      type: typeOf(node),
      evaluate: compile(node, row),
      bare: node.kind === 'window',
      readings: [...walk(node)].flatMap((part) => (part.kind === 'window' ? [windows.get(canonicalJson(part))!] : [])),
    })),
  }
}

// --- what each aggregate needs

/** Accumulators that are not laid out yet. Those that choose events are merged with others that choose alike. */
type Demand =
  | {
      readonly kind: 'plain'
      readonly make: () => Accumulator
      readonly where: number | null
      readonly present: number | null
      readonly rich: boolean
    }
  | {
      readonly kind: 'chosen'
      readonly end: 'newest' | 'oldest'
      readonly where: number | null
      readonly present: number | null
      n: number
      readonly values: { readonly argument: number; readonly type: Scalar }[]
    }
interface PendingUnit {
  readonly demand: Demand
  readonly hopMs: number
  readonly window: Window | null
}
interface PendingReading {
  readonly units: readonly PendingUnit[]
  readonly window: Window | null
  readonly value: (layout: Layout) => WindowValue
}

class Demands {
  readonly arguments: Argument[] = []
  readonly #argumentKeys = new Map<string, number>()
  readonly #byHop = new Map<number, Map<string, Demand>>()
  readonly #units: PendingUnit[] = []
  readonly #windows = new Map<number, Map<string, Window>>()
  readonly #withRow: boolean

  constructor(withRow: boolean) {
    this.#withRow = withRow
  }

  argument(node: Node): number {
    const key = canonicalJson(node)
    const known = this.#argumentKeys.get(key)
    if (known !== undefined) return known
    this.#argumentKeys.set(key, this.arguments.length)
    this.arguments.push({ node, type: typeOf(node) as Scalar })
    return this.arguments.length - 1
  }

  plain(
    name: string,
    of: number | null,
    where: number | null,
    window: Window | null,
    make: () => Accumulator,
    rich = false,
  ): PendingUnit {
    const demand: Demand = { kind: 'plain', make, where, present: of, rich }
    return this.#demand(window?.hopMs ?? Number.POSITIVE_INFINITY, `${name} ${of} ${where}`, demand, window)
  }

  /** The newest of all events are also those of any window, so they need no tiles; the oldest of a window do. */
  chosen(
    end: 'newest' | 'oldest',
    of: number,
    where: number | null,
    skipNulls: boolean,
    n: number,
    window: Window | null,
  ): PendingUnit & { readonly which: number } {
    const tiled = end === 'oldest' ? window : null
    const present = skipNulls ? of : null
    const fresh: Demand = { kind: 'chosen', end, where, present, n, values: [] }
    const unit = this.#demand(tiled?.hopMs ?? Number.POSITIVE_INFINITY, `${end} ${where} ${present}`, fresh, tiled)
    const demand = unit.demand as Demand & { kind: 'chosen' }
    demand.n = Math.max(demand.n, n)
    let which = demand.values.findIndex(({ argument }) => argument === of)
    if (which < 0) which = demand.values.push({ argument: of, type: this.arguments[of]!.type }) - 1
    return { ...unit, which }
  }

  #demand(hopMs: number, key: string, fresh: Demand, window: Window | null): PendingUnit {
    const group = this.#byHop.get(hopMs) ?? new Map<string, Demand>()
    this.#byHop.set(hopMs, group)
    const demand = group.get(key) ?? fresh
    group.set(key, demand)
    if (window !== null) {
      const windows = this.#windows.get(hopMs) ?? new Map<string, Window>()
      this.#windows.set(hopMs, windows.set(String(window.lengthMs), window))
    }
    const unit: PendingUnit = { demand, hopMs, window }
    this.#units.push(unit)
    return unit
  }

  layout(): Layout {
    const hops = [...this.#byHop.keys()].sort((a, b) => b - a)
    const cellOf = new Map<Demand, Cell>()
    const groups = hops.map((hopMs): Group => {
      let f = 0
      let r = 0
      const cells = [...this.#byHop.get(hopMs)!.values()].map((demand): Cell => {
        const accumulator =
          demand.kind === 'plain' ? demand.make() : chosen(demand.end, demand.n, demand.values, this.#withRow)
        const cell: Cell = { accumulator, where: demand.where, present: demand.present, f, r }
        f += accumulator.slots
        r += accumulator.rich
        cellOf.set(demand, cell)
        return cell
      })
      return { hopMs, cells, stride: f + 1, rich: r, windows: [...(this.#windows.get(hopMs)?.values() ?? [])] }
    })
    const units: Unit[] = []
    const known = new Map<string, number>()
    let scratchSlots = 0
    let scratchRich = 0
    const demandIds = new Map([...cellOf.keys()].map((demand, i) => [demand, i]))
    const keyOf = ({ demand, window }: PendingUnit): string => `${demandIds.get(demand)} ${window?.lengthMs ?? 'ever'}`
    for (const pending of this.#units) {
      if (known.has(keyOf(pending))) continue
      const cell = cellOf.get(pending.demand)!
      const { demand } = pending
      known.set(keyOf(pending), units.length)
      units.push({
        group: hops.indexOf(pending.hopMs),
        cell,
        window: pending.window,
        f: scratchSlots,
        r: scratchRich,
        needsRich: demand.kind === 'plain' ? demand.rich : demand.values.some(({ type }) => type === 'string'),
      })
      scratchSlots += cell.accumulator.slots
      scratchRich += cell.accumulator.rich
    }
    return {
      groups,
      units,
      scratchSlots,
      scratchRich,
      usesRow: [...cellOf.keys()].some(({ kind }) => kind === 'chosen'),
      unitOf: (pending) => known.get(keyOf(pending))!,
      chosenOf: (pending) => cellOf.get(pending.demand)!.accumulator as Chosen,
    }
  }
}

interface Layout {
  readonly groups: readonly Group[]
  readonly units: readonly Unit[]
  readonly scratchSlots: number
  readonly scratchRich: number
  readonly usesRow: boolean
  unitOf(unit: PendingUnit): number
  chosenOf(unit: PendingUnit): Chosen
}

const choosing: readonly AggregateName[] = ['first', 'last', 'firstN', 'lastN']

/** What a window node needs kept, and how its value is read from that. */
function readingOf(node: Node<'window'>, ttlMs: number | null, demands: Demands): PendingReading {
  const { function: name, of, where, options, type } = node.aggregate
  const declared = windowOf(node)
  // A time-to-live is an exact window over what is chosen from all that is known.
  const window = declared ?? (ttlMs !== null && choosing.includes(name) ? { lengthMs: ttlMs, hopMs: 1 } : null)
  const x = of === null ? null : demands.argument(of)
  const operand = of === null ? null : (typeOf(of) as Scalar)
  const w = where === null ? null : demands.argument(where)
  const one = (unit: PendingUnit, value: (at: Located, moment: number, since: number) => Value): PendingReading => ({
    units: [unit],
    window,
    value: () => (at, moment, since) => value(at[0]!, moment, since),
  })

  switch (name) {
    case 'count':
      return one(
        demands.plain('count', x, w, window, () => count),
        ({ cells, f }) => cells.flat[f]!,
      )
    case 'sum':
      return operand === 'int64'
        ? one(
            demands.plain('integerSum', x, w, window, () => integerSum(x!)),
            ({ cells, f }) => integerTotal(cells, f),
          )
        : one(
            demands.plain('floatSum', x, w, window, () => floatSum(x!)),
            ({ cells, f }) => finite(cells.flat[f]! / sumScale),
          )
    case 'mean': {
      const counted = demands.plain('count', x, w, window, () => count)
      if (operand === 'float64')
        return {
          units: [demands.plain('floatSum', x, w, window, () => floatSum(x!)), counted],
          window,
          value: () => (at) => finite(slot(at[0]!) / slot(at[1]!) / sumScale),
        }
      if (operand === 'boolean')
        return {
          units: [demands.plain('trues', x, w, window, () => trues(x!)), counted],
          window,
          value: () => (at) => finite(slot(at[0]!) / slot(at[1]!)),
        }
      return {
        units: [demands.plain('integerSum', x, w, window, () => integerSum(x!)), counted],
        window,
        value: () => (at) => integerMean(at[0]!.cells, at[0]!.f, slot(at[1]!)),
      }
    }
    case 'min':
    case 'max':
      return operand === 'int64'
        ? one(
            demands.plain(`integer ${name}`, x, w, window, () => integerExtreme(name, x!)),
            ({ cells, f }) => integerAt(cells, f),
          )
        : one(
            demands.plain(`float ${name}`, x, w, window, () => floatExtreme(name, x!)),
            ({ cells, f }) => floatAt(cells, f),
          )
    case 'variance':
    case 'stddev': {
      const root = name === 'stddev'
      return one(
        demands.plain('moments', x, w, window, () => moments(x!)),
        ({ cells, f }) => {
          const variance = varianceAt(cells, f)
          return variance === null || !root ? variance : Math.sqrt(variance as number)
        },
      )
    }
    case 'distinct':
      return one(
        demands.plain(
          'distinct',
          x,
          w,
          window,
          () => (operand === 'float64' ? distinctFloats(x!) : distinct(x!)),
          true,
        ),
        ({ cells, r }) => distinctAt(cells, r),
      )
    case 'quantile':
      return one(
        demands.plain('rounded', x, w, window, () => rounded(x!), true),
        ({ cells, r }) => quantileAt(cells, r, options.q!),
      )
    case 'topN':
      return one(
        demands.plain('frequent', x, w, window, () => frequent(x!), true),
        ({ cells, r }) => frequentAt(cells, r, options.n!, type),
      )
    case 'decayedSum':
    case 'decayedCount': {
      const halfLifeMs = durationMs(options.halfLife!)
      const empty = name === 'decayedCount' ? 0 : null
      return one(
        demands.plain(`decayed ${halfLifeMs}`, x, w, window, () => decayed(halfLifeMs, x)),
        ({ cells, f }, moment) => decayedAt(cells, f, halfLifeMs, moment) ?? empty,
      )
    }
    case 'first':
    case 'last': {
      const unit = demands.chosen(name === 'last' ? 'newest' : 'oldest', x!, w, options.skipNulls === true, 1, window)
      return {
        units: [unit],
        window,
        value: (layout) => {
          const accumulator = layout.chosenOf(unit)
          return (places, _moment, since) => {
            const { cells, f, r } = places[0]!
            return accumulator.value(cells, f, r, unit.which, since) ?? null
          }
        },
      }
    }
    case 'firstN':
    case 'lastN': {
      const n = options.n!
      const unit = demands.chosen(name === 'lastN' ? 'newest' : 'oldest', x!, w, options.skipNulls === true, n, window)
      return {
        units: [unit],
        window,
        value: (layout) => {
          const accumulator = layout.chosenOf(unit)
          return (places, _moment, since) => {
            const { cells, f, r } = places[0]!
            const values = accumulator.values(cells, f, r, unit.which, since, n)
            return values.length === 0 ? null : values
          }
        },
      }
    }
    default:
      return unreachable(name)
  }
}

const slot = ({ cells, f }: Located): number => cells.flat[f]!
const finite = (value: number): Value => (value - value === 0 ? value + 0 : null)
