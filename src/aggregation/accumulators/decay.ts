/**
 * Sums whose terms lose half their weight with every half-life. Two slots: the sum as of the newest time added, at `sumScale`,
 * and that time; the sum is NaN when nothing was added. Relative to a time no earlier than any term, no weight exceeds 1.
 */
import type { Value } from '../../expression/node.ts'
import type { Accumulator, Cells } from '../accumulator.ts'
import { asFloat, sumScale } from '../accumulator.ts'

/** After so many half-lives. In two steps where the weight alone would underflow, although what it weighs is large enough. */
const weighed = (value: number, lives: number): number =>
  lives <= 1000 ? value * 2 ** -lives : value * 2 ** -1000 * 2 ** (1000 - lives)

/** `of` null: each event counts 1. */
export function decayed(halfLifeMs: number, of: number | null): Accumulator {
  const take = (flat: Float64Array, f: number, sum: number, time: number): void => {
    const held = flat[f]!
    if (Number.isNaN(held)) {
      flat[f] = sum
      flat[f + 1] = time
    } else if (time >= flat[f + 1]!) {
      flat[f] = weighed(held, (time - flat[f + 1]!) / halfLifeMs) + sum
      flat[f + 1] = time
    } else flat[f] = held + weighed(sum, (flat[f + 1]! - time) / halfLifeMs)
  }
  return {
    slots: 2,
    rich: 0,
    clear: ({ flat }, f) => {
      flat[f] = Number.NaN
      flat[f + 1] = 0
    },
    add: ({ flat }, f, _r, { args, time }) => take(flat, f, (of === null ? 1 : asFloat(args[of]!)) * sumScale, time),
    merge: ({ flat }, f, _r, { flat: from }, g, _q, stride, _strideR, n) => {
      for (let i = 0; i < n; i++, g += stride) if (!Number.isNaN(from[g]!)) take(flat, f, from[g]!, from[g + 1]!)
    },
  }
}

export function decayedAt({ flat }: Cells, f: number, halfLifeMs: number, moment: number): Value {
  if (Number.isNaN(flat[f]!)) return null
  const sum = weighed(flat[f]!, (moment - flat[f + 1]!) / halfLifeMs) / sumScale
  return Number.isFinite(sum) ? sum : null
}
