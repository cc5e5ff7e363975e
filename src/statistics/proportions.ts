/** Shares of rows: of one model, and of two on the same rows. */
import { binomialCdf, normalQuantile } from './distributions.ts'
import type { Interval } from './paired.ts'

/** Wilson's interval (JASA 22, 1927); null of none. `alpha` is what lies outside of it on each side. */
export function wilsonInterval(successes: number, trials: number, alpha: number): Interval | null {
  if (trials === 0) return null
  const z = normalQuantile(1 - alpha)
  const share = successes / trials
  const middle = (share + (z * z) / (2 * trials)) / (1 + (z * z) / trials)
  const half =
    (z / (1 + (z * z) / trials)) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** Rows on which one of the two is wrong and the other is not. */
export interface Discordant {
  readonly rows: number
  readonly onlyFirst: number
  readonly onlySecond: number
}

/** McNemar's test (Psychometrika 12, 1947), exact: the chance of a split as uneven as this, or more, where neither is wrong more often. */
export function mcnemar({ onlyFirst, onlySecond }: Discordant): number {
  const rows = onlyFirst + onlySecond
  return rows === 0 ? 1 : Math.min(1, 2 * binomialCdf(Math.min(onlyFirst, onlySecond), rows, 0.5))
}

/**
 * How far the share of the first lies above that of the second, in standard errors under the hypothesis that it lies `delta` above: Tango's
 * score (Statistics in Medicine 17, 1998). Unlike the plain difference it knows that few rows prove little also where none disagree.
 */
function score({ rows, onlyFirst, onlySecond }: Discordant, delta: number): number {
  const a = 2 * rows
  const b = -onlyFirst - onlySecond + (a - onlyFirst + onlySecond) * delta
  const c = -onlySecond * delta * (1 - delta)
  const share = (Math.sqrt(Math.max(0, b * b - 4 * a * c)) - b) / (2 * a)
  const variance = rows * (2 * share + delta * (1 - delta))
  const off = onlyFirst - onlySecond - rows * delta
  return variance <= 0 ? (off === 0 ? 0 : Math.sign(off) * Number.POSITIVE_INFINITY) : off / Math.sqrt(variance)
}

/** Of the difference of shares, first less second: where the score is no further than the quantile. Null of no rows. */
export function tangoInterval(counts: Discordant, alpha: number): Interval | null {
  const { rows, onlyFirst, onlySecond } = counts
  if (rows === 0) return null
  const z = normalQuantile(1 - alpha)
  const value = (onlyFirst - onlySecond) / rows
  const edge = (from: number, to: number, inside: (delta: number) => boolean): number => {
    let [kept, left] = [from, to]
    for (let i = 0; i < 60; i++) {
      const middle = (kept + left) / 2
      if (inside(middle)) kept = middle
      else left = middle
    }
    return kept
  }
  return {
    value,
    low: edge(value, -1, (delta) => score(counts, delta) <= z),
    high: edge(value, 1, (delta) => score(counts, delta) >= -z),
  }
}
