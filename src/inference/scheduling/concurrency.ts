/**
 * How many calls at once a server elsewhere takes without slowing down, found out by watching: Gradient2 of Netflix's concurrency-limits.
 * Where calls lately take longer than they do in the long run, the limit shrinks in proportion; else it grows by about its square root.
 */
export interface ConcurrencyLimit {
  readonly limit: number
  /** A call that took so long, while so many were under way. */
  add(milliseconds: number, underWay: number): void
}

const tolerance = 1.5
const smoothing = 0.2
/** Calls over which the long run is meant. */
const window = 600

export function concurrencyLimit(most: number, least = 1): ConcurrencyLimit {
  let limit = Math.min(most, 8)
  let long = 0
  let short = 0
  let seen = 0
  return {
    get limit() {
      return Math.max(least, Math.min(most, Math.floor(limit)))
    },
    add: (milliseconds, underWay) => {
      seen++
      const weight = 2 / (Math.min(seen, window) + 1)
      long = seen === 1 ? milliseconds : long + (milliseconds - long) * weight
      short = seen === 1 ? milliseconds : short + (milliseconds - short) * 0.3
      // After a time of trouble the long run is to come down sooner than it went up.
      if (long / short > 2) long *= 0.95
      // A limit that is not reached says nothing.
      if (underWay < limit / 2) return
      const gradient = Math.max(0.5, Math.min(1, (tolerance * long) / short))
      const next = gradient * limit + Math.sqrt(limit)
      limit = Math.max(least, Math.min(most, limit * (1 - smoothing) + next * smoothing))
    },
  }
}
