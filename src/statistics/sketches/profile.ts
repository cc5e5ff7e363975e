/**
 * What is known of a column when its values are gone: of numbers a sketch of their distribution and their moments, of texts how often each
 * occurred, and of both how many were missing. Profiles of parts merge to that of the whole; as JSON they are some kilobytes.
 */
import type { Moments } from './moments.ts'
import { momentsOfAll, momentsOfSome, noMoments, together } from './moments.ts'
import { Quantiles } from './quantiles.ts'

export type ColumnProfile = NumberProfile | TextProfile

/** Values of texts are told apart up to so many; what comes after is counted together. */
const textsMost = 4_096

export class NumberProfile {
  readonly kind = 'number'
  readonly sketch: Quantiles = new Quantiles()
  moments: Moments = noMoments
  missing = 0
  /** Not a number, or infinite: no part of the sketch. */
  notFinite = 0

  /** `valid` 0: missing. */
  add(values: ArrayLike<number>, valid: Uint8Array | null, from: number, to: number): void {
    const whole = valid === null ? momentsOfAll(values, from, to) : null
    if (whole === null) {
      for (let i = from; i < to; i++) {
        if (valid !== null && valid[i] === 0) this.missing++
        else if (!Number.isFinite(values[i])) this.notFinite++
      }
    }
    this.moments = together(this.moments, whole ?? momentsOfSome(values, valid, from, to))
    this.sketch.addAll(values, valid, from, to)
  }

  addOne(value: number | null): void {
    if (value === null) this.missing++
    else if (!Number.isFinite(value)) this.notFinite++
    else {
      this.sketch.add(value)
      // As `together` does it for one value (Welford 1962).
      const { count: had, mean, m2, min, max } = this.moments
      const count = had + 1
      const apart = value - mean
      const now = mean + apart / count
      this.moments = {
        count,
        mean: now,
        m2: m2 + apart * (value - now),
        min: value < min ? value : min,
        max: value > max ? value : max,
      }
    }
  }

  merge(other: NumberProfile): void {
    this.sketch.merge(other.sketch)
    this.moments = together(this.moments, other.moments)
    this.missing += other.missing
    this.notFinite += other.notFinite
  }

  toJSON(): ProfileJson {
    const { kind, moments, missing, notFinite } = this
    const [min, max] = moments.count === 0 ? [null, null] : [moments.min, moments.max]
    return { kind, ...moments, min, max, missing, notFinite, bins: [...this.sketch.bins()] }
  }
}

export class TextProfile {
  readonly kind = 'text'
  readonly counts: Map<string, number> = new Map()
  /** Of values beyond those that are told apart. */
  others = 0
  missing = 0

  add(value: string | null, times = 1): void {
    if (value === null) this.missing += times
    else {
      const had = this.counts.get(value)
      if (had === undefined && this.counts.size >= textsMost) this.others += times
      else this.counts.set(value, (had ?? 0) + times)
    }
  }

  get count(): number {
    let all = this.others
    for (const times of this.counts.values()) all += times
    return all
  }

  merge(other: TextProfile): void {
    for (const [value, times] of other.counts) this.add(value, times)
    this.others += other.others
    this.missing += other.missing
  }

  toJSON(): ProfileJson {
    const { kind, others, missing } = this
    return { kind, others, missing, counts: [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)) }
  }
}

export type ProfileJson =
  | {
      readonly kind: 'number'
      readonly count: number
      readonly mean: number
      readonly m2: number
      /** Null of nothing. */
      readonly min: number | null
      readonly max: number | null
      readonly missing: number
      readonly notFinite: number
      readonly bins: readonly (readonly [bin: number, count: number])[]
    }
  | {
      readonly kind: 'text'
      readonly others: number
      readonly missing: number
      readonly counts: readonly (readonly [value: string, count: number])[]
    }

export function profileFrom(json: ProfileJson): ColumnProfile {
  if (json.kind === 'text') {
    const profile = new TextProfile()
    for (const [value, times] of json.counts) profile.counts.set(value, times)
    profile.others = json.others
    profile.missing = json.missing
    return profile
  }
  const profile = new NumberProfile()
  for (const [bin, count] of json.bins) profile.sketch.addBin(bin, count)
  const { count, mean, m2, min, max } = json
  profile.moments = count === 0 ? noMoments : { count, mean, m2, min: min ?? Number.NaN, max: max ?? Number.NaN }
  profile.missing = json.missing
  profile.notFinite = json.notFinite
  return profile
}

/** Into the first, which is of the same kind. */
export function mergeProfile(into: ColumnProfile, other: ColumnProfile): void {
  if (into.kind === 'number' && other.kind === 'number') into.merge(other)
  else if (into.kind === 'text' && other.kind === 'text') into.merge(other)
  else throw new Error(`A profile of ${other.kind}s is no part of one of ${into.kind}s.`)
}

export const rowsOf = (profile: ColumnProfile): number =>
  profile.kind === 'text'
    ? profile.count + profile.missing
    : profile.moments.count + profile.missing + profile.notFinite
