/**
 * Old and new distributions: of outputs and entries over all rows, and of outputs by segment. A batch is refused for one where two things are so:
 * the distance is greater than its bound, and chance alone would not show as much. With millions of rows the second is always so: then the bound
 * decides. A bound that nobody declared follows what days are used to differ by.
 */
import type { Batch, Distances } from '../../definition/batch.ts'
import { standardBatchGate } from '../../definition/batch.ts'
import { holm } from '../../statistics/holm.ts'
import type { Difference } from '../../statistics/sketches/compare.ts'
import { compareProfiles } from '../../statistics/sketches/compare.ts'
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import type { Check, Overlay } from '../documents.ts'
import type { ProfileSet } from '../profile-set.ts'
import type { Day, Earlier } from './evidence.ts'
import { figure, median, percent, weekdayOf } from './hard.ts'

export interface Compared {
  readonly checks: readonly Check[]
  readonly overlays: readonly Overlay[]
}

type Against = 'previous' | 'reference'
const overlaysMost = 60

export function distanceChecks(
  batch: Batch,
  profiles: ProfileSet<ColumnProfile>,
  against: readonly (readonly [Against, Earlier])[],
  days: readonly Day[],
  at: number,
): Compared {
  const checks: Check[] = []
  const overlays: Overlay[] = []
  const refusedOverlays: Overlay[] = []
  const past = pastOf(days)
  const like = pastOf(days.filter((day) => weekdayOf(batch, day.at) === weekdayOf(batch, at)))
  for (const [which, earlier] of against) {
    const seen = (
      of: string,
      segment: string | null,
      before: ColumnProfile | undefined,
      after: ColumnProfile,
      bounds: Distances,
    ): void => {
      if (before === undefined || before.kind !== after.kind) return
      const difference = compareProfiles(before, after)
      const found = measured(batch, which, of, segment, difference, bounds, { past, like })
      checks.push(...found)
      const bad = found.some(({ outcome }) => outcome === 'refused')
      const overlay = { of, segment, against: which, bins: difference.bins }
      if (bad) refusedOverlays.push(overlay)
      else if (segment === null) overlays.push(overlay)
    }
    const boundsFor = (name: string, standard: Distances): Distances => ({ ...standard, ...batch.gate.of[name] })
    const { outputs, entries } = batch.gate.distances
    for (const [name, after] of Object.entries(profiles.outputs))
      seen(name, null, earlier.profiles.outputs[name], after, boundsFor(name, outputs))
    for (const [name, after] of Object.entries(profiles.entries))
      seen(name, null, earlier.profiles.entries[name], after, boundsFor(name, entries))
    for (const [segment, values] of Object.entries(earlier.profiles.segments))
      for (const [value, before] of Object.entries(values)) {
        const after = profiles.segments[segment]?.[value]
        const title = `${segment} = ${value}`
        if (after === undefined || after.rows === 0) {
          // Where some values are counted together, which of them are is chance: this one may be among those.
          const together = profiles.segments[segment]?.['']?.rows ?? 0
          if (together === 0 && before.rows >= batch.gate.segmentRows) checks.push(gone(title, which, before.rows))
          continue
        }
        for (const [name, of] of Object.entries(after.outputs))
          seen(name, title, before.outputs[name], of, boundsFor(name, outputs))
      }
  }
  return {
    checks: withChance(checks, batch.gate.alpha),
    overlays: [...refusedOverlays, ...overlays].slice(0, overlaysMost),
  }
}

const gone = (segment: string, against: Against, rows: number): Check => ({
  ...{ kind: 'segment', of: null, segment, against, measure: null, outcome: 'refused' },
  ...{ value: 0, bound: rows, p: null },
  words: `There are no rows of ${segment}; ${rows.toLocaleString('en-US')} were there before.`,
})

const words: { readonly [M in keyof Distances]: string } = {
  psi: 'the population stability index',
  js: 'the Jensen-Shannon distance',
  ks: "Kolmogorov and Smirnov's distance",
  wasserstein: 'the Wasserstein distance',
  mean: 'the mean, in standard deviations,',
}

