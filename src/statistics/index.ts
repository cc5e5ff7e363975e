/**
 * `sixfold/statistics`: whether two samples are of one distribution, by tests and distances with exact definitions; whether columns have drifted; and what
 * other tools would say of the same. Throws SixfoldError where a sample is none.
 */
export type { ColumnDrift, DriftReport, DriftThresholds, Profiled } from './drift.ts'
export { driftOf, profileOf, standardThresholds } from './drift.ts'
export type { EvidentlyColumn, EvidentlyMethod, EvidentlyResult } from './evidently.ts'
export { evidently } from './evidently.ts'
export { falseDiscovery } from './false-discovery.ts'
export { holm } from './holm.ts'
export type { Difference } from './sketches/compare.ts'
export { compareProfiles } from './sketches/compare.ts'
export type { ColumnProfile, ProfileJson } from './sketches/profile.ts'
export { mergeProfile, NumberProfile, profileFrom, TextProfile } from './sketches/profile.ts'
export {
  chiSquare,
  chiSquareOf,
  hellinger,
  jensenShannon,
  jensenShannonTail,
  kullbackLeibler,
  psi,
  psiTail,
  shares,
  totalVariation,
  twoShares,
} from './two-sample/counts.ts'
export type { TestResult } from './two-sample/kolmogorov-smirnov.ts'
export { kolmogorovSmirnov } from './two-sample/kolmogorov-smirnov.ts'
export { countsOf } from './two-sample/samples.ts'
export { wasserstein } from './two-sample/wasserstein.ts'
