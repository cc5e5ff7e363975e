/**
 * Mergeable aggregation: `add` takes one event in, `merge` takes in what others have added, and both in any order come to the
 * same (for float sums: within their bound). So a tile, a window, a lifetime and a replay are one thing.
 *
 * State lies in two places. `flat` holds numbers, so that a stored record is read where it lies, without decoding; `rich`
 * holds what has no fixed size (strings, sets, maps). An accumulator owns `slots` numbers from position f and `rich` values
 * from position r, and knows nothing of what lies around them.
 */
import type { Value } from '../expression/node.ts'
import type { Event, RowBytes } from './order.ts'

/** Null until something was added. */
export type Rich = null | string | RowBytes | readonly number[] | ReadonlyMap<Value, number>

export interface Cells {
  flat: Float64Array
  rich: Rich[]
}

export interface Accumulator {
  readonly slots: number
  readonly rich: number
  clear(into: Cells, f: number, r: number): void
  /** The event has passed the filter; `event.args` holds its values. */
  add(into: Cells, f: number, r: number, event: Event): void
  /** Takes in `count` states that lie `strideF` and `strideR` apart. */
  merge(
    into: Cells,
    f: number,
    r: number,
    from: Cells,
    fromF: number,
    fromR: number,
    strideF: number,
    strideR: number,
    count: number,
  ): void
}

/** The value of an argument as a float: of an int64 the nearest one, of a condition 1 or 0. */
export const asFloat = (value: Value): number => (typeof value === 'number' ? value : Number(value))

/**
 * Float sums are kept at this scale, so that a running total may leave the range of float64 and come back. Scaling by a power
 * of two changes no digit of any number above 2^-958.
 */
export const sumScale: number = 2 ** -64
