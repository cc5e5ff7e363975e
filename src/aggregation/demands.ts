/**
 * What the aggregates of a view need kept, gathered from one after another, and then laid out: what two of them need alike is kept once.
 */
import type { Node, Scalar } from '../expression/node.ts'
import { typeOf } from '../expression/node.ts'
import { canonicalJson } from '../kernel/hash.ts'
import type { Accumulator } from './accumulator.ts'
import type { Chosen } from './accumulators/chosen.ts'
import { chosen } from './accumulators/chosen.ts'
import type { Argument, Cell, Group, Unit } from './layout.ts'
import type { Window } from './window.ts'

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
export interface PendingUnit {
  readonly demand: Demand
  readonly hopMs: number
  readonly window: Window | null
}
export class Demands {
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

export interface Layout {
  readonly groups: readonly Group[]
  readonly units: readonly Unit[]
  readonly scratchSlots: number
  readonly scratchRich: number
  readonly usesRow: boolean
  unitOf(unit: PendingUnit): number
  chosenOf(unit: PendingUnit): Chosen
}
