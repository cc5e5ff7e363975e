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

/** Of a sample; NaN of fewer than two. */
export const deviationOf = ({ count, m2 }: Moments): number => (count < 2 ? Number.NaN : Math.sqrt(m2 / (count - 1)))
