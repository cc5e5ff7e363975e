/**
 * How far one column is from another, both known by their profiles: distances as they are defined in the literature, over bins that the
 * reference sets, and how often chance alone would show as much.
 */
import { chiSquareTail, kolmogorovTail } from '../distributions.ts'
import { deviationOf } from './moments.ts'
import type { ColumnProfile, NumberProfile, TextProfile } from './profile.ts'
import { boundsOf, middleOf } from './quantiles.ts'

export interface Difference {
  /** Values of each that are there, without those that are missing. */
  readonly counts: readonly [before: number, after: number]
  /** Σ (q - p) ln(q / p) over the bins (Karakoulas 2004), with half a row added to each bin. */
  readonly psi: number
  /** Of no change: PSI / (1/n + 1/m) is then χ² with one degree of freedom less than there are bins (Yurdakul 2018). */
  readonly psiP: number
  /** Square root of the Jensen-Shannon divergence in bits: 0 to 1. */
  readonly js: number
  /** Greatest distance of the distribution functions; of texts half the sum of the differences of shares. */
  readonly ks: number
  readonly ksP: number
  /** Area between the distribution functions over IQR / 1.349 of the reference; NaN of texts, and where that is 0. */
  readonly wasserstein: number
  /** Of the mean, in standard deviations of the reference; NaN of texts, and where that is 0 and the means are equal. */
  readonly mean: number
  /** Of the shares of rows without a value: after, less before. */
  readonly missing: number
  readonly bins: readonly { readonly label: string; readonly before: number; readonly after: number }[]
  /** Whether both have 20 values to each bin: with fewer the figures say little. */
  readonly enough: boolean
}

const perBin = 20
const decilesMost = 10

export function compareProfiles(before: ColumnProfile, after: ColumnProfile): Difference {
  if (before.kind === 'number' && after.kind === 'number') return ofNumbers(before, after)
  if (before.kind === 'text' && after.kind === 'text') return ofTexts(before, after)
  throw new Error(`A column of ${before.kind}s cannot be compared with one of ${after.kind}s.`)
}

function ofNumbers(before: NumberProfile, after: NumberProfile): Difference {
  const edges = edgesOf(before)
  const [n, m] = [before.sketch.total, after.sketch.total]
  const [p, q] = [countsWithin(before, edges), countsWithin(after, edges)]
  const ks = distance(before, after)
  const [spread, deviation] = [robustDeviation(before), deviationOf(before.moments)]
  const apart = after.moments.mean - before.moments.mean
  return {
    counts: [n, m],
    ...overBins(p, q),
    ks: ks.most,
    ksP: kolmogorovTail(ks.most, n, m),
    wasserstein: ks.area / spread,
    mean: apart === 0 && !(deviation > 0) ? Number.NaN : apart / deviation,
    missing:
      missingShare(after, after.missing + after.notFinite, m) -
      missingShare(before, before.missing + before.notFinite, n),
    bins: p.map((count, i) => ({ label: labelOf(edges, i), before: share(count, n), after: share(q[i]!, m) })),
    enough: Math.min(n, m) >= perBin * p.length,
  }
}

const missingShare = (_: ColumnProfile, missing: number, present: number): number => share(missing, missing + present)
const share = (count: number, of: number): number => (of === 0 ? 0 : count / of)

/** The last bin of each tenth of the reference: each bin of the sketch lies in one of them as a whole. */
function edgesOf({ sketch }: NumberProfile): readonly number[] {
  const edges: number[] = []
  let passed = 0
  for (const [bin, count] of sketch.bins()) {
    passed += count
    if (passed >= ((edges.length + 1) * sketch.total) / decilesMost) {
      edges.push(bin)
      while (passed >= ((edges.length + 1) * sketch.total) / decilesMost && edges.length < decilesMost) edges.push(bin)
    }
  }
  return [...new Set(edges)]
}

/** Also of what lies above the last: values beyond the greatest of the reference. */
function countsWithin({ sketch }: NumberProfile, edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0)
  let at = 0
  for (const [bin, count] of sketch.bins()) {
    while (at < edges.length && bin > edges[at]!) at++
    counts[at]! += count
  }
  return counts
}

