/**
 * From when on an event is seen. At the moment t it is seen if it happened before t (for a source that is `inclusive`: not after
 * t) and was known by t. Both are lower bounds on t, so each event has one first instant, and everything that asks "is it
 * visible?" compares with that.
 */
import type { Source } from '../definition/source.ts'
import { durationMs } from '../kernel/duration.ts'

export interface Visibility {
  /** 1 where an event is seen only after its own millisecond, 0 where in it. */
  readonly strictMs: 0 | 1
  /** How long after it happened an event is known. 0 where an arrival column says. */
  readonly delayMs: number
  /** The column that says when an event was known, if there is one. */
  readonly arrival: string | null
}

export function visibilityOf({ asOf, known }: Source): Visibility {
  return {
    strictMs: asOf === 'inclusive' ? 0 : 1,
    delayMs: known !== null && 'after' in known ? durationMs(known.after) : 0,
    arrival: known !== null && 'at' in known ? known.at : null,
  }
}

/** `arrival` counts only where the source names such a column; an arrival before the event changes nothing. */
export const visibleFrom = (time: number, arrival: number | null, { strictMs, delayMs }: Visibility): number =>
  Math.max(time + strictMs, arrival ?? time + delayMs)

/** By how much `visibleFrom` lies after the event for every event of the source; null where it differs from event to event. */
export const constantLag = ({ strictMs, delayMs, arrival }: Visibility): number | null =>
  arrival === null ? Math.max(strictMs, delayMs) : null
