/**
 * What Evidently 0.7 says of a column, number for number: its binning, its own choice of method by type and size, its thresholds. For teams that come
 * from it, and whose alarms are set to its figures. What we would rather say is in `drift.ts`, and why in docs/explanation/drift.
 */
import { SixfoldError } from '../kernel/errors.ts'
import { chiSquareOf, jensenShannon, kullbackLeibler, psi, shares, twoShares } from './two-sample/counts.ts'
import { kolmogorovSmirnov } from './two-sample/kolmogorov-smirnov.ts'
import type { Category } from './two-sample/samples.ts'
import { countsOf } from './two-sample/samples.ts'
import { wasserstein } from './two-sample/wasserstein.ts'

export type EvidentlyMethod = 'psi' | 'jensenshannon' | 'kl_div' | 'wasserstein' | 'ks' | 'chisquare' | 'z'

export interface EvidentlyColumn {
  /** Without what is missing or not finite: Evidently leaves it out too. */
  readonly reference: ArrayLike<Category>
  readonly current: ArrayLike<Category>
  /** Numbers of a column of whole numbers are binned otherwise. */
  readonly type: 'number' | 'integer' | 'category'
}

export interface EvidentlyResult {
  readonly method: EvidentlyMethod
  /** A distance, or of `ks`, `chisquare` and `z` the chance. */
  readonly score: number
  readonly threshold: number
  readonly drifted: boolean
}

const chances: ReadonlySet<EvidentlyMethod> = new Set(['ks', 'chisquare', 'z'])

/** By its choice of method, or by one that is named. Throws SX_REQUEST_INVALID where a side is empty or the method is not for the type. */
export function evidently(
  column: EvidentlyColumn,
  { method = methodFor(column), threshold }: { readonly method?: EvidentlyMethod; readonly threshold?: number } = {},
): EvidentlyResult {
  if (column.reference.length === 0 || column.current.length === 0)
    throw new SixfoldError('SX_REQUEST_INVALID', 'One of the two sides has no values.')
  for (const side of column.type === 'category' ? [] : [column.reference, column.current])
    for (let i = 0; i < side.length; i++)
      if (!Number.isFinite(side[i]))
        throw new SixfoldError('SX_REQUEST_INVALID', `A side has ${side[i]} at position ${i}.`, {
          fix: 'Leave out what is missing or not finite, as Evidently does.',
        })
  if (column.type === 'category' && (method === 'ks' || method === 'wasserstein'))
    throw new SixfoldError('SX_REQUEST_INVALID', `'${method}' is for numbers, and the column has categories.`, {
      fix: `Use 'psi', 'jensenshannon', 'kl_div', 'chisquare' or 'z'.`,
    })
  const bound = threshold ?? (chances.has(method) ? 0.05 : 0.1)
  const score = scoreOf(method, column)
  return { method, score, threshold: bound, drifted: chances.has(method) ? score < bound : score >= bound }
}

/** Up to 1,000 rows of reference a test, and beyond a distance; by how many different values there are. */
export function methodFor({ reference, current, type }: EvidentlyColumn): EvidentlyMethod {
  const different = new Set<Category>()
  for (const side of [reference, current])
    for (let i = 0; i < side.length && different.size <= 5; i++) different.add(side[i]!)
  const few = type === 'category' || different.size <= 5
  if (reference.length > 1_000) return few ? 'jensenshannon' : 'wasserstein'
  if (!few) return 'ks'
  return different.size > 2 ? 'chisquare' : 'z'
}

function scoreOf(method: EvidentlyMethod, column: EvidentlyColumn): number {
  const [reference, current] = [column.reference, column.current] as [ArrayLike<number>, ArrayLike<number>]
  switch (method) {
    case 'psi': {
      const [p, q] = binned(column).map(withoutZeros) as [Float64Array, Float64Array]
      return psi(p, q)
    }
    case 'kl_div': {
      const [p, q] = binned(column).map(withoutZeros).map(shares) as [Float64Array, Float64Array]
      return kullbackLeibler(p, q)
    }
    case 'jensenshannon': {
      const [p, q] = binned(column).map(shares) as [Float64Array, Float64Array]
      return Math.sqrt(jensenShannon(p, q))
    }
    case 'wasserstein':
      return wasserstein(reference, current) / Math.max(deviation(reference), 0.001)
    case 'ks':
      return kolmogorovSmirnov(reference, current).p
    case 'chisquare': {
      const { reference: p, current: q } = countsOf(column.reference, column.current)
      const scale = column.current.length / column.reference.length
      return chiSquareOf(
        q,
        p.map((count) => count * scale),
      ).p
    }
    case 'z': {
      const { values, reference: p, current: q } = countsOf(column.reference, column.current)
      if (values.length === 1) return 1
      const [n, m] = [column.reference.length, column.current.length]
      // Of all but the first value.
      return twoShares(n - p[0]!, n, m - q[0]!, m).p
    }
  }
}

/** Of the whole population, as numpy's. */
function deviation(values: ArrayLike<number>): number {
  const all = Array.from(values)
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length
  return Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length)
}

/** Shares in bins: of numbers with more than 20 different values by Sturges' rule over both sides, else of each value. */
function binned({ reference, current, type }: EvidentlyColumn): [Float64Array, Float64Array] {
  const different = new Set<Category>()
  for (let i = 0; i < reference.length && different.size <= 20; i++) different.add(reference[i]!)
  const [n, m] = [reference.length, current.length]
  if (type === 'category' || different.size <= 20) {
    const { reference: p, current: q } = countsOf(reference, current)
    return [p.map((count) => count / n), q.map((count) => count / m)]
  }
  const edges = sturges(reference as ArrayLike<number>, current as ArrayLike<number>, type === 'integer')
  return [
    histogram(reference as ArrayLike<number>, edges).map((count) => count / n),
    histogram(current as ArrayLike<number>, edges).map((count) => count / m),
  ]
}

/** Bins of one width over the range of both, log2 of the number of values and one of them (Sturges 1926), at least 1 wide of whole numbers. */
function sturges(a: ArrayLike<number>, b: ArrayLike<number>, whole: boolean): Float64Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const side of [a, b])
    for (let i = 0; i < side.length; i++) {
      low = Math.min(low, side[i]!)
      high = Math.max(high, side[i]!)
    }
  const wide = (high - low) / (Math.log2(a.length + b.length) + 1)
  const bins = Math.ceil((high - low) / (whole ? Math.max(1, wide) : wide))
  const step = (high - low) / bins
  return Float64Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : i * step + low))
}

/** Each bin with its lower edge, the last with its upper one too. */
function histogram(values: ArrayLike<number>, edges: Float64Array): Float64Array {
  const counts = new Float64Array(edges.length - 1)
  for (let i = 0; i < values.length; i++) {
    let [low, high] = [0, edges.length - 1]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (edges[middle]! <= values[i]!) low = middle
      else high = middle
    }
    counts[low]!++
  }
  return counts
}

/** A share of 0 becomes 0.0001, or where another is no greater than that a millionth of the least. */
function withoutZeros(of: Float64Array): Float64Array {
  const least = of.reduce((min, share) => (share > 0 && share < min ? share : min), Number.POSITIVE_INFINITY)
  return of.map((share) => (share === 0 ? (least <= 0.0001 ? least / 10 ** 6 : 0.0001) : share))
}
