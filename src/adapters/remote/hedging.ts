/**
 * When a second request is worth sending: where the first takes longer than most did, and of so few calls that a slow server does not get
 * slower by it.
 */

export interface Hedging {
  /** Of the latest calls, in milliseconds; null before there are enough. */
  readonly p95Ms: number | null
  /** When to send a second request, in milliseconds after the first; null: there is no telling yet. */
  readonly afterMs: number | null
  /** A call begins. */
  called(): void
  /** Whether one of them may be sent twice now; counts as done where it may. */
  take(): boolean
  answered(milliseconds: number): void
}

const share = 0.05
/** What calls have earned that needed none. */
const most = 5
/** Where calls are quicker than this, a second one would come too late to be of use. */
const soonestMs = 5
const kept = 256
const enough = 20
const every = 16

export function hedging(): Hedging {
  const times = new Float64Array(kept)
  let count = 0
  let earned = 0
  let p95Ms: number | null = null
  return {
    get p95Ms() {
      return p95Ms
    },
    get afterMs() {
      return p95Ms === null ? null : Math.max(soonestMs, p95Ms)
    },
    called: () => {
      earned = Math.min(most, earned + share)
    },
    take: () => {
      if (earned < 1) return false
      earned--
      return true
    },
    answered: (milliseconds) => {
      times[count++ % kept] = milliseconds
      if (count < enough || (p95Ms !== null && count % every !== 0)) return
      const sorted = times.slice(0, Math.min(count, kept)).sort()
      p95Ms = sorted[Math.ceil(sorted.length * 0.95) - 1]!
    },
  }
}
