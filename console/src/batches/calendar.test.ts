import { expect, test } from 'vitest'
import { weeksOf, weeksShown } from './calendar.ts'

const run = (at: string, version: number, state: 'published' | 'refused' = 'published') => ({
  at: Date.parse(at),
  version,
  state,
})

test('weeks begin on Mondays, and the last holds now', () => {
  const weeks = weeksOf([], Date.parse('2026-11-25T17:00:00Z'))
  expect(weeks).toHaveLength(weeksShown)
  expect(weeks.every((week) => week.length === 7 && new Date(week[0]!.at).getUTCDay() === 1)).toBe(true)
  expect(weeks.at(-1)!.map(({ at }) => new Date(at).getUTCDate())).toEqual([23, 24, 25, 26, 27, 28, 29])
})

test('runs stand on the day that they are for, the newest first', () => {
  const runs = [
    run('2026-11-23T00:00:00Z', 1),
    run('2026-11-23T23:59:59Z', 3, 'refused'),
    run('2026-11-22T23:00:00Z', 2),
  ]
  const weeks = weeksOf(runs, Date.parse('2026-11-24T00:00:00Z'))
  expect(weeks.at(-1)![0]!.runs.map(({ version }) => version)).toEqual([3, 1])
  expect(weeks.at(-2)![6]!.runs.map(({ version }) => version)).toEqual([2])
})

test('runs for days to come are shown as well', () => {
  const weeks = weeksOf([run('2026-12-09T20:00:00Z', 9)], Date.parse('2026-11-24T00:00:00Z'))
  expect(weeks.at(-1)!.flatMap(({ runs }) => runs.map(({ version }) => version))).toEqual([9])
})
