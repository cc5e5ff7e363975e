/** Schedules: their instants in zones where clocks change, held against the clock itself; and what is made up for. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { caughtUpMost, dueRuns, lateMs } from '../../src/batch/schedule/due.ts'
import { instantAfter, instantBefore, instantsBetween, lastDue } from '../../src/batch/schedule/instants.ts'
import { cron } from '../../src/definition/batch.ts'

const at = (text: string): number => Date.parse(text)
const texts = (instants: Iterable<number>): string[] =>
  [...instants].map((instant) => new Date(instant).toISOString().slice(0, 16))
const minute = 60_000
const runs = Number(process.env['RUNS'] ?? 60)

describe('instants', () => {
  test('a time that a clock shows twice is had once, the first', () => {
    expect(
      texts(
        instantsBetween(
          cron('30 2 * * *', { zone: 'Europe/Berlin' }),
          at('2026-10-24T12:00Z'),
          at('2026-10-27T00:00Z'),
        ),
      ),
    ).toEqual(['2026-10-25T00:30', '2026-10-26T01:30'])
  })
  test('a time that a clock leaves out is had when it has moved on', () => {
    expect(
      texts(
        instantsBetween(
          cron('30 2 * * *', { zone: 'Europe/Berlin' }),
          at('2026-03-28T12:00Z'),
          at('2026-03-30T12:00Z'),
        ),
      ),
    ).toEqual(['2026-03-29T01:00', '2026-03-30T00:30'])
  })
  test('so is each of several times', () => {
    const twice = cron('0 2,14 * * *', { zone: 'Europe/Berlin' })
    expect(texts(instantsBetween(twice, at('2026-10-24T22:00Z'), at('2026-10-25T23:00Z')))).toEqual([
      '2026-10-25T00:00',
      '2026-10-25T13:00',
    ])
    expect(texts(instantsBetween(twice, at('2026-03-28T23:00Z'), at('2026-03-29T22:00Z')))).toEqual([
      '2026-03-29T01:00',
      '2026-03-29T12:00',
    ])
  })
  test('every hour is every hour that passes', () => {
    const hourly = cron('0 * * * *', { zone: 'Europe/Berlin' })
    for (const day of ['2026-10-25', '2026-03-29']) {
      const from = at(`${day}T00:00Z`)
      const instants = [...instantsBetween(hourly, from, from + 6 * 60 * minute)]
      expect(instants).toEqual([0, 1, 2, 3, 4, 5].map((hour) => from + hour * 60 * minute))
    }
  })
  test('a day that never comes has no instant', () => {
    const never = cron('0 0 30 2 *')
    expect([instantAfter(never, 0), instantBefore(never, 0), lastDue(never, 0)]).toEqual([null, null, null])
  })

  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/Sao_Paulo',
    'Pacific/Apia',
  ]
  // Spans with a change of clocks in one of the zones, the day that Samoa left out, and any other.
  const starts = [
    '2026-03-28',
    '2026-10-24',
    '2026-03-07',
    '2026-10-31',
    '2018-11-03',
    '2018-02-17',
    '2026-04-04',
    '2026-10-03',
    '2026-06-01',
    '2028-02-28',
  ]
  const clocks = new Map(zones.map((zone) => [zone, clockOf(zone)]))

  test('are what a clock on the wall says, for any time of day and any step', () => {
    void fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...starts),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.constantFrom('time', 'step', 'hourly'),
        (zone, start, hour, minutes, form) => {
          const clock = clocks.get(zone)!
          const [from, until] = [at(`${start}T00:00Z`), at(`${start}T00:00Z`) + 72 * 60 * minute]
          const text =
            form === 'time'
              ? `${minutes} ${hour} * * *`
              : form === 'step'
                ? `*/${(minutes % 29) + 2} ${hour} * * *`
                : `${minutes} * * * *`
          const expected =
            form === 'time'
              ? byDay(clock, hour * 60 + minutes, from, until)
              : byMinute(clock, from, until, (m) =>
                  form === 'step'
                    ? Math.floor(m / 60) === hour && (m % 60) % ((minutes % 29) + 2) === 0
                    : m % 60 === minutes,
                )
          const schedule = cron(text, { zone })
          expect(texts(instantsBetween(schedule, from, until)), `${text} in ${zone}`).toEqual(texts(expected))
          const backwards: number[] = []
          for (
            let instant = instantBefore(schedule, until);
            instant !== null && instant >= from;
            instant = instantBefore(schedule, instant)
          )
            backwards.unshift(instant)
          expect(texts(backwards), `${text} in ${zone}, backwards`).toEqual(texts(expected))
        },
      ),
      { numRuns: runs, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) },
    )
  }, 120_000)
})

/** What a clock on the wall of a zone shows: the day, and minutes since its beginning. */
function clockOf(zone: string) {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  return (instant: number): readonly [day: string, minutes: number] => {
    const [day, time] = format.format(instant).split(', ') as [string, string]
    return [day, Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))]
  }
}
type WallClock = ReturnType<typeof clockOf>

function byMinute(clock: WallClock, from: number, until: number, wanted: (minutes: number) => boolean): number[] {
  const found: number[] = []
  for (let instant = from; instant < until; instant += minute) if (wanted(clock(instant)[1])) found.push(instant)
  return found
}

/** Each day's first instant that shows the time, or, where none does, the first after it. */
function byDay(clock: WallClock, wanted: number, from: number, until: number): number[] {
  const found = new Map<string, number>()
  const shown = new Set<string>()
  for (let instant = from - 36 * 60 * minute; instant < until + 36 * 60 * minute; instant += minute) {
    const [day, minutes] = clock(instant)
    if (minutes === wanted && !shown.has(day)) {
      shown.add(day)
      found.set(day, instant)
    } else if (minutes > wanted && !shown.has(day)) {
      // The minute before is of this day; or of the day before, where clocks are put forward at midnight.
      const [before, minutesBefore] = clock(instant - minute)
      if (before !== day || minutesBefore < wanted) found.set(day, instant)
    }
  }
  return [...found.values()].filter((instant) => instant >= from && instant < until).sort((a, b) => a - b)
}

describe('what is made up for', () => {
  const evening = (catchUp: 'none' | 'latest' | 'all') => cron('0 20 * * *', { catchUp })
  const now = at('2026-11-25T21:00Z')
  test('nothing is due that ran, or has not come', () => {
    expect(dueRuns(evening('all'), at('2026-11-25T20:00Z'), now).instants).toEqual([])
    expect(dueRuns(evening('all'), at('2026-11-24T20:00Z'), at('2026-11-25T19:59:59.999Z')).instants).toEqual([])
  })
  test('by policy: none, the latest, each', () => {
    const missed = at('2026-11-22T20:00Z')
    expect(dueRuns(evening('none'), missed, now).instants).toEqual([])
    expect(texts(dueRuns(evening('latest'), missed, now).instants)).toEqual(['2026-11-25T20:00'])
    expect(texts(dueRuns(evening('all'), missed, now).instants)).toEqual([
      '2026-11-23T20:00',
      '2026-11-24T20:00',
      '2026-11-25T20:00',
    ])
  })
  test('what is a little late is not missed', () => {
    const instant = at('2026-11-25T20:00Z')
    expect(dueRuns(evening('none'), null, instant + lateMs).instants).toEqual([instant])
    expect(dueRuns(evening('none'), null, instant + lateMs + 1).instants).toEqual([])
  })
  test('one that never ran has the last instant alone', () => {
    expect(texts(dueRuns(evening('all'), null, now).instants)).toEqual(['2026-11-25T20:00'])
    expect(texts(dueRuns(evening('latest'), null, now).instants)).toEqual(['2026-11-25T20:00'])
  })
  test('no more than the last hundred, and it is said which are left', () => {
    const { instants, left } = dueRuns(cron('* * * * *', { catchUp: 'all' }), now - 500 * minute, now)
    expect(instants).toHaveLength(caughtUpMost)
    expect([instants[0], instants.at(-1)]).toEqual([now - 99 * minute, now])
    expect(left).toContain('2026-11-25T19:20:00.000Z')
    expect(left).toContain('backfill')
  })
})
