/**
 * How many workers a queue needs. It grows soon, one at a time, while rows wait for long or are turned away; and shrinks late, after a
 * time in which one less would have been enough. Between the two lies a band in which nothing changes, so that it does not swing.
 */
import type { WorkerBounds } from './work.ts'

export interface Load {
  readonly now: number
  /** Workers that are ready or starting. */
  readonly workers: number
  /** How long a row that comes now would wait, and how long rows may wait, in milliseconds. */
  readonly waitMs: number
  readonly allowedMs: number
  /** Requests turned away or expired since the last look. */
  readonly lost: number
  /** The share of the time since the last look in which the workers computed, over all of them. */
  readonly busy: number
}

export interface Autoscale {
  /** How many there should be. */
  look(load: Load, bounds: WorkerBounds): number
}

/** After a worker was added its effect is waited for. */
const growEveryMs = 500
const quietMs = 30_000
/** A share of what rows may wait that is too long, and one of the time that leaves room for one worker less. */
const longWait = 0.3
const littleBusy = 0.6

export function autoscale(): Autoscale {
  let grew = Number.NEGATIVE_INFINITY
  /** Since when one less would have been enough. */
  let quiet: number | null = null
  return {
    look: ({ now, workers, waitMs, allowedMs, lost, busy }, { min, max }) => {
      if (workers < min || workers > max) return Math.max(min, Math.min(max, workers))
      if (lost > 0 || waitMs > allowedMs * longWait) {
        quiet = null
        if (workers === max || now - grew < growEveryMs) return workers
        grew = now
        return workers + 1
      }
      if (workers === min || busy * workers > littleBusy * (workers - 1)) {
        quiet = null
        return workers
      }
      quiet ??= now
      if (now - quiet < quietMs) return workers
      quiet = now
      return workers - 1
    },
  }
}
