/**
 * A circuit breaker: a server that fails is left alone for a while, so that callers have their fallback at once, and it has the time to come
 * back. Then one call at a time finds out; no other waits for that one, as most libraries have it, for each has a deadline of its own.
 */

export interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open'
  /** Whether a call may be made now. Each that may ends with one of the three below. */
  enter(): boolean
  succeeded(): void
  failed(): void
  /** It ended, and told nothing of the server: its caller had no time for an answer. */
  left(): void
  /** Milliseconds until it is tried again; 0 where it is or may be. */
  readonly waitMs: number
}

/** So many failures one after another open it; or such a share of at least so many calls within the window. */
const consecutive = 5
const share = 0.5
const least = 20
const windowMs = 10_000
/** It stays open for the first, doubled each time that the server has not come back. */
const shortestMs = 500
const longestMs = 30_000

export function breaker(now: () => number): Breaker {
  let opened: number | null = null
  let openMs = shortestMs
  let probing = false
  let inRow = 0
  /** Calls and failures of this window and the one before: what happened within the last window and a bit. */
  let began = now()
  let calls = [0, 0]
  let failures = [0, 0]

  const count = (failed: boolean): void => {
    const at = now()
    if (at - began >= windowMs) {
      const next = at - began < 2 * windowMs
      calls = [0, next ? calls[0]! : 0]
      failures = [0, next ? failures[0]! : 0]
      began = at
    }
    calls[0]!++
    if (failed) failures[0]!++
  }
  const open = (): void => {
    if (opened !== null) openMs = Math.min(longestMs, openMs * 2)
    opened = now()
    probing = false
  }
  const waitMs = (): number => (opened === null ? 0 : Math.max(0, opened + openMs - now()))
  return {
    get state() {
      return opened === null ? 'closed' : waitMs() > 0 ? 'open' : 'half-open'
    },
    get waitMs() {
      return waitMs()
    },
    enter: () => {
      if (opened === null) return true
      if (probing || waitMs() > 0) return false
      probing = true
      return true
    },
    succeeded: () => {
      if (opened !== null && !probing) return
      if (opened !== null) {
        opened = null
        openMs = shortestMs
        probing = false
        calls = [0, 0]
        failures = [0, 0]
      }
      inRow = 0
      count(false)
    },
    failed: () => {
      // Calls that were under way when it was opened say nothing new.
      if (opened !== null && !probing) return
      if (opened !== null) return open()
      inRow++
      count(true)
      const all = calls[0]! + calls[1]!
      if (inRow >= consecutive || (all >= least && failures[0]! + failures[1]! >= all * share)) open()
    },
    left: () => {
      probing = false
    },
  }
}
