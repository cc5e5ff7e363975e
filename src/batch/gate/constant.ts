/**
 * Columns that are one value now, or none, and were more. Of one that had many values a day says enough; one that has few may have one of them for a
 * day (no rain at all three airports), and is held against all the days that are remembered.
 */
import type { ColumnProfile, NumberProfile } from '../../statistics/sketches/profile.ts'
import type { Check } from '../documents.ts'
import type { Evidence } from './evidence.ts'
import { check, count, figure, median, percent } from './evidence.ts'
import { fewValues, othersOf } from './memory.ts'

export function constant(evidence: Evidence): readonly Check[] {
  const { batch, profiles, previous } = evidence
  const all = (of: 'entries' | 'outputs'): readonly Check[] =>
    Object.entries(profiles[of]).flatMap(([name, profile]) => {
      const before = previous?.profiles[of][name]
      if (before !== undefined && variety(before) >= fewValues) {
        const had = present(before) >= batch.gate.segmentRows
        if (had && present(profile) === 0) {
          const words = `'${name}' has no value in any row; in version ${previous!.version} it had one in ${count(present(before))}.`
          return [check('constant', name, false, 0, null, words)]
        }
        if (variety(profile) === 1 && profiles.rows >= batch.gate.segmentRows) {
          const words = `'${name}' is ${onlyOf(profile)} in every row; in version ${previous!.version} it had many values.`
          return [check('constant', name, false, 1, null, words)]
        }
        return []
      }
      return variety(profile) === 1 ? few(evidence, name, profile) : []
    })
  return [...all('entries'), ...all('outputs')]
}

/** Two weeks, so that each day of the week is among them more than once. */
const daysToKnow = 14
const daysMost = 28
/** So many rows with another value are missing at least: that independent rows have none by chance is one in e^20. */
const rowsToMiss = 20
/** What comes and goes by itself was a small part of what it usually is on some day. */
const steady = 1 / 5

/** It was another value in about as many rows on every day, beside the same most frequent one, and is that one in every row. */
function few({ profiles, days }: Evidence, name: string, profile: ColumnProfile): readonly Check[] {
  const now = othersOf(profile)
  const past = days
    .slice(0, daysMost)
    .flatMap(({ memory }) => (Object.hasOwn(memory.others, name) ? [memory.others[name]!] : []))
  if (now === null || past.length < daysToKnow || past.some(([most]) => most !== now[0])) return []
  const parts = past.map(([, share]) => share)
  const [least, usual] = [Math.min(...parts), median(parts)]
  if (least < steady * usual || least * profiles.rows < rowsToMiss) return []
  const words = `'${name}' is ${onlyOf(profile)} in every row; in each of the last ${past.length} versions between ${percent(least)} and ${percent(Math.max(...parts))} of the rows had another value.`
  return [check('constant', name, false, 0, least, words)]
}

const onlyOf = (profile: ColumnProfile): string =>
  profile.kind === 'number' ? figure(profile.moments.mean) : `'${[...profile.counts.keys()][0]}'`
const present = (profile: ColumnProfile): number => (profile.kind === 'text' ? profile.count : profile.moments.count)
/** No further than it takes to say that there are many. */
function variety(profile: ColumnProfile): number {
  if (profile.kind === 'text') return profile.counts.size
  return onlyOne(profile) ? 1 : atMost(profile.sketch.bins(), fewValues)
}
const onlyOne = ({ moments }: NumberProfile): boolean => moments.count > 0 && moments.min === moments.max
function atMost(values: Iterable<unknown>, most: number): number {
  let n = 0
  for (const _ of values) if (++n === most) break
  return n
}
