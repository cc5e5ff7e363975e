/**
 * Old and new distributions: of outputs and entries over all rows, and of outputs by segment. A batch is refused for one where two things are so:
 * the distance is greater than its bound, and chance alone would not show as much. With millions of rows the second is always so: then the bound
 * decides. Like is held against like first: where a version of the same day of the week is kept, that one decides, by bounds that nothing widens.
 */
import { setImmediate as immediate } from 'node:timers/promises'
import type { Batch, Distances } from '../../definition/batch.ts'
import { falseDiscovery } from '../../statistics/false-discovery.ts'
import type { Difference } from '../../statistics/sketches/compare.ts'
import { compareProfiles } from '../../statistics/sketches/compare.ts'
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import { rowsOf } from '../../statistics/sketches/profile.ts'
import type { Against, Check, Overlay } from '../documents.ts'
import type { ProfileSet } from '../profile-set.ts'
import { chanceOf } from './chance.ts'
import type { Day, Earlier } from './evidence.ts'
import { count, figure, percent, weekdays } from './evidence.ts'
import type { Told } from './memory.ts'
import { usualOf } from './memory.ts'
import { settled } from './settle.ts'

export interface Compared {
  readonly checks: readonly Check[]
  readonly overlays: readonly Overlay[]
  /** What was found against the version before; null where there is none. */
  readonly told: readonly Told[] | null
}

export const againstWords: { readonly [A in Against]: string } = {
  previous: 'the version before',
  weekday: 'the last of the same weekday',
  reference: 'the reference',
}
const overlaysMost = 60

/** So long it goes on at a stretch: thousands of columns take seconds, and whoever judges has a lease to renew and others to answer. */
const stretchMs = 25

export async function distanceChecks(
  batch: Batch,
  profiles: ProfileSet<ColumnProfile>,
  against: readonly (readonly [Against, Earlier])[],
  days: readonly Day[],
  at: number,
): Promise<Compared> {
  const usual = usualOf(days, weekdays(batch), at)
  const all: Found[] = []
  const overlays: { readonly bad: boolean; readonly overlay: Overlay }[] = []
  const small = new Map<string, number>()
  const decides = against.find(([which]) => which === 'weekday')?.[1] ?? null
  let began = performance.now()
  const breathe = async (): Promise<void> => {
    if (performance.now() - began < stretchMs) return
    await immediate()
    began = performance.now()
  }
  for (const [which, earlier] of against) {
    const see = (
      of: string,
      segment: string | null,
      [before, after]: readonly [ColumnProfile | undefined, ColumnProfile],
      kind: 'outputs' | 'entries',
    ): void => {
      if (before === undefined || before.kind !== after.kind) return
      // What has too few rows is not laid over anything: a batch can have a thousand such segments.
      const least = Math.min(rowsOf(before), rowsOf(after))
      // Nor what the one that decides has too few of: it is the first that is looked at.
      if (segment !== null && (least < batch.gate.segmentRows || small.has(segment))) {
        small.set(segment, Math.min(small.get(segment) ?? least, least))
        return
      }
      const difference = compareProfiles(before, after)
      const found = measured(batch, which, of, segment, [before, after], difference, kind, usual)
      all.push(...found)
      const bad = found.some(({ check }) => check.outcome === 'refused')
      // The same column over another version is a second picture of it: only where it shows what is wrong.
      if (bad || (segment === null && (which !== 'previous' || decides === null)))
        overlays.push({ bad, overlay: { of, segment, against: which, bins: difference.bins } })
    }
    for (const kind of ['outputs', 'entries'] as const)
      for (const [name, after] of Object.entries(profiles[kind])) {
        see(name, null, [own(earlier.profiles[kind], name), after], kind)
        await breathe()
      }
    for (const [segment, values] of Object.entries(earlier.profiles.segments))
      for (const [value, before] of Object.entries(values)) {
        const now = own(profiles.segments, segment)
        const after = now === undefined ? undefined : own(now, value)
        const title = `${segment} = ${value === '' ? 'all others' : value}`
        if (after === undefined || after.rows === 0) {
          // Where some values are counted together, which of them are is chance: this one may be among those.
          if ((now?.['']?.rows ?? 0) === 0 && before.rows >= batch.gate.segmentRows)
            all.push({ check: gone(title, which, before.rows), asked: null })
        } else
          for (const [name, of] of Object.entries(after.outputs)) {
            see(name, title, [own(before.outputs, name), of], 'outputs')
            await breathe()
          }
      }
  }
  const told = against.some(([which]) => which === 'previous') ? toldOf(all) : null
  const checks = all.map(({ check }) => check)
  return {
    checks: [...settled(withChance(checks, batch.gate.alpha), decides, days), ...tooSmall(small, batch)],
    overlays: overlays
      .toSorted((a, b) => Number(b.bad) - Number(a.bad))
      .map(({ overlay }) => overlay)
      .slice(0, overlaysMost),
    told,
  }
}

/** Names come from data: one that every object has is none that was given. */
const own = <T>(of: { readonly [name: string]: T }, name: string): T | undefined =>
  Object.hasOwn(of, name) ? of[name] : undefined

