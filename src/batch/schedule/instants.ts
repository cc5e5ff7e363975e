/**
 * The instants of a schedule. Where clocks are put back or forward: a schedule that names its minutes and hours has each of its times
 * once a day, the first of two that a clock shows twice, and when the clock has moved on where it shows none; one with `*` or a step
 * in them follows the clock, so that `0 * * * *` is every hour that passes.
 */
import { Cron } from 'croner'
import type { Schedule } from '../../definition/batch.ts'

/** The first instant after another. Null: there is none, as of the 30th of February. */
export const instantAfter = (schedule: Schedule, instant: number): number | null =>
  cronOf(schedule).nextRun(new Date(instant))?.getTime() ?? null

/** The last instant before another; null where there is none. */
export const instantBefore = (schedule: Schedule, instant: number): number | null =>
  cronOf(schedule).previousRuns(1, new Date(instant))[0]?.getTime() ?? null

/** The last one that has come. */
export const lastDue = (schedule: Schedule, now: number): number | null => instantBefore(schedule, now + 1)

/** From one instant on and before another, oldest first. */
export function* instantsBetween(schedule: Schedule, from: number, until: number): Generator<number> {
  let instant = instantAfter(schedule, from - 1)
  while (instant !== null && instant < until) {
    yield instant
    instant = instantAfter(schedule, instant)
  }
}

const kept = new Map<string, Cron>()
const keptMost = 1000

function cronOf({ cron, zone }: Schedule): Cron {
  const key = `${zone} ${cron}`
  let found = kept.get(key)
  if (found === undefined) {
    if (kept.size >= keptMost) kept.clear()
    found = new Cron(cron, { timezone: zone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true })
    kept.set(key, found)
  }
  return found
}
