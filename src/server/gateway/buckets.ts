/**
 * A token bucket for each of many names, as one number each: the instant at which it would be full again. What is full is as good as
 * absent, so that memory is bounded by dropping those that rested longest.
 */
import type { Rate } from '../../kernel/rate.ts'
import { burstOf } from '../../kernel/rate.ts'

export interface Taken {
  readonly allowed: boolean
  /** Whole tokens that are left. */
  readonly left: number
  /** Milliseconds until the next token, where none was left; else until the bucket is full. */
  readonly waitMs: number
}

export interface Buckets {
  take(name: string, rate: Rate, now: number): Taken
  readonly size: number
}

/** `most`: of names that are kept. */
export function buckets(most = 100_000): Buckets {
  /** In the order of their last use. */
  const fullAt = new Map<string, number>()
  return {
    take: (name, rate, now) => {
      const each = 1_000 / rate.perSecond
      const burst = burstOf(rate)
      const before = Math.max(now, fullAt.get(name) ?? now)
      const after = before + each
      const missing = after - now
      // Instants are sums of fractions: what is over by less than a thousandth of a token is not.
      if (missing > burst * each + each / 1_000) return { allowed: false, left: 0, waitMs: missing - burst * each }
      fullAt.delete(name)
      fullAt.set(name, after)
      if (fullAt.size > most)
        for (const oldest of fullAt.keys()) {
          fullAt.delete(oldest)
          break
        }
      return { allowed: true, left: Math.max(0, Math.floor(burst - missing / each + 1e-3)), waitMs: missing }
    },
    get size() {
      return fullAt.size
    },
  }
}
