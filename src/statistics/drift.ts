/**
 * Whether columns have drifted from a reference: where the change is both great enough to matter and more than chance would show, with the chances
 * of all columns corrected together. Columns are known by their profiles, so that their number of rows does not matter.
 */
import { SixfoldError } from '../kernel/errors.ts'
import { normalCdf } from './distributions.ts'
import { falseDiscovery } from './false-discovery.ts'
import type { Difference } from './sketches/compare.ts'
import { compareProfiles } from './sketches/compare.ts'
import type { Moments } from './sketches/moments.ts'
import type { ColumnProfile } from './sketches/profile.ts'
import { NumberProfile, rowsOf, TextProfile } from './sketches/profile.ts'
import { twoShares } from './two-sample/counts.ts'

export interface DriftThresholds {
  /** Of the population stability index over tenths of the reference, or over its categories. */
  readonly psi: number
  /** Of Wasserstein's distance, in robust standard deviations (IQR / 1.349) of the reference. */
  readonly wasserstein: number
  /** Of the mean, in standard deviations of the reference. */
  readonly mean: number
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
  mean: 0.1,
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
  /** What was over its threshold, and of what drifted what there is evidence for as well. */
  readonly because: readonly ('psi' | 'wasserstein' | 'mean' | 'totalVariation' | 'missing')[]
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
  for (const [name, value] of Object.entries(bounds))
    if (!(value >= 0) || (name === 'alpha' && !(value > 0 && value < 1)))
      throw new SixfoldError('SX_REQUEST_INVALID', `The threshold '${name}' is ${value}.`, {
        fix: name === 'alpha' ? 'Give a chance between 0 and 1.' : 'Give a number that is not negative.',
      })
  const both = Object.keys(reference).filter((name) => Object.hasOwn(current, name))
  const found = both.map((column) => lookAt(column, reference[column]!, current[column]!, bounds))
  // Of the values and of those that are missing apart: what is evidence for the one is none for the other.
  const chances = falseDiscovery(found.flatMap(({ tests }) => tests.map(({ p }) => p)))
  let at = 0
  const columns = found.map(({ tests, ...one }): ColumnDrift => {
    const adjusted = tests.map((test) => ({ ...test, p: chances[at++]! }))
    const because = adjusted.flatMap((test) => (test.p < bounds.alpha ? test.effects : []))
    const p = adjusted.length === 0 ? null : Math.min(...adjusted.map((test) => test.p))
    if (because.length > 0) return { ...one, p, because, verdict: 'drifted' }
    return { ...one, p: one.verdict === 'steady' ? p : null, because: tests.flatMap(({ effects }) => effects) }
  })
  const without = (of: Profiled, other: Profiled) => Object.keys(other).filter((name) => !Object.hasOwn(of, name))
  return {
    columns,
    drifted: columns.filter(({ verdict }) => verdict === 'drifted').length,
    lacking: { reference: without(reference, current), current: without(current, reference) },
  }
}

interface Looked extends Omit<ColumnDrift, 'p' | 'because'> {
  /** With what was over its threshold, of what the chance is evidence for. */
  readonly tests: readonly { readonly p: number; readonly effects: ColumnDrift['because'] }[]
}

function lookAt(column: string, before: ColumnProfile, after: ColumnProfile, bounds: DriftThresholds): Looked {
  const rows = [rowsOf(before), rowsOf(after)] as const
  const common = { column, kind: after.kind, rows } as const
  if (before.kind !== after.kind) return { ...common, verdict: 'another type', tests: [], difference: null }
  const difference = compareProfiles(before, after)
  const { enough, psi, wasserstein, ks, mean } = difference
  const missing = {
    p: missingChance(before, after),
    effects: Math.abs(difference.missing) >= bounds.missing ? (['missing'] as const) : [],
  }
  if (!enough)
    return { ...common, verdict: 'not enough data', tests: missing.effects.length > 0 ? [missing] : [], difference }
  const byMean = before.kind === 'number' && after.kind === 'number' ? meanChance(before.moments, after.moments) : 1
  const values = {
    // Far from zero a bin of the sketch may hold the whole column: then its mean alone says that it moved.
    p: Math.min(1, (before.kind === 'number' ? 2 : 1) * Math.min(difference.ksP, byMean)),
    effects: [
      ...(psi >= bounds.psi ? (['psi'] as const) : []),
      ...(wasserstein >= bounds.wasserstein ? (['wasserstein'] as const) : []),
      ...(Math.abs(mean) >= bounds.mean ? (['mean'] as const) : []),
      ...(after.kind === 'text' && ks >= bounds.totalVariation ? (['totalVariation'] as const) : []),
    ],
  }
  return { ...common, verdict: 'steady', tests: [values, missing], difference }
}

/** That two means are one (Welch 1947), by the normal distribution: of samples that are large enough to be looked at. */
function meanChance(a: Moments, b: Moments): number {
  const apart = Math.abs(b.mean - a.mean)
  if (apart === 0) return 1
  const error = Math.sqrt(a.m2 / (a.count - 1) / a.count + b.m2 / (b.count - 1) / b.count)
  return error === 0 ? 0 : 2 * normalCdf(-apart / error)
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
