/** The gate of a batch: everything that is known of it, held against what was asked. The same evidence has the same verdict. */
import type { Against, Check, Verdict } from '../documents.ts'
import { withAdvice } from './advice.ts'
import { distanceChecks } from './distances.ts'
import type { Earlier, Evidence } from './evidence.ts'
import { hardChecks } from './hard.ts'
import { remember } from './memory.ts'
import { realisedChecks } from './realised.ts'

/** Of what passed so many are kept, those that came nearest first. What is remembered of the others stands in `memory`. */
const passedMost = 1_000
/** A batch that is wrong everywhere need not say so a million times. */
const refusalsMost = 500

export async function judge(evidence: Evidence): Promise<Verdict> {
  const { batch, profiles, previous, weekday, reference, days } = evidence
  const against: (readonly [Against, Earlier])[] = []
  if (weekday !== null) against.push(['weekday', weekday])
  if (previous !== null) against.push(['previous', previous])
  if (reference !== null && reference.version !== previous?.version) against.push(['reference', reference])
  const { checks: distances, overlays, told } = await distanceChecks(batch, profiles, against, days, evidence.at)
  const checks = [...hardChecks(evidence), ...realisedChecks(evidence), ...nothing(evidence), ...distances]
  const refused = checks.filter(({ outcome }) => outcome === 'refused')
  const others = checks
    .filter(({ outcome }) => outcome !== 'refused')
    .map((check) => [check, nearness(check)] as const)
    .sort(([, a], [, b]) => b - a)
    .slice(0, passedMost)
    .map(([check]) => check)
  return {
    passed: refused.length === 0,
    at: evidence.now,
    checks: [...refused.slice(0, refusalsMost).map(withAdvice), ...others],
    overlays,
    realised: evidence.realised?.figures ?? [],
    memory: remember(told, { ...profiles.entries, ...profiles.outputs }),
    override: null,
  }
}

/** What there was to be compared with, and is not. */
function nothing({ batch, plan, previous, weekday, days }: Evidence): readonly Check[] {
  const check = (against: Against, words: string): Check => ({
    ...{ kind: 'distance', of: null, segment: null, against, measure: null },
    ...{ outcome: 'nothing to compare with', value: null, bound: null, p: null, words },
  })
  const checks: Check[] = []
  if (previous === null)
    checks.push(
      check(
        'previous',
        plan.previous === null
          ? 'No version is live: there is nothing to compare this one with.'
          : `Version ${plan.previous}, which was live, is not kept any more: there is nothing to compare this one with.`,
      ),
    )
  const week = 7 * 86_400_000
  if (weekday === null && days.length > 1 && days[0]!.at - days.at(-1)!.at >= week)
    checks.push(
      check(
        'weekday',
        `No version of the same day of the week is kept, so that days of different kinds are held against each other, by bounds that rise to what they differ by. publish: { keep: ${Math.max(8, batch.publish.keep + 1)} } or more keeps one, where there is one version a day.`,
      ),
    )
  return checks
}

/** Checks by themselves before those of distributions, and of these the nearest to their bound first. */
const nearness = ({ kind, value, bound }: Check): number =>
  kind !== 'distance' ? 2 : value === null || bound === null || bound === 0 ? 0 : Math.min(1, value / bound)
