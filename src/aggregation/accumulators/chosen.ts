/**
 * The newest or the oldest n events, with the values wanted of them: first, last, firstN and lastN. One accumulator serves all
 * features that choose by the same filter, whatever their windows: of the newest n of all events, those within a window are
 * the newest n of that window, as far as there are any.
 *
 * Slots: how many, then for each event its time, arrival, sequence (high, low) and values. Rich: for each event its row, where
 * ties need it, and its strings.
 */
import type { Scalar, Value } from '../../expression/node.ts'
import type { Int64 } from '../../kernel/int64.ts'
import type { Accumulator, Cells, Rich } from '../accumulator.ts'
import type { Event, RowBytes } from '../order.ts'
import { compareBytes, fromHighLow, highOf, lowOf } from '../order.ts'

export interface ChosenValue {
  /** Which argument of the plan. */
  readonly argument: number
  readonly type: Scalar
}

export interface Chosen extends Accumulator {
  /** Value number `which` of the events that happened at or after `since`, nearest end first. */
  values(cells: Cells, f: number, r: number, which: number, since: number, atMost: number): readonly Value[]
  /** The same of the single nearest event; undefined if there is none. */
  value(cells: Cells, f: number, r: number, which: number, since: number): Value | undefined
}

const timeAt = 0
const arrivalAt = 1
const highAt = 2
const lowAt = 3
const valuesAt = 4

export function chosen(end: 'newest' | 'oldest', n: number, wanted: readonly ChosenValue[], withRow: boolean): Chosen {
  const sign = end === 'newest' ? 1 : -1
  const layout = layoutOf(wanted, withRow)
  const { width, richWidth } = layout

  /** Above zero if the event at (from, g, q) comes nearer to the end than the one at (cells, f, r). */
  const nearer = (from: Cells, g: number, q: number, cells: Cells, f: number, r: number): number => {
    const [a, b] = [from.flat, cells.flat]
    for (let i = 0; i < valuesAt; i++) {
      // Not a difference: two missing sequences are both -Infinity.
      if (a[g + i]! > b[f + i]!) return sign
      if (a[g + i]! < b[f + i]!) return -sign
    }
    return withRow ? sign * compareBytes((from.rich[q] as RowBytes).bytes, (cells.rich[r] as RowBytes).bytes) : 0
  }
  const copy = (to: Cells, f: number, r: number, from: Cells, g: number, q: number): void => {
    for (let i = 0; i < width; i++) to.flat[f + i] = from.flat[g + i]!
    for (let i = 0; i < richWidth; i++) to.rich[r + i] = from.rich[q + i]!
  }
  /** Kept sorted, nearest first; there are few. */
  const insert = (cells: Cells, f: number, r: number, from: Cells, g: number, q: number): void => {
    const held = cells.flat[f]!
    let place = held
    while (place > 0 && nearer(from, g, q, cells, f + 1 + (place - 1) * width, r + (place - 1) * richWidth) > 0) place--
    if (place === n) return
    for (let i = Math.min(held, n - 1); i > place; i--)
      copy(cells, f + 1 + i * width, r + i * richWidth, cells, f + 1 + (i - 1) * width, r + (i - 1) * richWidth)
    copy(cells, f + 1 + place * width, r + place * richWidth, from, g, q)
    cells.flat[f] = Math.min(held + 1, n)
  }
  const single: Cells = { flat: new Float64Array(width), rich: new Array<Rich>(richWidth).fill(null) }

  const read = ({ flat, rich }: Cells, f: number, r: number, which: number): Value => {
    const { slot, richSlot, type } = layout.values[which]!
    if (type === 'string') return rich[r + richSlot] as string | null
    const number = flat[f + slot]!
    if (Number.isNaN(number)) return null
    return type === 'int64' ? fromHighLow(number, flat[f + slot + 1]!) : type === 'boolean' ? number === 1 : number
  }

  return {
    slots: 1 + n * width,
    rich: n * richWidth,
    clear: ({ flat, rich }, f, r) => {
      flat.fill(0, f, f + 1 + n * width)
      rich.fill(null, r, r + n * richWidth)
    },
    add: (cells, f, r, event) => {
      layout.write(single, event)
      insert(cells, f, r, single, 0, 0)
    },
    merge: (cells, f, r, from, g, q, strideF, strideR, count) => {
      for (let i = 0; i < count; i++, g += strideF, q += strideR) {
        const held = from.flat[g]!
        for (let k = 0; k < held; k++) insert(cells, f, r, from, g + 1 + k * width, q + k * richWidth)
      }
    },
    values: (cells, f, r, which, since, atMost) => {
      const found: Value[] = []
      const held = cells.flat[f]!
      for (let k = 0; k < held && found.length < atMost; k++)
        if (cells.flat[f + 1 + k * width + timeAt]! >= since)
          found.push(read(cells, f + 1 + k * width, r + k * richWidth, which))
      return found
    },
    value: (cells, f, r, which, since) =>
      cells.flat[f]! > 0 && cells.flat[f + 1 + timeAt]! >= since ? read(cells, f + 1, r, which) : undefined,
  }
}

interface Layout {
  readonly width: number
  readonly richWidth: number
  readonly values: readonly { readonly slot: number; readonly richSlot: number; readonly type: Scalar }[]
  write(to: Cells, event: Event): void
}

function layoutOf(wanted: readonly ChosenValue[], withRow: boolean): Layout {
  let width = valuesAt
  let richWidth = withRow ? 1 : 0
  const values = wanted.map(({ argument, type }) => {
    const place = { argument, slot: width, richSlot: richWidth, type }
    if (type === 'string') richWidth++
    else width += type === 'int64' ? 2 : 1
    return place
  })
  return {
    width,
    richWidth,
    values,
    write: ({ flat, rich }, { time, arrival, sequence, row, args }) => {
      flat[timeAt] = time
      flat[arrivalAt] = arrival
      flat[highAt] = highOf(sequence)
      flat[lowAt] = lowOf(sequence)
      if (withRow) rich[0] = row
      for (const { argument, slot, richSlot, type } of values) {
        const value = args[argument]!
        if (type === 'string') rich[richSlot] = value as string | null
        else if (value === null) flat[slot] = Number.NaN
        else if (type === 'int64') {
          flat[slot] = highOf(value as Int64)
          flat[slot + 1] = lowOf(value as Int64)
        } else flat[slot] = Number(value)
      }
    },
  }
}