function labelOf(edges: readonly number[], i: number): string {
  const text = (bin: number): string => String(Number(boundsOf(bin)[1].toPrecision(3)))
  if (edges.length === 0) return 'all'
  if (i === 0) return `up to ${text(edges[0]!)}`
  return i === edges.length ? `above ${text(edges[i - 1]!)}` : `to ${text(edges[i]!)}`
}

function overBins(p: readonly number[], q: readonly number[]): Pick<Difference, 'psi' | 'psiP' | 'js'> {
  // A bin that neither has is none.
  const used = p.map((_, i) => i).filter((i) => p[i]! + q[i]! > 0)
  const [n, m] = [p, q].map((counts) => counts.reduce((a, b) => a + b, 0)) as [number, number]
  if (used.length < 2 || n === 0 || m === 0) return { psi: 0, psiP: 1, js: 0 }
  let [psi, divergence] = [0, 0]
  for (const i of used) {
    const [a, b] = [(p[i]! + 0.5) / (n + 0.5 * used.length), (q[i]! + 0.5) / (m + 0.5 * used.length)]
    psi += (b - a) * Math.log(b / a)
    const [x, y] = [p[i]! / n, q[i]! / m]
    const middle = (x + y) / 2
    if (x > 0) divergence += (x * Math.log2(x / middle)) / 2
    if (y > 0) divergence += (y * Math.log2(y / middle)) / 2
  }
  return { psi, psiP: chiSquareTail(psi / (1 / n + 1 / m), used.length - 1), js: Math.sqrt(Math.max(0, divergence)) }
}

/** Over the bins of both: the greatest difference of the two distribution functions, and the area between them. */
function distance(before: NumberProfile, after: NumberProfile): { readonly most: number; readonly area: number } {
  const [n, m] = [before.sketch.total, after.sketch.total]
  if (n === 0 || m === 0) return { most: n === m ? 0 : 1, area: Number.NaN }
  const apart = new Map<number, number>()
  for (const [bin, count] of before.sketch.bins()) apart.set(bin, count / n)
  for (const [bin, count] of after.sketch.bins()) apart.set(bin, (apart.get(bin) ?? 0) - count / m)
  const bins = [...apart.keys()].sort((a, b) => a - b)
  let [most, area, now] = [0, 0, 0]
  for (const [i, bin] of bins.entries()) {
    now += apart.get(bin)!
    most = Math.max(most, Math.abs(now))
    if (i + 1 < bins.length) area += Math.abs(now) * (middleOf(bins[i + 1]!) - middleOf(bin))
  }
  return { most, area }
}

/** IQR / 1.349, which of a normal distribution is its standard deviation; that where the quartiles are one value. */
function robustDeviation({ sketch, moments }: NumberProfile): number {
  const range = (sketch.quantile(0.75) - sketch.quantile(0.25)) / 1.349
  return range > 0 ? range : deviationOf(moments)
}

const textsShown = 30

function ofTexts(before: TextProfile, after: TextProfile): Difference {
  const [n, m] = [before.count, after.count]
  const values = [...before.counts.keys()].sort(
    (a, b) => before.counts.get(b)! - before.counts.get(a)! || (a < b ? -1 : 1),
  )
  const known = values.slice(0, textsShown)
  const of = (profile: TextProfile, total: number): number[] => {
    const counts = known.map((value) => profile.counts.get(value) ?? 0)
    return [...counts, total - counts.reduce((a, b) => a + b, 0)]
  }
  const [p, q] = [of(before, n), of(after, m)]
  const bins = p.map((count, i) => ({
    label: i < known.length ? known[i]! : 'others',
    before: share(count, n),
    after: share(q[i]!, m),
  }))
  const ks = bins.reduce((sum, bin) => sum + Math.abs(bin.before - bin.after), 0) / 2
  const figures = overBins(p, q)
  return {
    counts: [n, m],
    ...figures,
    ks,
    ksP: figures.psiP,
    wasserstein: Number.NaN,
    mean: Number.NaN,
    missing: share(after.missing, after.missing + m) - share(before.missing, before.missing + n),
    bins,
    enough: Math.min(n, m) >= perBin * Math.max(1, known.length),
  }
}
