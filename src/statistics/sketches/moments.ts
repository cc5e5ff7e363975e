/** Number, mean, sum of squared distances from it, least and greatest: of parts, put together by Chan, Golub and LeVeque's rule (1979). */
export interface Moments {
  readonly count: number
  readonly mean: number
  readonly m2: number
  /** Infinite where there are none. */
  readonly min: number
  readonly max: number
}
export const noMoments: Moments = Object.freeze({
  count: 0,
  mean: 0,
  m2: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
})

export function together(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b
  if (b.count === 0) return a
  const count = a.count + b.count
  const apart = b.mean - a.mean
  return {
    count,
    mean: a.mean + (apart * b.count) / count,
    m2: a.m2 + b.m2 + (apart * apart * a.count * b.count) / count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  }
}

/** Of values that are all there, and finite; null where one is not. Apart from their own mean, so that nothing is lost where they are large. */
export function momentsOfAll(values: ArrayLike<number>, from: number, to: number): Moments | null {
  let sum = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = from; i < to; i++) {
    const value = values[i]!
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  // One that is not finite makes the sum so.
  if (from === to || !Number.isFinite(sum)) return null
  const count = to - from
  const mean = sum / count
  let m2 = 0
  for (let i = from; i < to; i++) {
    const apart = values[i]! - mean
    m2 += apart * apart
  }
  return { count, mean, m2, min, max }
}

/** Of those of the values that are there (`valid` is not 0) and finite. */
export function momentsOfSome(values: ArrayLike<number>, valid: Uint8Array | null, from: number, to: number): Moments {
  const some = new Float64Array(to - from)
  let count = 0
  for (let i = from; i < to; i++)
    if ((valid === null || valid[i] !== 0) && Number.isFinite(values[i])) some[count++] = values[i]!
  if (count === 0) return noMoments
  // Numbers so large that their sum is none: the mean of them is one, and what they are apart is more than can be said.
  const mean = some.subarray(0, count).reduce((sum, value) => sum + value / count, 0)
  const [min, max] = [some, some].map((of, i) =>
    of.subarray(0, count).reduce((a, b) => (i === 0 ? Math.min(a, b) : Math.max(a, b))),
  ) as [number, number]
  return momentsOfAll(some, 0, count) ?? { count, mean, m2: Number.MAX_VALUE, min, max }
}

/** Of a sample; NaN of fewer than two. */
export const deviationOf = ({ count, m2 }: Moments): number => (count < 2 ? Number.NaN : Math.sqrt(m2 / (count - 1)))
