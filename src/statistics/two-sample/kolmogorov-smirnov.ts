/** The test of Kolmogorov and Smirnov: whether two samples are of one distribution, by how far their distribution functions are apart. */
import { kolmogorovTailOf } from './kolmogorov.ts'
import { ascending } from './samples.ts'

export interface TestResult {
  readonly statistic: number
  /** The chance of such a statistic, or one further out, if nothing changed. */
  readonly p: number
}

/** Samples up to this size get the exact chance. */
const exactMost = 10_000

/**
 * `statistic` is the greatest distance of the two distribution functions, 0 to 1. Its chance is exact up to 10,000 values in each (by paths of a
 * lattice, Hodges 1957), and beyond by the distribution for one sample of nm / (n + m): what scipy's `ks_2samp` gives by default.
 * Throws SX_REQUEST_INVALID.
 */
export function kolmogorovSmirnov(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  const [x, y] = [ascending(a), ascending(b)]
  const [n, m] = [x.length, y.length]
  // In units of 1 / (n m), so that ties in distance are ties.
  let [i, j, most] = [0, 0, 0]
  while (i < n && j < m) {
    const value = Math.min(x[i]!, y[j]!)
    while (i < n && x[i] === value) i++
    while (j < m && y[j] === value) j++
    most = Math.max(most, Math.abs(i * m - j * n))
  }
  const statistic = most / (n * m)
  if (Math.max(n, m) <= exactMost) return { statistic, p: exactTail(n, m, most) }
  return { statistic, p: Math.min(1, Math.max(0, kolmogorovTailOf(roundedToEven((n * m) / (n + m)), statistic))) }
}

function roundedToEven(value: number): number {
  const below = Math.floor(value)
  return value - below === 0.5 ? below + (below % 2) : Math.round(value)
}

/** The chance that |i / n - j / m| reaches `most` / (n m) on a path of i of the one and j of the other in random order. */
function exactTail(n: number, m: number, most: number): number {
  if (most === 0) return 1
  if (n === m) return equalSizes(n, most / n)
  const [long, short] = n > m ? [n, m] : [m, n]
  // Of the paths to (i, j), the share that has been outside: a mean of those to its two neighbours, by how many paths come from each.
  const outside = new Float64Array(short + 1)
  for (let j = 1; j <= short; j++) outside[j] = j * long >= most ? 1 : 0
  for (let i = 1; i <= long; i++) {
    outside[0] = i * short >= most ? 1 : 0
    for (let j = 1; j <= short; j++)
      outside[j] = Math.abs(i * short - j * long) >= most ? 1 : (i * outside[j]! + j * outside[j - 1]!) / (i + j)
  }
  return outside[short]!
}

/** By reflecting paths: 2 Σ (-1)^(k+1) C(2n, n - kh) / C(2n, n) (Gnedenko and Korolyuk 1951), from its far end. */
function equalSizes(n: number, h: number): number {
  let chance = 0
  for (let k = Math.floor(n / h); k >= 0; k--) {
    let ratio = 1
    for (let j = 0; j < h; j++) ratio = ((n - k * h - j) * ratio) / (n + k * h + j + 1)
    chance = ratio * (1 - chance)
  }
  return Math.min(1, 2 * chance)
}
