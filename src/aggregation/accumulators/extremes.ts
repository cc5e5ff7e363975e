/** The least and the greatest value. */
import type { Value } from '../../expression/node.ts'
import type { Int64 } from '../../kernel/int64.ts'
import type { Accumulator, Cells } from '../accumulator.ts'
import { fromHighLow, highOf, lowOf } from '../order.ts'

export type Which = 'min' | 'max'

/** One slot, for floats and instants; NaN when nothing was added. */
export function floatExtreme(which: Which, of: number): Accumulator {
  const better = which === 'min' ? (a: number, b: number) => a < b : (a: number, b: number) => a > b
  const take = (flat: Float64Array, f: number, value: number): void => {
    if (Number.isNaN(flat[f]!) || better(value, flat[f]!)) flat[f] = value
  }
  return {
    slots: 1,
    rich: 0,
    clear: ({ flat }, f) => {
      flat[f] = Number.NaN
    },
    add: ({ flat }, f, _r, { args }) => take(flat, f, args[of] as number),
    merge: ({ flat }, f, _r, { flat: from }, g, _q, stride, _strideR, n) => {
      for (let i = 0; i < n; i++, g += stride) if (!Number.isNaN(from[g]!)) take(flat, f, from[g]!)
    },
  }
}

/** Two slots, for integers of 64 bits: high and low; high is NaN when nothing was added. */
export function integerExtreme(which: Which, of: number): Accumulator {
  const sign = which === 'min' ? -1 : 1
  const take = (flat: Float64Array, f: number, high: number, low: number): void => {
    const order = Number.isNaN(flat[f]!) ? 1 : sign * (high - flat[f]! || low - flat[f + 1]!)
    if (order > 0) {
      flat[f] = high
      flat[f + 1] = low
    }
  }
  return {
    slots: 2,
    rich: 0,
    clear: ({ flat }, f) => {
      flat[f] = Number.NaN
      flat[f + 1] = 0
    },
    add: ({ flat }, f, _r, { args }) => take(flat, f, highOf(args[of] as Int64), lowOf(args[of] as Int64)),
    merge: ({ flat }, f, _r, { flat: from }, g, _q, stride, _strideR, n) => {
      for (let i = 0; i < n; i++, g += stride) if (!Number.isNaN(from[g]!)) take(flat, f, from[g]!, from[g + 1]!)
    },
  }
}

export const floatAt = ({ flat }: Cells, f: number): Value => (Number.isNaN(flat[f]!) ? null : flat[f]!)
export const integerAt = ({ flat }: Cells, f: number): Value =>
  Number.isNaN(flat[f]!) ? null : fromHighLow(flat[f]!, flat[f + 1]!)
