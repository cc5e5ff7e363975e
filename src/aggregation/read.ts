/** Features of one entity at one moment, from its record: a fold over the tiles of each window, then the features' expressions. */
import type { Value } from '../expression/node.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Cells, Rich } from './accumulator.ts'
import type { Event } from './order.ts'
import type { Located, ViewPlan } from './plan.ts'
import type { EntityState } from './state.ts'
import { accepts, decode, emptyState, firstFrom } from './state.ts'
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
  const { groups } = plan
  const features = names.map((name) => plan.features.find((feature) => feature.name === name)!)
  // Only what these features need is folded; a reading keeps its place in the row, where the compiled expressions look for it.
  const readings = [...new Set(features.flatMap((feature) => feature.readings))].map((at) => ({
    at,
    ...plan.readings[at]!,
  }))
  const needed = [...new Set(readings.flatMap((reading) => reading.units))]
  const units = needed.map((unit) => plan.units[unit]!)
  const scratch: Cells = {
    flat: new Float64Array(plan.scratchSlots),
    rich: new Array<Rich>(plan.scratchRich).fill(null),
  }
  const located: Located[] = units.map(({ f, r }) => ({ cells: scratch, f, r }))
  const placesOf = readings.map((reading) => reading.units.map((unit) => located[needed.indexOf(unit)]!))
  const needsRich = units.some((unit) => unit.needsRich)
  const row: Value[] = new Array<Value>(plan.readings.length + 1).fill(null)
  const nothing = emptyState(plan)

  const foldUnit = (u: number, state: EntityState, visible: readonly Event[], moment: number): void => {
    const { group, cell, window, f, r } = units[u]!
    const { accumulator } = cell
    const { stride, rich } = groups[group]!
    const tiles = state.tiles[group]!
    const place = located[u]!
    if (window === null && visible.length === 0 && tiles.count === 1) {
      // A lifetime is one tile: read where it lies.
      place.cells = tiles
      place.f = tiles.base + 1 + cell.f
      place.r = tiles.richBase + cell.r
      return
    }
    place.cells = scratch
    place.f = f
    place.r = r
    accumulator.clear(scratch, f, r)
    const since = window === null ? Number.NEGATIVE_INFINITY : leftEdge(moment, window)
    const first = window === null ? 0 : firstFrom(tiles, stride, since)
    if (first < tiles.count)
      accumulator.merge(
        scratch,
        f,
        r,
        tiles,
        tiles.base + first * stride + 1 + cell.f,
        tiles.richBase + first * rich + cell.r,
        stride,
        rich,
        tiles.count - first,
      )
    for (const event of visible) if (event.time >= since && accepts(cell, event)) accumulator.add(scratch, f, r, event)
  }

  return {
    plan,
    width: features.length,
    read: (bytes, moment, into, at) => {
      const state = bytes === null ? nothing : decode(bytes, plan, needsRich)
      if (state.settled > moment) throw past(plan, moment, state.settled)
      const visible = visibleAt(state.waiting, moment)
      let newest = state.newest
      for (const { time } of visible) if (time > newest) newest = time
      for (let u = 0; u < units.length; u++) foldUnit(u, state, visible, moment)
      for (let i = 0; i < readings.length; i++) {
        const { at: place, window, value } = readings[i]!
        row[place] = value(placesOf[i]!, moment, window === null ? Number.NEGATIVE_INFINITY : leftEdge(moment, window))
      }
      row[plan.readings.length] = moment
      for (let i = 0; i < features.length; i++) into[at + i] = features[i]!.evaluate(row)
      return newest === Number.NEGATIVE_INFINITY ? Number.NaN : newest
    },
  }
}

const past = (plan: ViewPlan, moment: number, settled: number): SixfoldError =>
  new SixfoldError(
    'SX_INSTANT_PAST',
    `View '${plan.view.name}' was asked about ${formatInstant(moment)}, but has summed up events that became visible at ${formatInstant(settled)}.`,
  )

const none: readonly Event[] = []
/** Waiting events are in order of visibility. */
function visibleAt(waiting: readonly Event[], moment: number): readonly Event[] {
  if (waiting.length === 0 || waiting[0]!.visible > moment) return none
  const end = waiting.findIndex(({ visible }) => visible > moment)
  return end < 0 ? waiting : waiting.slice(0, end)
}
