/** How often what broke off is tried again by itself, and when. Forgotten with the process: the next one begins anew. */
import { catalogue } from '../../kernel/errors.ts'
import type { BatchRun } from '../../ports/batch-store.ts'

/** So often, with a longer pause each time. */
export const triesMost = 4
const pauseMs = 30_000

export interface Retrying {
  /** Counts a try that came to no end. False: there is no other. */
  again(run: BatchRun): boolean
  later(key: string): void
  ready(key: string): boolean
  over(key: string): boolean
  /** Runs that failed, of which there is another try. */
  failed(): readonly string[]
  forget(): void
}

export function retrying(now: () => number): Retrying {
  const tried = new Map<string, { readonly count: number; readonly notBefore: number; readonly failed: boolean }>()
  const count = (key: string, failed: boolean, longest: number): number => {
    const times = (tried.get(key)?.count ?? 0) + 1
    const pause = Math.min(longest, pauseMs * 2 ** Math.min(times - 1, 10))
    tried.set(key, { count: times, notBefore: now() + pause, failed })
    return times
  }
  return {
    again: (run) => {
      const failed = run.state === 'failed'
      // What is wrong with the rows or the definition is so the next time too.
      const hopeless = failed && !isPassing(run.error?.code ?? 'SX_INTERNAL')
      if (hopeless) tried.set(run.id, { count: triesMost, notBefore: Number.POSITIVE_INFINITY, failed: true })
      return !hopeless && count(run.id, failed, Number.POSITIVE_INFINITY) < triesMost
    },
    later: (key) => {
      count(key, false, 10 * pauseMs)
    },
    ready: (key) => now() >= (tried.get(key)?.notBefore ?? Number.NEGATIVE_INFINITY),
    over: (key) => (tried.get(key)?.count ?? 0) >= triesMost,
    failed: () => [...tried].flatMap(([id, { count: times, failed }]) => (failed && times < triesMost ? [id] : [])),
    forget: () => tried.clear(),
  }
}

const isPassing = (code: string): boolean =>
  code in catalogue && catalogue[code as keyof typeof catalogue].status >= 500
