/**
 * How often chance alone would show a distance as great, where the true one is half of its bound: days are never quite alike, and with many rows a
 * difference that nobody minds is certain. To be refused takes more than the half, and more than noise on top of it.
 */
import type { Distances } from '../../definition/batch.ts'
import { chiSquareTail, kolmogorovTail, normalCdf } from '../../statistics/distributions.ts'
import type { Difference } from '../../statistics/sketches/compare.ts'
import { deviationOf } from '../../statistics/sketches/moments.ts'
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'

export function chanceOf(
  measure: keyof Distances,
  { counts: [n, m], psi, ks, ksP, mean, bins }: Difference,
  [before, after]: readonly [ColumnProfile, ColumnProfile],
  bound: number,
): number {
  const minded = bound / 2
  switch (measure) {
    case 'psi':
      return psiChance(psi, minded, n, m, bins.length)
    // Of small changes the index is 8 ln 2 times the divergence in bits, of which this is the root.
    case 'js':
      return psiChance(psi, 8 * Math.LN2 * minded ** 2, n, m, bins.length)
    case 'ks':
      return before.kind === 'text'
        ? psiChance(psi, 4 * minded ** 2, n, m, bins.length)
        : kolmogorovTail(Math.max(0, ks - minded), n, m)
    // The area has no distribution that is known beforehand: that the two are not one is what can be said.
    case 'wasserstein':
      return ksP
    case 'mean':
      return before.kind === 'number' && after.kind === 'number' ? meanChance(mean, minded, before, after) : ksP
  }
}

/** Noncentral χ², as a central one of other degrees (Patnaik 1949). */
function psiChance(psi: number, minded: number, n: number, m: number, bins: number): number {
  const degrees = bins - 1
  if (degrees < 1) return 1
  const perRow = 1 / n + 1 / m
  const [x, apart] = [psi / perRow, minded / perRow]
  const scale = (degrees + 2 * apart) / (degrees + apart)
  return chiSquareTail(x / scale, (degrees + apart) ** 2 / (degrees + 2 * apart))
}

/** Of two samples' means (Welch 1947), by the normal distribution: what has fewer values is not looked at. */
function meanChance(
  mean: number,
  minded: number,
  before: Extract<ColumnProfile, { kind: 'number' }>,
  after: Extract<ColumnProfile, { kind: 'number' }>,
): number {
  const [a, b] = [deviationOf(before.moments), deviationOf(after.moments)]
  const beyond = Math.abs(mean) - minded
  if (!(a > 0)) return beyond > 0 ? 0 : 1
  const error = Math.sqrt(1 / before.moments.count + (Number.isFinite(b) ? (b / a) ** 2 : 1) / after.moments.count)
  return beyond > 0 ? 2 * normalCdf(-beyond / error) : 1
}
