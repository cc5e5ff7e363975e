/** What is right or wrong by itself, without chance: coverage, missing values, ranges, twins, how many rows, how fresh their inputs. */
import { durationMs, formatDuration } from '../../kernel/duration.ts'
import { formatInstant } from '../../kernel/instant.ts'
import type { Check } from '../documents.ts'
import { constant } from './constant.ts'
import type { Day, Evidence } from './evidence.ts'
import { check, count, figure, median, percent, weekdays } from './evidence.ts'

export function hardChecks(evidence: Evidence): readonly Check[] {
  return [
    ...schema(evidence),
    ...answered(evidence),
    ...ranges(evidence),
    twins(evidence),
    ...keys(evidence),
    ...howMany(evidence),
    ...fresh(evidence),
    ...constant(evidence),
    ...againstLast(evidence),
  ]
}

/** What the version before had, and the definition still has, is there, and of the same kind. */
function schema({ batch, profiles, previous }: Evidence): readonly Check[] {
  if (previous === null) return []
  const of = (group: 'entries' | 'outputs', defined: { readonly [name: string]: unknown }): readonly Check[] =>
    Object.entries(previous.profiles[group]).flatMap(([name, before]) => {
      if (!Object.hasOwn(defined, name)) return []
      const now = profiles[group][name]
      if (now?.kind === before.kind) return []
      const words =
        now === undefined ? `'${name}' is not there any more.` : `'${name}' was a ${before.kind} and is a ${now.kind}.`
      return [check('schema', name, false, null, null, words)]
    })
  return [...of('entries', batch.model.vector), ...of('outputs', batch.model.output)]
}

function answered({ batch, plan, profiles }: Evidence): readonly Check[] {
  const { coverage, missing } = batch.gate
  const share = plan.rows === 0 ? 0 : profiles.rows / plan.rows
  return [
    check(
      'coverage',
      null,
      plan.rows > 0 && share >= coverage,
      share,
      coverage,
      plan.rows === 0
        ? 'There are no rows.'
        : `${count(profiles.rows)} of ${count(plan.rows)} rows were scored, ${percent(share)}; at least ${percent(coverage)} must be.`,
    ),
    ...Object.entries(profiles.missing).map(([output, lacking]) => {
      const without = profiles.rows === 0 ? 0 : lacking / profiles.rows
      return check(
        'missing',
        output,
        without <= missing,
        without,
        missing,
        `${count(lacking)} rows have no '${output}', ${percent(without)}; at most ${percent(missing)} may have none.`,
      )
    }),
  ]
}

function ranges({ batch, profiles }: Evidence): readonly Check[] {
  return Object.entries(profiles.outputs).flatMap(([output, profile]) => {
    const kind = batch.model.output[output]
    const range = batch.gate.range[output] ?? (kind === 'probability' ? ([0, 1] as const) : null)
    if (range === null || profile.kind !== 'number' || profile.moments.count === 0) return []
    const { min, max } = profile.moments
    const words = `'${output}' is from ${figure(min)} to ${figure(max)}; it may be from ${range[0]} to ${range[1]}.`
    const ok = min >= range[0] && max <= range[1]
    return [check('range', output, ok, min < range[0] ? min : max, min < range[0] ? range[0] : range[1], words)]
  })
}

function twins({ comparison }: Evidence): Check {
  const words =
    comparison.twins === 0
      ? 'Every key has one row.'
      : `${count(comparison.twins)} rows have the key of another row, and none may: which of the two would answer is chance.`
  return check('twins', null, comparison.twins === 0, comparison.twins, 0, words)
}

function keys({ batch, comparison, previous }: Evidence): readonly Check[] {
  const least = batch.gate.keys
  if (least === null || previous === null || comparison.rows.before === 0) return []
  const share = comparison.rows.both / comparison.rows.before
  const words = `${percent(share)} of the keys of version ${previous.version} are in this one; at least ${percent(least)} must be.`
  return [check('keys', null, share >= least, share, least, words)]
}

/** Days of which the rows are like these: the same day of the week, of four weeks; where there are none, the last. */
function howMany({ batch, at, plan, days }: Evidence): readonly Check[] {
  const most = batch.gate.rows
  if (most === null || days.length === 0) return []
  const weekday = weekdays(batch)
  const same = days.filter((day) => weekday(day.at) === weekday(at)).slice(0, 4)
  const like = same.length > 0 ? same : days.slice(0, 1)
  const usual = median(like.map(({ rows }) => rows))
  if (usual === 0) return []
  const off = Math.abs(plan.rows - usual) / usual
  const words = `${count(plan.rows)} rows, where ${count(usual)} are usual${same.length > 0 ? ' on that day of the week' : ''}: ${percent(off)} off, of at most ${percent(most)}.`
  return [check('rows', null, off <= most, off, most, words)]
}

const daysToJudge = 5

/** Of sources for which nothing is declared: when an input is much older than it ever was. */
function fresh({ batch, at, plan, days }: Evidence): readonly Check[] {
  return Object.entries(plan.newest).flatMap(([source, newest]) => {
    const declared = batch.gate.freshness[source]
    const ages = days.flatMap((day) => ageOf(day, source))
    const usual = ages.length < daysToJudge ? null : 2 * Math.max(...ages) + 3_600_000
    const bound = declared === undefined ? usual : durationMs(declared)
    const age = newest === null ? null : at - newest
    const found =
      age === null
        ? `'${source}' has no event by ${formatInstant(at)}`
        : `The newest event of '${source}' is ${long(age)} old`
    if (bound === null) {
      const words = `${found}. How old it may be nobody wrote down, and ${count(ages.length)} of the ${daysToJudge} versions are there that show how old it usually is. Write gate: { freshness: { ${source}: '12h' } } to have it asked from the first on.`
      return [{ ...check('freshness', source, true, age, null, words), outcome: 'not enough data' as const }]
    }
    const why = declared === undefined ? ', twice as old as it was in any version, and an hour more' : ''
    const words = `${found}; it may be ${long(bound)}${why}.`
    return [check('freshness', source, age !== null && age <= bound, age, bound, words)]
  })
}
const long = (ms: number): string => formatDuration(Math.max(0, Math.round(ms / 1000) * 1000))
const ageOf = ({ at, newest }: Day, source: string): readonly number[] => {
  const last = newest[source]
  return last === null || last === undefined ? [] : [at - last]
}

function againstLast({ batch, comparison, previous }: Evidence): readonly Check[] {
  if (previous === null) return []
  const { top, flips } = batch.gate
  const checks: Check[] = []
  if (top !== null && comparison.top !== null) {
    const share = comparison.top.both / Math.max(1, Math.min(top.k, comparison.rows.before))
    const words = `${percent(share)} of the first ${count(top.k)} by '${top.output}' of version ${previous.version} are among this one's first; at least ${percent(top.overlap)} must be.`
    checks.push(check('top', top.output, share >= top.overlap, share, top.overlap, words))
  }
  if (flips !== null && comparison.flips !== null && comparison.rows.both > 0) {
    const share = comparison.flips / comparison.rows.both
    const words = `For ${count(comparison.flips)} of ${count(comparison.rows.both)} keys the decision is another than in version ${previous.version}, ${percent(share)}; at most ${percent(flips)} may be.`
    checks.push(check('flips', null, share <= flips, share, flips, words))
  }
  return checks
}
