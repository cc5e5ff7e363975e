/**
 * What is kept for one entity of one view: tiles of sums, and the events that cannot be summed yet. A tile can never give back an
 * event it has taken in, so an event enters its tiles only when no question will be asked about an instant at which it
 * was not yet visible; until then it waits, whole. `settled` is the newest instant of visibility of all that is in tiles, and not
 * before the last instant for which tiles were dropped: the state answers exactly for every instant from there on, and refuses
 * those before.
 */

import { ByteReader, ByteWriter, corrupt } from '../kernel/bytes.ts'
import type { Limits } from '../kernel/limits.ts'
import type { Cells, Rich } from './accumulator.ts'
import type { Argument, Cell, Group } from './layout.ts'
import type { Event, RowBytes } from './order.ts'
import { fromHighLow, highOf, lowOf } from './order.ts'
import type { ViewPlan } from './plan.ts'
import { floorTo, leftEdge } from './window.ts'
import { readRich, writeRich } from './wire.ts'

/** Tiles of one group, in order of their start. Tile i begins at `base + i * stride`, with its start. */
export interface Tiles {
  flat: Float64Array
  base: number
  count: number
  rich: Rich[]
  richBase: number
}

const format = 1
/** format, settled, newest, number of events waiting; then the number of tiles of each group. */
const headerSlots = 4

export interface EntityState {
  settled: number
  /** The time of the newest event in tiles; -Infinity when there is none. */
  newest: number
  readonly tiles: Tiles[]
  /** In order of visibility. */
  waiting: Event[]
}

export const emptyState = (plan: ViewPlan): EntityState => ({
  settled: Number.NEGATIVE_INFINITY,
  newest: Number.NEGATIVE_INFINITY,
  tiles: plan.groups.map(() => ({ flat: new Float64Array(0), base: 0, count: 0, rich: [], richBase: 0 })),
  waiting: [],
})

// --- events in

/**
 * Takes events in at the instant `now`. Those visible for longer than `skewMs` go into tiles, the rest waits.
 */
export function apply(state: EntityState, plan: ViewPlan, events: readonly Event[], now: number, limits: Limits): void {
  for (const event of events) wait(state, event)
  settle(state, plan, now - limits.skewMs)
  let visible = 0
  while (visible < state.waiting.length && state.waiting[visible]!.visible <= now) visible++
  // More than the window of clock skew should hold: sum up the oldest, and answer for fewer past instants.
  if (visible > limits.unsettledEvents)
    settle(state, plan, state.waiting[visible - limits.unsettledEvents - 1]!.visible)
  expire(state, plan, now - limits.skewMs)
}

function wait(state: EntityState, event: Event): void {
  const { waiting } = state
  let at = waiting.length
  while (at > 0 && waiting[at - 1]!.visible > event.visible) at--
  if (at === waiting.length) waiting.push(event)
  else waiting.splice(at, 0, event)
}

/** Moves all events visible by then into tiles. */
function settle(state: EntityState, plan: ViewPlan, through: number): void {
  const { waiting } = state
  let due = 0
  while (due < waiting.length && waiting[due]!.visible <= through) due++
  if (due === 0) return
  for (const event of waiting.splice(0, due)) addToTiles(state, plan, event)
}

/** An event that every later question will see. */
export function addToTiles(state: EntityState, plan: ViewPlan, event: Event): void {
  plan.groups.forEach((group, g) => {
    const tiles = state.tiles[g]!
    const base = tileFor(tiles, group, group.hopMs === Number.POSITIVE_INFINITY ? 0 : floorTo(event.time, group.hopMs))
    const cells: Cells = tiles
    for (const cell of group.cells)
      if (accepts(cell, event))
        cell.accumulator.add(
          cells,
          tiles.base + base * group.stride + 1 + cell.f,
          tiles.richBase + base * group.rich + cell.r,
          event,
        )
  })
  if (event.visible > state.settled) state.settled = event.visible
  if (event.time > state.newest) state.newest = event.time
}

