/** Trying again what may succeed a little later, within somebody's patience. Lengths of time are those of `performance.now`. */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const [firstPauseMs, longestPauseMs] = [25, 500]

/**
 * How long to wait after so many tries that failed. It grows, so that whoever is overloaded is given room; and it differs, so that
 * those that failed at the same instant do not come back at the same instant.
 */
export function pauseAfter(failures: number): number {
  const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 10))
  return randomInt(longest >> 1, longest + 1)
}

/** Ends early, and without an error, when the signal is given. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {})

export interface Persistence {
  /** Nothing is tried again after this instant. */
  readonly until: number
  /** Whether another try may help. Asked once for each failure after which there is time for one. */
  passes(error: unknown): boolean
  /** Ends the trying, and a pause that is under way. */
  readonly signal?: AbortSignal
}

/** What the first try gives that does not fail; the last one's error if none does. There is always one. */
export async function persist<T>(attempt: () => Promise<T>, { until, passes, signal }: Persistence): Promise<T> {
  for (let failures = 1; ; failures++)
    try {
      return await attempt()
    } catch (error) {
      const leftMs = until - performance.now()
      if (signal?.aborted || leftMs <= 0 || !passes(error)) throw error
      await pause(Math.min(leftMs, pauseAfter(failures)), signal)
      if (signal?.aborted) throw error
    }
}

/** Waits until the work has ended, well or not, but no longer than this. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController()
  await Promise.race([work.catch(() => {}), pause(ms, ended.signal)])
  ended.abort()
}
