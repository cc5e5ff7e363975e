/**
 * What days are used to differ by. Of each verdict the distances from the version before are kept, few bytes each, so that with many segments the
 * memory is still whole; a bound that nobody wrote down rises to what they show.
 */
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import type { Check, Memory, Verdict } from '../documents.ts'
import type { Day } from './evidence.ts'
import { beyond } from './evidence.ts'

export const noMemory: Memory = Object.freeze({ distances: null, others: Object.freeze({}) })
export const memoryOf = (verdict: Verdict | null): Memory => verdict?.memory ?? noMemory

/** Of so many comparisons at most, those nearest to their bounds. */
const distancesMost = 5_000
/** Where no day comes to this part of a bound, the median and six deviations do not reach the bound: it need not be remembered. */
const worthKeeping = 1 / 5

const keyOf = (of: string, segment: string | null, measure: string): string =>
  `${of}\u0000${segment ?? ''}\u0000${segment === null ? '' : '1'}\u0000${measure}`

/** `bound`: what is asked before days are looked at. */
export interface Told {
  readonly check: Check
  readonly bound: number
}

export function remember(told: readonly Told[] | null, columns: { readonly [name: string]: ColumnProfile }): Memory {
  return {
    distances:
      told === null
        ? null
        : told
            .filter(({ check, bound }) => check.value !== null && check.value >= worthKeeping * bound)
            .toSorted((a, b) => b.check.value! / b.bound - a.check.value! / a.bound)
            .slice(0, distancesMost)
            .map(({ check: { of, segment, measure, value } }) => [
              of!,
              segment,
              measure!,
              Number(value!.toPrecision(3)),
            ]),
    others: Object.fromEntries(
      Object.entries(columns).flatMap(([name, profile]) => {
        const found = othersOf(profile)
        return found === null ? [] : [[name, found] as const]
      }),
    ),
  }
}

/** A column of fewer values is looked at as one of few. */
export const fewValues = 10

/** The most frequent value, and the share of rows with another; null of a column with many values, or with none. */
export function othersOf(profile: ColumnProfile): readonly [most: string, share: number] | null {
  let [values, total, most, name] = [0, 0, 0, '']
  const counts = profile.kind === 'text' ? profile.counts : profile.sketch.bins()
  for (const [value, times] of counts) {
    if (++values >= fewValues) return null
    total += times
    if (times > most) [most, name] = [times, String(value)]
  }
  if (profile.kind === 'text') total += profile.others
  return total === 0 ? null : [name, (total - most) / total]
}

const daysToJudge = 7
const sameDaysToJudge = 2
/** Older ones say little of how days are now. */
const daysMost = 28

/**
 * So far the last days were apart, and six deviations more; nothing while there are few of them. On a day of the week that always differs much from the day
 * before, half as much again as it did. Days that somebody let through are not what days are like.
 */
export function usualOf(
  days: readonly Day[],
  weekday: (at: number) => string,
  at: number,
): (of: string, segment: string | null, measure: string) => number {
  const taken = days
    .filter(({ memory, letThrough }) => memory.distances !== null && letThrough === null)
    .slice(0, daysMost)
  const known = taken.length >= daysToJudge
  const today = weekday(at)
  const same = taken.flatMap((day, i) => (weekday(day.at) === today ? [i] : []))
  const past = new Map<string, Float64Array>()
  for (const [i, { memory }] of taken.entries())
    for (const [of, segment, measure, value] of memory.distances!) {
      const key = keyOf(of, segment, measure)
      const values = past.get(key) ?? new Float64Array(taken.length)
      values[i] = value
      past.set(key, values)
    }
  return (of, segment, measure) => {
    const values = known ? past.get(keyOf(of, segment, measure)) : undefined
    if (values === undefined) return 0
    const apart = beyond([...values])
    return same.length < sameDaysToJudge ? apart : Math.max(apart, 1.5 * Math.max(...same.map((i) => values[i]!)))
  }
}
