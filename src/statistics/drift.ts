/**
 * Whether columns have drifted from a reference: where the change is both great enough to matter and more than chance would show, with the chances
 * of all columns corrected together. Columns are known by their profiles, so that their number of rows does not matter.
 */
import { falseDiscovery } from './false-discovery.ts'
import type { Difference } from './sketches/compare.ts'
import { compareProfiles } from './sketches/compare.ts'
import type { ColumnProfile } from './sketches/profile.ts'
import { NumberProfile, rowsOf, TextProfile } from './sketches/profile.ts'
import { twoShares } from './two-sample/counts.ts'

export interface DriftThresholds {
  /** Of the population stability index over tenths of the reference, or over its categories. */
  readonly psi: number
  /** Of Wasserstein's distance, in robust standard deviations (IQR / 1.349) of the reference. */
  readonly wasserstein: number
  /** Of categories: half the sum of the differences of shares. */
  readonly totalVariation: number
  /** Of the share of rows without a value. */
  readonly missing: number
  /** Greatest share of false alarms among alarms. */
  readonly alpha: number
}
export const standardThresholds: DriftThresholds = Object.freeze({
  psi: 0.1,
  wasserstein: 0.1,
  totalVariation: 0.1,
  missing: 0.05,
  alpha: 0.01,
})

export interface ColumnDrift {
  readonly column: string
  readonly kind: 'number' | 'text'
  readonly verdict: 'drifted' | 'steady' | 'not enough data' | 'another type'
  /** Corrected for all columns together (Benjamini and Hochberg). Null where there is not enough data. */
  readonly p: number | null
  /** What was over its threshold. */
  readonly because: readonly ('psi' | 'wasserstein' | 'totalVariation' | 'missing')[]
  readonly rows: readonly [reference: number, current: number]
  /** Null where the types differ. */
  readonly difference: Difference | null
}

export interface DriftReport {
  readonly columns: readonly ColumnDrift[]
  readonly drifted: number
  /** Columns that only one side has. */
  readonly lacking: { readonly reference: readonly string[]; readonly current: readonly string[] }
}

export type Profiled = { readonly [column: string]: ColumnProfile }

export function driftOf(
  reference: Profiled,
  current: Profiled,
  thresholds: Partial<DriftThresholds> = {},
): DriftReport {
  const bounds = { ...standardThresholds, ...thresholds }
  const both = Object.keys(reference).filter((name) => Object.hasOwn(current, name))
  const found = both.map((column) => lookAt(column, reference[column]!, current[column]!, bounds))
  const chances = falseDiscovery(found.flatMap(({ p }) => (p === null ? [] : [p])))
  let at = 0
  const columns = found.map((one): ColumnDrift => {
    if (one.p === null) return one
    const p = chances[at++]!
    return { ...one, p, verdict: one.because.length > 0 && p < bounds.alpha ? 'drifted' : 'steady' }
  })
  const without = (of: Profiled, other: Profiled) => Object.keys(other).filter((name) => !Object.hasOwn(of, name))
  return {
    columns,
    drifted: columns.filter(({ verdict }) => verdict === 'drifted').length,
    lacking: { reference: without(reference, current), current: without(current, reference) },
  }
}

function lookAt(column: string, before: ColumnProfile, after: ColumnProfile, bounds: DriftThresholds): ColumnDrift {
  const rows = [rowsOf(before), rowsOf(after)] as const
  const common = { column, kind: after.kind, rows } as const
  if (before.kind !== after.kind) return { ...common, verdict: 'another type', p: null, because: [], difference: null }
  const difference = compareProfiles(before, after)
  const gone = missingChance(before, after)
  // A column that is missing altogether has drifted, however little is left to compare.
  const p = difference.enough ? Math.min(1, 2 * Math.min(difference.ksP, gone)) : gone
  const because = [
    ...(difference.enough && difference.psi >= bounds.psi ? (['psi'] as const) : []),
    ...(difference.enough && difference.wasserstein >= bounds.wasserstein ? (['wasserstein'] as const) : []),
    ...(difference.enough && after.kind === 'text' && difference.ks >= bounds.totalVariation
      ? (['totalVariation'] as const)
      : []),
    ...(Math.abs(difference.missing) >= bounds.missing ? (['missing'] as const) : []),
  ]
  if (!difference.enough && (because.length === 0 || gone >= bounds.alpha))
    return { ...common, verdict: 'not enough data', p: null, because: [], difference }
  return { ...common, verdict: 'steady', p, because, difference }
}

/** The chance of such shares of rows without a value if nothing changed. */
function missingChance(before: ColumnProfile, after: ColumnProfile): number {
  const [lackBefore, lackAfter] = [before, after].map((profile) =>
    profile.kind === 'text' ? profile.missing : profile.missing + profile.notFinite,
  ) as [number, number]
  const { p } = twoShares(lackBefore, rowsOf(before), lackAfter, rowsOf(after))
  // Of no row at all, or where none or all are missing on both sides, nothing is known or changed.
  return Number.isNaN(p) ? 1 : p
}

/** A column of values that are at hand. Null, undefined and NaN are missing. */
export function profileOf(values: ArrayLike<number | string | boolean | bigint | null | undefined>): ColumnProfile {
  if (values instanceof Float64Array || values instanceof Float32Array) {
    const profile = new NumberProfile()
    profile.add(values, null, 0, values.length)
    return profile
  }
  let first: unknown
  for (let i = 0; i < values.length && (first === undefined || first === null); i++) first = values[i]
  if (typeof first === 'string' || typeof first === 'boolean') {
    const profile = new TextProfile()
    for (let i = 0; i < values.length; i++)
      profile.add(values[i] === null || values[i] === undefined ? null : String(values[i]))
    return profile
  }
  const profile = new NumberProfile()
  const numbers = Float64Array.from(values, (value) => Number(value ?? Number.NaN))
  const valid = Uint8Array.from(values, (value) => (value === null || value === undefined ? 0 : 1))
  profile.add(numbers, valid, 0, numbers.length)
  return profile
}
