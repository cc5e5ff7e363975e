/**
 * Whether what was said came true: the last versions whose outcomes have had their time, taken together, against what somebody wrote down, or against
 * how versions before them did. What a model has unlearnt shows here, and nowhere in its distributions.
 */
import { normalCdf } from '../../statistics/distributions.ts'
import type { Check, Realised } from '../documents.ts'
import type { Evidence } from './evidence.ts'
import { beyond, count, figure, median } from './evidence.ts'

const versionsToJudge = 7

const words: { readonly [M in Realised['measure']]: (output: string) => string } = {
  logLoss: (output) => `the logarithmic loss of '${output}'`,
  brier: (output) => `the Brier score of '${output}'`,
  calibration: (output) => `how far the mean of '${output}' is from how often it was so`,
  meanAbsoluteError: (output) => `the mean absolute error of '${output}'`,
  wrong: (output) => `the share of labels '${output}' that were another`,
}

export function realisedChecks(evidence: Evidence): readonly Check[] {
  const { batch, realised } = evidence
  const { outcomes } = batch.gate
  if (outcomes === null || realised === null) return []
  const groups = new Map<string, Realised[]>()
  for (const one of realised.figures) {
    const key = `${one.output} ${one.measure}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const asked = new Set([...groups.values()].map(([first]) => first!.output))
  return [
    ...Object.keys(outcomes.labels)
      .filter((output) => !asked.has(output))
      .map((output) => lacking(output, 0, outcomes.least, realised.problem ?? noneYet)),
    ...[...groups.values()].flatMap((group) => judged(evidence, group)),
  ]
}

const noneYet = 'No version is kept whose outcomes have had their time: publish.keep says how many are.'

const lacking = (output: string, examples: number, least: number, why: string): Check => ({
  ...{ kind: 'outcomes', of: output, segment: null, against: null, measure: null, outcome: 'not enough data' },
  ...{ value: examples, bound: least, p: null },
  words: `Not enough labels to say whether '${output}' came true: ${count(examples)}, of ${count(least)}. ${why}`,
})

function judged({ batch, days }: Evidence, group: readonly Realised[]): readonly Check[] {
  const { least, worst } = batch.gate.outcomes!
  const [{ output, measure }] = group as [Realised]
  const declared = Object.hasOwn(worst, output) ? worst[output]![measure] : undefined
  if (declared === null) return []
  const { examples, value, deviation } = together(group)
  const versions = listed(group.map(({ version }) => version).toSorted((a, b) => a - b))
  if (examples < least) {
    // Said once of an output, whatever it is measured by.
    const first = measure === 'logLoss' || measure === 'meanAbsoluteError' || measure === 'wrong'
    return first ? [lacking(output, examples, least, `They are of ${versions}.`)] : []
  }
  const measuredNow = new Set(group.map(({ version }) => version))
  const past = pastOf(days, output, measure, measuredNow, least)
  const found = `Of ${versions} ${count(examples)} outcomes are known: ${words[measure](output)} is ${figure(value)}`
  const place = { kind: 'outcomes', of: output, segment: null, against: null, measure }
  if (declared === undefined && past.length < versionsToJudge)
    return [
      {
        ...{ ...place, outcome: 'not enough data', value, bound: null, p: null },
        words: `${found}. What it may be nobody wrote down, and ${past.length} of the ${versionsToJudge} earlier versions are known that show what it usually is.`,
      },
    ]
  const usual = median(past)
  const bound = declared ?? beyond(past)
  // How often as many examples, by chance alone, are as far above what is usual, or above what somebody wrote down.
  const error = deviation / Math.sqrt(examples)
  const from = declared ?? usual
  const p = error > 0 ? 1 - normalCdf((value - from) / error) : value > from ? 0 : 1
  const refused = value > bound && p < batch.gate.alpha
  const why = declared === undefined ? `, as ${count(past.length)} versions before show` : ''
  return [
    {
      ...{ ...place, outcome: refused ? 'refused' : 'passed', value, bound, p },
      words: `${found}; at most ${figure(bound)} may be${why}.${value > bound && !refused ? ' Chance alone shows as much.' : ''}`,
    },
  ]
}

function together(group: readonly Realised[]): Pick<Realised, 'examples' | 'value' | 'deviation'> {
  const examples = group.reduce((sum, one) => sum + one.examples, 0)
  if (examples === 0) return { examples, value: 0, deviation: 0 }
  const mean = (of: (one: Realised) => number): number =>
    group.reduce((sum, one) => sum + of(one) * one.examples, 0) / examples
  const signed = mean(({ value }) => value)
  return {
    examples,
    value: group[0]!.measure === 'calibration' ? Math.abs(signed) : signed,
    deviation: Math.sqrt(mean(({ deviation }) => deviation ** 2)),
  }
}

/** As it was found last of each version that is not among those that are judged: outcomes come late, and then it is found again. */
function pastOf(
  days: Evidence['days'],
  output: string,
  measure: Realised['measure'],
  without: ReadonlySet<number>,
  least: number,
): readonly number[] {
  const newest = new Map<number, number>()
  for (const day of days)
    for (const one of day.realised)
      if (
        one.output === output &&
        one.measure === measure &&
        one.examples >= least &&
        !without.has(one.version) &&
        !newest.has(one.version)
      )
        newest.set(one.version, measure === 'calibration' ? Math.abs(one.value) : one.value)
  return [...newest.values()]
}

const listed = (versions: readonly number[]): string =>
  versions.length === 1
    ? `version ${versions[0]}`
    : `versions ${versions.slice(0, -1).join(', ')} and ${versions.at(-1)}`
