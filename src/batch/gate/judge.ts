/** The gate of a batch: everything that is known of it, held against what was asked. Pure: the same evidence has the same verdict. */
import type { Check, Verdict } from '../documents.ts'
import { distanceChecks } from './distances.ts'
import type { Evidence } from './evidence.ts'
import { hardChecks } from './hard.ts'

/** Of what passed so many are kept, those that came nearest first: the memory of a batch with many segments is bounded. */
const passedMost = 2_000
/** A batch that is wrong everywhere need not say so a million times. */
const refusalsMost = 500

export function judge(evidence: Evidence): Verdict {
  const { batch, profiles, previous, reference, days } = evidence
  const against = [
    ...(previous === null ? [] : [['previous', previous] as const]),
    ...(reference === null || reference.version === previous?.version ? [] : [['reference', reference] as const]),
  ]
  const { checks: distances, overlays } = distanceChecks(batch, profiles, against, days, evidence.at)
  const first: readonly Check[] =
    previous === null
      ? [
          {
            ...{ kind: 'distance', of: null, segment: null, against: 'previous', measure: null },
            ...{ outcome: 'nothing to compare with', value: null, bound: null, p: null },
            words: 'This is the first version: there is nothing to compare it with.',
          },
        ]
      : []
  const checks = [...hardChecks(evidence), ...first, ...distances]
  const refused = checks.filter(({ outcome }) => outcome === 'refused')
  const others = checks
    .filter(({ outcome }) => outcome !== 'refused')
    .toSorted((a, b) => nearness(b) - nearness(a))
    .slice(0, passedMost)
  return {
    passed: refused.length === 0,
    at: evidence.now,
    checks: [...refused.slice(0, refusalsMost), ...others],
    overlays,
    override: null,
  }
}

/** Checks by themselves before those of distributions, and of these the nearest to their bound first. */
const nearness = ({ kind, value, bound }: Check): number =>
  kind !== 'distance' ? 2 : value === null || bound === null || bound === 0 ? 0 : Math.min(1, value / bound)
