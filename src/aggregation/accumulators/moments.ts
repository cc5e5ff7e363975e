/**
 * Three slots: how many, their mean, and the sum of squared differences from it. Added by Welford's update and merged by Chan's
 * (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983, equations 1.3 and 1.5), whose relative
 * error is within 16 n 2^-53 κ, κ = sqrt(Σx² / Σ(x - mean)²); a sum of squares would cancel.
 */
import type { Value } from '../../expression/node.ts'
import type { Accumulator, Cells } from '../accumulator.ts'
import { asFloat } from '../accumulator.ts'

export const moments = (of: number): Accumulator => ({
  slots: 3,
  rich: 0,
  clear: ({ flat }, f) => {
    flat.fill(0, f, f + 3)
  },
  add: ({ flat }, f, _r, { args }) => {
    const value = asFloat(args[of]!)
    const n = flat[f]! + 1
    const difference = value - flat[f + 1]!
    const mean = flat[f + 1]! + difference / n
    flat[f] = n
    flat[f + 1] = mean
    flat[f + 2]! += difference * (value - mean)
  },
  merge: ({ flat }, f, _r, { flat: from }, g, _q, stride, _strideR, count) => {
    for (let i = 0; i < count; i++, g += stride) {
      const other = from[g]!
      if (other === 0) continue
      const own = flat[f]!
      const n = own + other
      const difference = from[g + 1]! - flat[f + 1]!
      flat[f] = n
      flat[f + 1] = own === 0 ? from[g + 1]! : flat[f + 1]! + (difference * other) / n
      flat[f + 2]! += from[g + 2]! + (own === 0 ? 0 : ((difference * own) / n) * difference * other)
    }
  },
})

/** Divided by n - 1; of fewer than two, and beyond the range of float64, null. */
export function varianceAt({ flat }: Cells, f: number): Value {
  const n = flat[f]!
  const value = n < 2 ? Number.NaN : flat[f + 2]! / (n - 1)
  return Number.isFinite(value) ? value : null
}