export const accepts = ({ where, present }: Cell, { args }: Event): boolean =>
  (where === null || args[where] === true) && (present === null || args[present] !== null)

/** The number of the tile that begins at `start`; made if there is none. */
function tileFor(tiles: Tiles, group: Group, start: number): number {
  const { stride, rich, cells } = group
  const startOf = (i: number): number => tiles.flat[tiles.base + i * stride]!
  if (tiles.count > 0 && startOf(tiles.count - 1) === start) return tiles.count - 1
  const place = firstFrom(tiles, stride, start)
  if (place < tiles.count && startOf(place) === start) return place

  const needed = (tiles.count + 1) * stride
  if (tiles.base !== 0 || tiles.flat.length < needed) {
    const grown = new Float64Array(Math.max(needed, Math.min(needed * 2, needed + 64 * stride)))
    grown.set(tiles.flat.subarray(tiles.base, tiles.base + tiles.count * stride))
    tiles.rich = tiles.rich.slice(tiles.richBase, tiles.richBase + tiles.count * rich)
    tiles.flat = grown
    tiles.base = 0
    tiles.richBase = 0
  }
  tiles.flat.copyWithin((place + 1) * stride, place * stride, tiles.count * stride)
  tiles.rich.splice(place * rich, 0, ...new Array<Rich>(rich).fill(null))
  tiles.count++
  tiles.flat[place * stride] = start
  for (const { accumulator, f, r } of cells) accumulator.clear(tiles, place * stride + 1 + f, place * rich + r)
  return place
}

/** The first tile that begins at or after an instant. */
export function firstFrom({ flat, base, count }: Tiles, stride: number, start: number): number {
  // The widest window of a group reaches to its first tile: older ones have been dropped.
  if (count > 0 && flat[base]! >= start) return 0
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (flat[base + middle * stride]! < start) low = middle + 1
    else high = middle
  }
  return low
}

/** Drops tiles that no window of a question from `moment` on can reach; questions from before are refused from then on. */
export function expire(state: EntityState, plan: ViewPlan, moment: number): void {
  plan.groups.forEach(({ windows, stride, rich }, g) => {
    if (windows.length === 0) return
    const tiles = state.tiles[g]!
    const dropped = firstFrom(tiles, stride, Math.min(...windows.map((window) => leftEdge(moment, window))))
    tiles.base += dropped * stride
    tiles.richBase += dropped * rich
    tiles.count -= dropped
    if (dropped > 0 && moment > state.settled) state.settled = moment
  })
}

// --- bytes

const writer = new ByteWriter()

export function encode(state: EntityState, plan: ViewPlan): Uint8Array {
  writer.reset()
  writer.float(format)
  writer.float(state.settled)
  writer.float(state.newest)
  writer.float(state.waiting.length)
  for (const { count } of state.tiles) writer.float(count)
  for (const [g, { flat, base, count }] of state.tiles.entries())
    writer.floats(flat.subarray(base, base + count * plan.groups[g]!.stride))
  for (const event of state.waiting) writeWaiting(event, plan)
  state.tiles.forEach(({ rich, richBase, count }, g) => {
    const total = count * plan.groups[g]!.rich
    for (let i = 0; i < total; i++) writeRich(writer, rich[richBase + i]!)
  })
  for (const { row, args } of state.waiting) {
    if (plan.withRow) writeRich(writer, row)
    for (let i = 0; i < args.length; i++)
      if (plan.arguments[i]!.type === 'string') writeRich(writer, args[i] as string | null)
  }
  return writer.take()
}

function writeWaiting({ visible, time, arrival, sequence, args }: Event, plan: ViewPlan): void {
  for (const number of [visible, time, arrival, highOf(sequence), lowOf(sequence)]) writer.float(number)
  plan.arguments.forEach(({ type }, i) => {
    const value = args[i]!
    if (type === 'string') return
    if (type === 'int64') {
      writer.float(value === null ? Number.NaN : highOf(value as number | bigint))
      writer.float(value === null ? 0 : lowOf(value as number | bigint))
    } else writer.float(value === null ? Number.NaN : Number(value))
  })
}