interface Found {
  readonly check: Check
  /** What is asked before days are looked at; null where somebody wrote it down, or it is no distance. */
  readonly asked: number | null
}

const toldOf = (all: readonly Found[]): readonly Told[] =>
  all.flatMap(({ check, asked }) =>
    asked === null || check.against !== 'previous' || check.outcome === 'not enough data'
      ? []
      : [{ check, bound: asked }],
  )

const gone = (segment: string, against: Against, rows: number): Check => ({
  ...{ kind: 'segment', of: null, segment, against, measure: null, outcome: 'refused' },
  ...{ value: 0, bound: rows, p: null },
  words: `There are no rows of ${segment}; ${against === 'previous' ? 'the version before' : againstWords[against]} had ${count(rows)}.`,
})

const namedMost = 20
function tooSmall(small: ReadonlyMap<string, number>, { gate }: Batch): readonly Check[] {
  if (small.size === 0) return []
  const named = [...small].toSorted(([, a], [, b]) => b - a).map(([segment, rows]) => `${segment} (${count(rows)})`)
  const shown = named.slice(0, namedMost).join(', ')
  const more = named.length > namedMost ? `, and ${count(named.length - namedMost)} more` : ''
  return [
    {
      ...{ kind: 'segment', of: null, segment: null, against: null, measure: null, outcome: 'not enough data' },
      ...{ value: small.size, bound: gate.segmentRows, p: null },
      words: `Of segments with fewer than ${count(gate.segmentRows)} rows nothing is said by themselves: ${shown}${more}. They are part of the whole; gate.segmentRows sets how many it takes.`,
    },
  ]
}

/** What never varied has no deviation to be apart by: more than any bound, and still a number. */
const farthest = 1e9

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
  pair: readonly [ColumnProfile, ColumnProfile],
  difference: Difference,
  kind: 'outputs' | 'entries',
  usual: (of: string, segment: string | null, measure: string) => number,
): readonly Found[] {
  const { distances, gate } = { distances: batch.gate.distances[kind], gate: batch.gate }
  const written = Object.hasOwn(gate.of, of) ? gate.of[of]! : {}
  const title = segment === null ? `'${of}'` : `'${of}' where ${segment}`
  const least = Math.min(...difference.counts)
  const place = { of, segment, against }
  const found: Found[] = []
  for (const measure of Object.keys(distances) as (keyof Distances)[]) {
    const most = measure in written ? written[measure]! : distances[measure]
    const signed = difference[measure]
    if (most === null || most === undefined || Number.isNaN(signed)) continue
    if (least === 0 || !difference.enough) {
      const told = `${title}: ${count(least)} values are too few to say anything of its distribution.`
      const check: Check = {
        ...{ kind: 'distance', ...place, measure, outcome: 'not enough data', value: null, bound: most, p: null },
        words: told,
      }
      return [{ check, asked: null }]
    }
    const declared = measure in written || gate.distances.declared.includes(`${kind}.${measure}`)
    const past = declared || against !== 'previous' ? 0 : usual(of, segment, measure)
    const value = Math.min(Math.abs(signed), farthest)
    const bound = Math.max(most, past)
    found.push({
      check: {
        ...{ kind: 'distance', ...place, measure, outcome: value > bound ? 'refused' : 'passed', value, bound },
        p: chanceOf(measure, difference, pair, bound),
        words:
          value === farthest
            ? `${title} was one value in ${againstWords[against]}, and is another now.`
            : `${title}: ${words[measure]} ${measure === 'mean' ? 'moved by' : 'is'} ${figure(signed)} against ${againstWords[against]}; at most ${figure(bound)} may be${bound > most ? ', as days differ' : ''}.`,
      },
      asked: declared ? null : most,
    })
  }
  // Of an output the hard checks say how many may be missing at all; this is about entries, which may be missing.
  const { lacking } = gate
  if (segment === null && lacking !== null && difference.missing > lacking)
    found.push({
      check: {
        ...{ kind: 'missing', ...place, measure: 'missing', outcome: 'refused' },
        ...{ value: difference.missing, bound: lacking, p: null },
        words: `'${of}' is missing in ${percent(difference.missing)} more of the rows than in ${againstWords[against]}; ${percent(lacking)} may be.`,
      },
      asked: null,
    })
  return found
}

/** By Benjamini's and Hochberg's way over all that was compared: on a clean day that even one is refused by chance is rarer than alpha. */
function withChance(all: readonly Check[], alpha: number): readonly Check[] {
  const asked = all.filter(({ p, outcome }) => p !== null && outcome !== 'not enough data')
  const adjusted = new Map(falseDiscovery(asked.map(({ p }) => p!)).map((p, i) => [asked[i]!, p]))
  return all.map((check) => {
    const p = adjusted.get(check)
    if (p === undefined) return check
    if (check.outcome !== 'refused' || p < alpha) return { ...check, p }
    const words = `${check.words} Chance alone shows as much in ${percent(p)} of such batches.`
    return { ...check, p, outcome: 'passed', words }
  })
}
