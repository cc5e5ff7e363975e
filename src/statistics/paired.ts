/** Two models on the same rows: the mean of the differences row by row, which varies much less than either model's own mean. */
import { tCdf, tQuantile } from './distributions.ts'

/** Count, mean and sum of squared deviations, one value after another (Welford, Technometrics 4, 1962). */
export interface Moments {
  count: number
  mean: number
  squares: number
}
export const moments = (): Moments => ({ count: 0, mean: 0, squares: 0 })
export function add(to: Moments, value: number): void {
  to.count++
  const off = value - to.mean
  to.mean += off / to.count
  to.squares += off * (value - to.mean)
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

const standardError = ({ count, squares }: Moments): number => Math.sqrt(squares / (count - 1) / count)

/** Student's interval for the mean; null of fewer than two values. `alpha` is what lies outside of it on each side. */
export function meanInterval(values: Moments, alpha: number): Interval | null {
  if (values.count < 2) return null
  const margin = tQuantile(1 - alpha, values.count - 1) * standardError(values)
  return { value: values.mean, low: values.mean - margin, high: values.mean + margin }
}

/** The chance of a mean this far above `boundary`, or further, where the true one is not above it. One-sided t test; 1 of too few. */
export function chanceAbove(values: Moments, boundary: number): number {
  if (values.count < 2) return 1
  const error = standardError(values)
  const off = values.mean - boundary
  return error === 0 ? (off > 0 ? 0 : 1) : 1 - tCdf(off / error, values.count - 1)
}
