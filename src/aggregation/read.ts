/** Features of one entity at one moment, from its record: a fold over the tiles of each window, then the features' expressions. */
import type { Value } from '../expression/node.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Accumulator, Cells, Rich } from './accumulator.ts'
import type { Cell, Located } from './layout.ts'
import type { Event } from './order.ts'
import type { ViewPlan } from './plan.ts'
import type { EntityState } from './state.ts'
import { accepts, emptyState, firstFrom, load } from './state.ts'
import type { Window } from './window.ts'
import { leftEdge } from './window.ts'

export interface ViewReader {
  readonly plan: ViewPlan
  /** How many values a read writes. */
  readonly width: number
  /**
   * Writes the features, in the order asked for, to `into` from position `at`; gives the time of the newest event seen, NaN if none
   * was. `bytes` is the entity's record, null if it has none.
   * Throws SX_INSTANT_PAST for a moment before what the record has summed up.
   */
  read(bytes: Uint8Array | null, moment: number, into: Value[], at: number): number
}

/**
 * Reads these features of the view, by default all. Owns scratch memory, so that a read allocates next to nothing: it is not to
 * be called from within itself.
 */
export function viewReader(
  plan: ViewPlan,
  names: readonly string[] = plan.features.map(({ name }) => name),
): ViewReader {
  const features = names.map((name) => plan.features.find((feature) => feature.name === name)!)
  // Only what these features need is folded; a reading keeps its place in the row, where the compiled expressions look for it.
  const needed = [...new Set(features.flatMap((feature) => feature.readings))]
  const units = [...new Set(needed.flatMap((reading) => plan.readings[reading]!.units))]
  const scratch: Cells = {
    flat: new Float64Array(plan.scratchSlots),
    rich: new Array<Rich>(plan.scratchRich).fill(null),
  }
  const windows: Window[] = []
  const edgeOf = (window: Window | null): number => {
    if (window === null) return lifetime
    const known = windows.findIndex(({ lengthMs, hopMs }) => lengthMs === window.lengthMs && hopMs === window.hopMs)
    return known < 0 ? windows.push(window) - 1 : known
  }
  const located = new Map(units.map((unit): [number, Located] => [unit, { cells: scratch, f: 0, r: 0 }]))
  const folds: Fold[] = []
  for (const unit of units) {
    const { group, cell, window, f, r } = plan.units[unit]!
    const edge = edgeOf(window)
    let fold = folds.find((other) => other.group === group && other.edge === edge)
    if (fold === undefined) {
      const { stride, rich } = plan.groups[group]!
      fold = { group, edge, stride, rich, parts: [] }
      folds.push(fold)
    }
    fold.parts.push({ cell, accumulator: cell.accumulator, f, r, at: located.get(unit)! })
  }
  const readings = needed.map((reading) => {
    const { units, window, value } = plan.readings[reading]!
    return { reading, value, places: units.map((unit) => located.get(unit)!), edge: edgeOf(window) }
  })
  const placed = features.map((feature, place) => ({ ...feature, place }))
  // Most features are a window's value as it is.
  const bare = placed
    .filter((feature) => feature.bare)
    .map(({ readings: [reading], place }) => ({ reading: reading!, place }))
  const derived = placed.filter((feature) => !feature.bare).map(({ evaluate, place }) => ({ evaluate, place }))
  const edges = new Float64Array(windows.length)
  // Questions of one millisecond share them.
  let edgesOf = Number.NaN
  const sinceOf = (edge: number): number => (edge === lifetime ? Number.NEGATIVE_INFINITY : edges[edge]!)
  const needsRich = units.some((unit) => plan.units[unit]!.needsRich)
  const row: Value[] = new Array<Value>(plan.readings.length + 1).fill(null)
  const nothing = emptyState(plan)
  const loaded = emptyState(plan)

  const fold = ({ group, edge, stride, rich, parts }: Fold, state: EntityState, visible: readonly Event[]): void => {
    const tiles = state.tiles[group]!
    const { count } = tiles
    if (edge === lifetime && count === 1 && visible.length === 0) {
      // A lifetime is one tile: read where it lies.
      for (let i = 0; i < parts.length; i++) {
        const { cell, at } = parts[i]!
        at.cells = tiles
        at.f = tiles.base + 1 + cell.f
        at.r = tiles.richBase + cell.r
      }
      return
    }
    const since = sinceOf(edge)
    const first = edge === lifetime ? 0 : firstFrom(tiles, stride, since)
    const base = tiles.base + first * stride + 1
    const richBase = tiles.richBase + first * rich
    for (let i = 0; i < parts.length; i++) {
      const { accumulator, cell, f, r, at } = parts[i]!
      at.cells = scratch
      at.f = f
      at.r = r
      if (count - first === 1 && visible.length === 0) {
        // A single tile is read where it lies.
        at.cells = tiles
        at.f = base + cell.f
        at.r = richBase + cell.r
        continue
      }
      accumulator.clear(scratch, f, r)
      if (first < count)
        accumulator.merge(scratch, f, r, tiles, base + cell.f, richBase + cell.r, stride, rich, count - first)
      for (let e = 0; e < visible.length; e++) {
        const event = visible[e]!
        if (event.time >= since && accepts(cell, event)) accumulator.add(scratch, f, r, event)
      }
    }
  }

  return {
    plan,
    width: features.length,
    read: (bytes, moment, into, at) => {
      const state = bytes === null ? nothing : loaded
      if (bytes !== null) load(loaded, bytes, plan, needsRich)
      if (state.settled > moment) throw past(plan, moment, state.settled)
      const visible = visibleAt(state.waiting, moment)
      let newest = state.newest
      for (let i = 0; i < visible.length; i++) if (visible[i]!.time > newest) newest = visible[i]!.time
      if (moment !== edgesOf) {
        for (let i = 0; i < windows.length; i++) edges[i] = leftEdge(moment, windows[i]!)
        edgesOf = moment
      }
      for (let i = 0; i < folds.length; i++) fold(folds[i]!, state, visible)
      for (let i = 0; i < readings.length; i++) {
        const { reading, value, places, edge } = readings[i]!
        row[reading] = value(places, moment, sinceOf(edge))
      }
      row[plan.readings.length] = moment
      for (let i = 0; i < bare.length; i++) into[at + bare[i]!.place] = row[bare[i]!.reading]!
      for (let i = 0; i < derived.length; i++) into[at + derived[i]!.place] = derived[i]!.evaluate(row)
      return newest === Number.NEGATIVE_INFINITY ? Number.NaN : newest
    },
  }
}

/** In place of a window's number: no window. */
const lifetime = -1

/** Units that fold the same tiles. */
interface Fold {
  readonly group: number
  readonly edge: number
  readonly stride: number
  readonly rich: number
  readonly parts: {
    readonly cell: Cell
    readonly accumulator: Accumulator
    readonly f: number
    readonly r: number
    readonly at: Located
  }[]
}

const past = (plan: ViewPlan, moment: number, settled: number): SixfoldError =>
  new SixfoldError(
    'SX_INSTANT_PAST',
    `View '${plan.view.name}' was asked about ${formatInstant(moment)}, but has summed up, or dropped, what is needed for instants before ${formatInstant(settled)}.`,
  )

const none: readonly Event[] = []
/** Waiting events are in order of visibility. */
function visibleAt(waiting: readonly Event[], moment: number): readonly Event[] {
  if (waiting.length === 0 || waiting[0]!.visible > moment) return none
  const end = waiting.findIndex(({ visible }) => visible > moment)
  return end < 0 ? waiting : waiting.slice(0, end)
}
