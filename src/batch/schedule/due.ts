/** Which runs a schedule wants at an instant: what was due while nothing ran is made up for by its policy. */
import type { Schedule } from '../../definition/batch.ts'
import { instantBefore, lastDue } from './instants.ts'

/** More runs than this are not made up for by themselves: they are a backfill, for somebody to ask for. */
export const caughtUpMost = 100
/** A run that begins so late is still in time: whoever kept the schedule may have died at its instant. */
export const lateMs = 60_000

export interface Due {
  /** Oldest first. */
  readonly instants: readonly number[]
  /** What is not made up for, where there is something; for a log. */
  readonly left: string | null
}

const nothing: Due = { instants: [], left: null }

/**
 * `lastRun` is the instant of the last run that the schedule wanted. Where it is null there was none, and nothing to make up for: the
 * last instant is due alone, so that a new batch has something to show, unless its policy makes up for nothing.
 */
export function dueRuns(schedule: Schedule, lastRun: number | null, now: number): Due {
  const last = lastDue(schedule, now)
  if (last === null || (lastRun !== null && last <= lastRun)) return nothing
  const inTime = now - last <= lateMs
  if (schedule.catchUp === 'none' && !inTime) return nothing
  if (schedule.catchUp !== 'all' || lastRun === null) return { instants: [last], left: null }
  const instants: number[] = []
  let instant: number | null = last
  while (instant !== null && instant > lastRun && instants.length < caughtUpMost) {
    instants.push(instant)
    instant = instantBefore(schedule, instant)
  }
  const left =
    instant !== null && instant > lastRun
      ? `Runs from ${new Date(lastRun + 1).toISOString()} to ${new Date(instant).toISOString()} are not made up for: at most the last ${caughtUpMost} are. A backfill does that.`
      : null
  return { instants: instants.reverse(), left }
}
