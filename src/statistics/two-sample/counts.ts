/** Distances and tests of counts: how often each of some bins or categories occurred in a reference, and in what is current. */
import { SixfoldError } from '../../kernel/errors.ts'
import { chiSquareTail, normalCdf } from '../distributions.ts'
import type { TestResult } from './kolmogorov-smirnov.ts'

type Numbers = ArrayLike<number>

/** Divided by their sum. */
export function shares(counts: Numbers): Float64Array {
  const all = Float64Array.from(counts)
  const total = all.reduce((sum, count) => sum + count, 0)
  if (!(total > 0)) throw new SixfoldError('SX_REQUEST_INVALID', 'Counts add up to nothing.')
  return all.map((count) => count / total)
}

function paired(p: Numbers, q: Numbers): void {
  if (p.length !== q.length)
    throw new SixfoldError('SX_REQUEST_INVALID', `The one has ${p.length} bins, and the other ${q.length}.`)
}

/** Σ (q - p) ln(q / p) of shares, none of which is 0: the population stability index (Karakoulas 2004). 0 to ∞. */
export function psi(p: Numbers, q: Numbers): number {
  paired(p, q)
  let sum = 0
  for (let i = 0; i < p.length; i++) sum += (q[i]! - p[i]!) * Math.log(q[i]! / p[i]!)
  return sum
}

/**
 * The chance of such an index if nothing changed: over 1/n + 1/m it is then χ² with one degree of freedom less than there are bins (Yurdakul
 * 2018). To be believed from some 20 values a bin on.
 */
export const psiTail = (index: number, bins: number, n: number, m: number): number =>
  chiSquareTail(index / (1 / n + 1 / m), bins - 1)

/** Σ p ln(p / q) of shares: Kullback's and Leibler's divergence of p from q, in nats. 0 to ∞. */
export function kullbackLeibler(p: Numbers, q: Numbers): number {
  paired(p, q)
  let sum = 0
  for (let i = 0; i < p.length; i++) if (p[i]! > 0) sum += p[i]! * Math.log(p[i]! / q[i]!)
  return sum
}

/** Half the divergences of both from their middle, in nats: 0 to ln 2. Its root is a distance; over ln 2 it is in bits. */
export function jensenShannon(p: Numbers, q: Numbers): number {
  paired(p, q)
  let sum = 0
  for (let i = 0; i < p.length; i++) {
    const middle = (p[i]! + q[i]!) / 2
    if (p[i]! > 0) sum += p[i]! * Math.log(p[i]! / middle)
    if (q[i]! > 0) sum += q[i]! * Math.log(q[i]! / middle)
  }
  return Math.max(0, sum / 2)
}

/** The chance of such a divergence if nothing changed: times 8nm / (n + m) it is then χ², as its first term is Pearson's statistic over 8. */
export const jensenShannonTail = (nats: number, bins: number, n: number, m: number): number =>
  chiSquareTail((8 * nats * n * m) / (n + m), bins - 1)

/** √(Σ (√p - √q)² / 2) of shares. 0 to 1. */
export function hellinger(p: Numbers, q: Numbers): number {
  paired(p, q)
  let sum = 0
  for (let i = 0; i < p.length; i++) sum += (Math.sqrt(p[i]!) - Math.sqrt(q[i]!)) ** 2
  return Math.sqrt(sum / 2)
}

/** Half the sum of the differences of shares: the greatest difference that any set of bins shows. 0 to 1. */
export function totalVariation(p: Numbers, q: Numbers): number {
  paired(p, q)
  let sum = 0
  for (let i = 0; i < p.length; i++) sum += Math.abs(p[i]! - q[i]!)
  return sum / 2
}

/** Pearson's Σ (observed - expected)² / expected with one degree of freedom less than there are cells: scipy's `chisquare`. Of one cell the chance is NaN. */
export function chiSquareOf(observed: Numbers, expected: Numbers): TestResult {
  paired(observed, expected)
  let statistic = 0
  for (let i = 0; i < observed.length; i++)
    statistic += observed[i] === expected[i] ? 0 : (observed[i]! - expected[i]!) ** 2 / expected[i]!
  return { statistic, p: observed.length < 2 ? Number.NaN : chiSquareTail(statistic, observed.length - 1) }
}

/**
 * Pearson's test that two rows of counts are of one distribution; with four cells in all, and only then, each difference is made smaller by a half,
 * and by no more than it is (Yates 1934): scipy's `chi2_contingency`. What neither row has is no cell.
 */
export function chiSquare(a: Numbers, b: Numbers): TestResult & { readonly degrees: number } {
  paired(a, b)
  const used = Array.from(a, (_, i) => i).filter((i) => a[i]! + b[i]! > 0)
  const [n, m] = [a, b].map((of) => used.reduce((sum, i) => sum + of[i]!, 0)) as [number, number]
  if (n === 0 || m === 0) throw new SixfoldError('SX_REQUEST_INVALID', 'Counts add up to nothing.')
  const degrees = used.length - 1
  let statistic = 0
  for (const i of used)
    for (const [count, total] of [
      [a[i]!, n],
      [b[i]!, m],
    ] as const) {
      const expected = ((a[i]! + b[i]!) * total) / (n + m)
      const apart = Math.abs(count - expected)
      statistic += (degrees === 1 ? apart - Math.min(0.5, apart) : apart) ** 2 / expected
    }
  return { statistic, p: degrees === 0 ? 1 : chiSquareTail(statistic, degrees), degrees }
}

/** Of two shares, each of its own sample: the difference over its standard error if they were one (pooled), two sides. */
export function twoShares(hitsA: number, n: number, hitsB: number, m: number): TestResult {
  const pooled = (hitsA + hitsB) / (n + m)
  const statistic = (hitsA / n - hitsB / m) / Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
  return { statistic, p: 2 * normalCdf(-Math.abs(statistic)) }
}