function measured(
  batch: Batch,
  against: Against,
  of: string,
  segment: string | null,
  difference: Difference,
  bounds: Distances,
  { past, like }: { readonly past: Past; readonly like: Past },
): readonly Check[] {
  const [before, after] = difference.counts
  const few = Math.min(before, after) < (segment === null ? 1 : batch.gate.segmentRows) || !difference.enough
  const lacking = missingMoved(batch, against, of, segment, difference)
  const distances = (Object.entries(bounds) as (readonly [keyof Distances, number | null])[]).flatMap(
    ([measure, declared]) => {
      if (declared === null) return []
      const signed = difference[measure]
      if (Number.isNaN(signed)) return []
      const value = Math.abs(signed)
      const bound = used(batch, of, measure, declared)
        ? declared
        : Math.max(
            declared,
            usual(past.get(keyOf(of, segment, measure)) ?? [], like.get(keyOf(of, segment, measure)) ?? []),
          )
      const chance = measure === 'psi' || measure === 'js' ? difference.psiP : difference.ksP
      const title = segment === null ? `'${of}'` : `'${of}' where ${segment}`
      const outcome = few ? 'not enough data' : value > bound ? 'refused' : 'passed'
      return [
        {
          ...{ kind: 'distance', of, segment, against, measure, outcome, value, bound, p: chance },
          words: few
            ? `${title}: ${Math.min(before, after).toLocaleString('en-US')} rows are too few to say anything.`
            : `${title}: ${words[measure]} ${measure === 'mean' ? 'moved by' : 'is'} ${figure(signed)} against the ${against === 'previous' ? 'version before' : 'reference'}; at most ${figure(bound)} may be.`,
        } satisfies Check,
      ]
    },
  )
  return lacking === null ? distances : [...distances, lacking]
}

/** Of an output the hard checks say how many may be missing at all; this is about entries, which may be missing. */
function missingMoved(
  { gate }: Batch,
  against: Against,
  of: string,
  segment: string | null,
  { missing }: Difference,
): Check | null {
  const most = gate.lacking
  if (segment !== null || most === null || missing <= most) return null
  return {
    ...{ kind: 'missing', of, segment, against, measure: 'missing', outcome: 'refused' },
    ...{ value: missing, bound: most, p: null },
    words: `'${of}' is missing in ${percent(missing)} more of the rows than before; ${percent(most)} may be.`,
  }
}

/** What somebody wrote down is not moved by what days are like. */
function used({ gate }: Batch, of: string, measure: keyof Distances, declared: number): boolean {
  if (gate.of[of]?.[measure] !== undefined) return true
  const { outputs, entries } = standardBatchGate.distances
  return declared !== outputs[measure] && declared !== entries[measure]
}

const daysToJudge = 7
const sameDaysToJudge = 2
/** Of a normal distribution the median of the absolute deviations, as a part of its standard deviation. */
const madToDeviation = 1.4826

/** The distances of earlier days from the day before each, by what was compared. */
type Past = ReadonlyMap<string, readonly number[]>
const keyOf = (of: string | null, segment: string | null, measure: string | null): string =>
  JSON.stringify([of, segment, measure])

function pastOf(days: readonly Day[]): Past {
  const past = new Map<string, number[]>()
  for (const { checks } of days)
    for (const { kind, against, of, segment, measure, value, outcome } of checks) {
      if (kind !== 'distance' || against !== 'previous' || value === null || outcome === 'not enough data') continue
      const key = keyOf(of, segment, measure)
      const values = past.get(key)
      if (values === undefined) past.set(key, [value])
      else values.push(value)
    }
  return past
}

/**
 * So far the last days were apart, and six deviations more; nothing while there are few of them. On a day of the week that always differs much from
 * the day before, half as much again as it did.
 */
function usual(past: readonly number[], like: readonly number[]): number {
  if (past.length < daysToJudge) return 0
  const middle = median(past)
  const apart = middle + 6 * madToDeviation * median(past.map((value) => Math.abs(value - middle)))
  return like.length < sameDaysToJudge ? apart : Math.max(apart, 1.5 * Math.max(...like))
}

/** By Holm's way over all that was compared: that even one of them is refused by chance is rarer than alpha. */
function withChance(checks: readonly Check[], alpha: number): readonly Check[] {
  const asked = checks.filter(({ p, outcome }) => p !== null && outcome !== 'not enough data')
  const adjusted = new Map(holm(asked.map(({ p }) => p!)).map((p, i) => [asked[i]!, p]))
  return checks.map((check) => {
    const p = adjusted.get(check)
    if (p === undefined) return check
    if (check.outcome !== 'refused' || p < alpha) return { ...check, p }
    return {
      ...check,
      p,
      outcome: 'passed',
      words: `${check.words} Chance alone shows as much in ${percent(p)} of such batches.`,
    }
  })
}