const waitingSlots = (args: readonly Argument[]): number =>
  args.reduce((slots, { type }) => slots + (type === 'string' ? 0 : type === 'int64' ? 2 : 1), 5)

/**
 * A state over the bytes themselves where they are aligned, else over a copy of them. With `rich` false the rich values are left
 * undecoded, for plans whose readings need none; such a state is only read, and only when nothing waits.
 */
export function decode(bytes: Uint8Array, plan: ViewPlan, rich: boolean): EntityState {
  const state = emptyState(plan)
  load(state, bytes, plan, rich)
  return state
}

/** As `decode`, into a state that is there already: a reader loads record after record into one. */
export function load(state: EntityState, bytes: Uint8Array, plan: ViewPlan, rich: boolean): void {
  const { groups } = plan
  const slots = bytes.byteLength >>> 3
  const flat = floatsOf(bytes, slots)
  if (slots < headerSlots || flat[0] !== format) throw corrupt('its format is unknown')
  state.settled = flat[1]!
  state.newest = flat[2]!
  if (state.waiting.length > 0) state.waiting = []
  const waitingCount = flat[3]!
  let at = headerSlots + groups.length
  for (let g = 0; g < groups.length; g++) {
    const tiles = state.tiles[g]!
    tiles.flat = flat
    tiles.base = at
    tiles.count = flat[headerSlots + g]!
    tiles.richBase = 0
    if (tiles.rich.length > 0) tiles.rich = []
    at += tiles.count * groups[g]!.stride
  }
  const waitingAt = at
  if (waitingCount > 0) at += waitingCount * waitingSlots(plan.arguments)
  if (!(at <= slots)) throw corrupt('it ends too early')
  if (!rich && waitingCount === 0) return

  const from = new ByteReader(bytes, at * 8)
  for (let g = 0; g < groups.length; g++) {
    const { rich, count } = state.tiles[g]!
    for (let i = count * groups[g]!.rich; i > 0; i--) rich.push(readRich(from))
  }
  for (let i = 0, f = waitingAt; i < waitingCount; i++, f += waitingSlots(plan.arguments))
    state.waiting.push(readWaiting(flat, f, from, plan))
}

function readWaiting(flat: Float64Array, start: number, from: ByteReader, plan: ViewPlan): Event {
  let f = start + 5
  const row = plan.withRow ? (readRich(from) as RowBytes) : null
  const args = plan.arguments.map(({ type }) => {
    if (type === 'string') return readRich(from) as string | null
    const number = flat[f++]!
    const low = type === 'int64' ? flat[f++]! : 0
    if (Number.isNaN(number)) return null
    return type === 'int64' ? fromHighLow(number, low) : type === 'boolean' ? number === 1 : number
  })
  const high = flat[start + 3]!
  return {
    visible: flat[start]!,
    time: flat[start + 1]!,
    arrival: flat[start + 2]!,
    sequence: high === Number.NEGATIVE_INFINITY ? null : fromHighLow(high, flat[start + 4]!),
    row,
    args,
  }
}

let lastBytes: ArrayBufferLike | null = null
let lastOffset = 0
let lastFloats: Float64Array = new Float64Array(0)

/** The numbers at the head of the bytes, and perhaps more behind them: a store reads all its values into the same memory. */
function floatsOf(bytes: Uint8Array, slots: number): Float64Array {
  const { buffer, byteOffset } = bytes
  if (buffer === lastBytes && byteOffset === lastOffset && slots <= lastFloats.length) return lastFloats
  if (byteOffset % 8 !== 0) {
    const copy = new Uint8Array(slots * 8)
    copy.set(bytes.subarray(0, slots * 8))
    return new Float64Array(copy.buffer)
  }
  lastBytes = buffer
  lastOffset = byteOffset
  lastFloats = new Float64Array(buffer, byteOffset, (buffer.byteLength - byteOffset) >>> 3)
  return lastFloats
}
