/** Counts and sums. */
import type { Int64 } from '../../kernel/int64.ts'
import { ratio, toInt64 } from '../../kernel/int64.ts'
import type { Accumulator, Cells } from '../accumulator.ts'
import { asFloat, sumScale } from '../accumulator.ts'

/** One slot: how many events. */
export const count: Accumulator = {
  slots: 1,
  rich: 0,
  clear: ({ flat }, f) => {
    flat[f] = 0
  },
  add: ({ flat }, f) => {
    flat[f]!++
  },
  merge: ({ flat }, f, _r, { flat: from }, g, _q, stride, _strideR, n) => {
    let total = flat[f]!
    for (let i = 0; i < n; i++, g += stride) total += from[g]!
    flat[f] = total
  },
}

/** One slot: how many events meet a condition. */
export const trues = (of: number): Accumulator => ({
  ...count,
  add: ({ flat }, f, _r, { args }) => {
    if (args[of] === true) flat[f]!++
  },
})

/** One slot: the sum of floats at `sumScale`; NaN when nothing was added. */
export const floatSum = (of: number): Accumulator => ({
  slots: 1,
  rich: 0,
  clear: ({ flat }, f) => {
    flat[f] = Number.NaN
  },
  add: ({ flat }, f, _r, { args }) => {
    const value = asFloat(args[of]!) * sumScale
    const sum = flat[f]!
    flat[f] = Number.isNaN(sum) ? value : sum + value
  },
  merge: ({ flat }, f, _r, { flat: from }, g, _q, stride, _strideR, n) => {
    let total = flat[f]!
    for (let i = 0; i < n; i++, g += stride) {
      const part = from[g]!
      if (!Number.isNaN(part)) total = Number.isNaN(total) ? part : total + part
    }
    flat[f] = total
  },
})

/**
 * Two slots: the exact sum of integers as high * 2^52 + low, both whole and |low| < 2^52: room for 2^40 integers of 64 bits.
 * `low` is NaN when nothing was added.
 */
export const integerSum = (of: number): Accumulator => ({
  slots: 2,
  rich: 0,
  clear: ({ flat }, f) => {
    flat[f] = Number.NaN
    flat[f + 1] = 0
  },
  add: ({ flat }, f, _r, { args }) => {
    const value = args[of] as Int64 | boolean
    if (typeof value === 'bigint') addParts(flat, f, Number(value % two52), Number(value / two52))
    else addParts(flat, f, Number(value) % 4503599627370496, Math.trunc(Number(value) / 4503599627370496))
  },
  merge: ({ flat }, f, _r, { flat: from }, g, _q, stride, _strideR, n) => {
    for (let i = 0; i < n; i++, g += stride) if (!Number.isNaN(from[g]!)) addParts(flat, f, from[g]!, from[g + 1]!)
  },
})

const two52 = 2n ** 52n

function addParts(flat: Float64Array, f: number, low: number, high: number): void {
  // Both are below 2^52, so their sum is exact; then a whole multiple of 2^52 moves up.
  const sum = Number.isNaN(flat[f]!) ? low : flat[f]! + low
  const carry = Math.trunc(sum / 4503599627370496)
  flat[f] = sum - carry * 4503599627370496
  flat[f + 1]! += high + carry
}

/** The exact sum; null when nothing was added. */
function exactSum({ flat }: Cells, f: number): bigint | null {
  const low = flat[f]!
  return Number.isNaN(low) ? null : BigInt(flat[f + 1]!) * two52 + BigInt(low)
}

/** The mean of `n` integers, in one rounding; null when nothing was added. */
export function integerMean({ flat }: Cells, f: number, n: number): number | null {
  const low = flat[f]!
  if (Number.isNaN(low)) return null
  return flat[f + 1] === 0 ? low / n + 0 : ratio(BigInt(flat[f + 1]!) * two52 + BigInt(low), n)
}

/** The sum as an int64; null beyond 64 bits and when nothing was added. */
export function integerTotal(cells: Cells, f: number): Int64 | null {
  const { flat } = cells
  if (flat[f + 1] === 0) {
    const low = flat[f]!
    return Number.isNaN(low) ? null : low
  }
  const sum = exactSum(cells, f)
  return sum === null ? null : toInt64(sum)
}
