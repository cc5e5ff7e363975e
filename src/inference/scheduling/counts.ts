/** What became of requests and calls, since the start. */
import type { SchedulingCounts } from './work.ts'

/** 'short': even with nobody before it, its caller does not wait as long as a call takes. */
export type Refusal = 'full' | 'late' | 'limit' | 'short'
export type Release = 'idle' | 'busy' | 'full'

export class Counts {
  succeeded = 0
  failed = 0
  rows = 0
  calls = 0
  expired = 0
  queuedMs = 0
  computedMs = 0
  readonly refused = { full: 0, late: 0, limit: 0, short: 0 }
  readonly released = { idle: 0, busy: 0, full: 0 }
  readonly #batches = new Map<number, { calls: number; milliseconds: number }>()

  /** Refused or expired: who might have been answered by one worker more. */
  get lost(): number {
    return this.refused.full + this.refused.late + this.refused.limit + this.expired
  }

  called(rows: number, milliseconds: number): void {
    this.calls++
    this.rows += rows
    const of = this.#batches.get(rows)
    if (of === undefined) this.#batches.set(rows, { calls: 1, milliseconds })
    else {
      of.calls++
      of.milliseconds += milliseconds
    }
  }

  snapshot(restarts: number): SchedulingCounts {
    const { succeeded, failed, rows, calls, expired, queuedMs, computedMs } = this
    return {
      ...{ succeeded, failed, rows, calls, expired, queuedMs, computedMs, restarts },
      refused: { ...this.refused },
      released: { ...this.released },
      batches: [...this.#batches.entries()].sort(([a], [b]) => a - b).map(([rows, of]) => ({ rows, ...of })),
    }
  }
}
