/**
 * Where time comes from. Everything that asks what time it is takes a Clock, so that a test or a replay can own it.
 * `now` never goes backwards within a process: online state answers for instants in order, and a clock that steps back would
 * make it refuse.
 */
export interface Clock {
  /** Milliseconds since the epoch, whole. */
  now(): number
  /** Milliseconds on a clock that only measures lengths; its zero means nothing. */
  monotonic(): number
}

export function systemClock(): Clock {
  let latest = 0
  return {
    now: () => {
      latest = Math.max(latest, Date.now())
      return latest
    },
    monotonic: () => performance.now(),
  }
}

/** A clock that stands still until it is moved, for replays and tests. */
export interface ManualClock extends Clock {
  /** Moves to an instant; one before the present is ignored. */
  advanceTo(instant: number): void
}

export function manualClock(start: number): ManualClock {
  let instant = start
  return {
    now: () => instant,
    monotonic: () => performance.now(),
    advanceTo: (to) => {
      instant = Math.max(instant, Math.floor(to))
    },
  }
}
