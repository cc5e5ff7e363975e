/**
 * Two versions that a batch is held against can say different things: a Saturday is unlike a Friday and like the Saturday before. Where a version of
 * the same day of the week has what is asked about, it decides. Where somebody has let a batch through since for just that, the old level may be right
 * or the new one: being like either will do.
 */
import type { Check } from '../documents.ts'
import type { Day, Earlier } from './evidence.ts'

export function settled(all: readonly Check[], weekday: Earlier | null, days: readonly Day[]): readonly Check[] {
  if (weekday === null || all.every(({ outcome }) => outcome !== 'refused')) return all
  const [said, refused] = [new Set<string>(), new Set<string>()]
  for (const check of all) {
    if (check.outcome !== 'not enough data') said.add(keyOf(check))
    if (check.outcome === 'refused') refused.add(keyOf(check))
  }
  // That a segment is gone, or values are missing, is said where it is so, and nothing where it is not: of a column the version must speak at all.
  const columns = new Set(all.map((check) => `${check.against} ${placeOf(check)}`))
  const spoken = (other: string, { kind, against, of, segment }: Check): boolean =>
    kind === 'distance'
      ? said.has(other)
      : kind === 'segment' ||
        columns.has(`${against === 'previous' ? 'weekday' : 'previous'} ${placeOf({ of, segment })}`)
  const since = sinceThen(days.filter(({ at }) => at > weekday.at))
  return all.map((check) => {
    if (check.outcome !== 'refused' || (check.against !== 'previous' && check.against !== 'weekday')) return check
    const other = keyOf({ ...check, against: check.against === 'previous' ? 'weekday' : 'previous' })
    if (refused.has(other) || !spoken(other, check)) return check
    if (check.against === 'previous')
      return passed(check, `It is as version ${weekday.version} was, the last of the same weekday, which decides.`)
    const version = since.get(placeOf(check))
    if (version === undefined) return check
    return passed(check, `It is as the version before was, and version ${version} was let through with it.`)
  })
}

/** Which version somebody let through, by what its gate had refused it for. */
function sinceThen(days: readonly Day[]): ReadonlyMap<string, number> {
  const since = new Map<string, number>()
  for (const { version, letThrough } of days)
    for (const place of letThrough ?? []) if (!since.has(placeOf(place))) since.set(placeOf(place), version)
  return since
}

const passed = (check: Check, why: string): Check => ({
  ...check,
  outcome: 'passed',
  words: `${check.words} ${why}`,
})

const placeOf = ({ of, segment }: Pick<Check, 'of' | 'segment'>): string => JSON.stringify([of, segment])
const keyOf = ({ kind, against, of, segment, measure }: Check): string =>
  JSON.stringify([kind, against, of, segment, measure])
