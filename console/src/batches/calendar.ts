/** Runs by the days that they are for, as weeks of a calendar. */
import type { Run } from '../data/batches.ts'

export interface CalendarDay {
  /** Of its midnight, UTC. */
  readonly at: number
  /** Newest first. */
  readonly runs: readonly Pick<Run, 'at' | 'version' | 'state'>[]
}

const dayMs = 86_400_000
export const weeksShown = 26

/** Weeks from Monday on, oldest first, of which the last holds the newest of the runs and now. */
export function weeksOf(runs: readonly Pick<Run, 'at' | 'version' | 'state'>[], now: number): CalendarDay[][] {
  const newest = runs.reduce((most, { at }) => Math.max(most, at), now)
  const today = Math.floor(newest / dayMs)
  // The first of January 1970 was a Thursday.
  const monday = today - ((today + 3) % 7)
  const byDay = new Map<number, Pick<Run, 'at' | 'version' | 'state'>[]>()
  for (const run of runs) {
    const day = Math.floor(run.at / dayMs)
    byDay.set(day, [...(byDay.get(day) ?? []), run])
  }
  return Array.from({ length: weeksShown }, (_, week) =>
    Array.from({ length: 7 }, (_, weekday): CalendarDay => {
      const day = monday - (weeksShown - 1 - week) * 7 + weekday
      return { at: day * dayMs, runs: (byDay.get(day) ?? []).sort((a, b) => b.version - a.version) }
    }),
  )
}
