/** What the reports of all stores have in common: how an answer is timed, clocks are compared, and a failure is told of. */
import { systemClock } from '../kernel/clock.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import type { StoreProblem, StoreReport } from '../ports/inspection.ts'

export type Fact = StoreReport['facts'][number]

const questions = 5

/** The median of several small questions, one after another, in milliseconds. */
export async function roundTripOf(ask: () => unknown): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < questions; i++) {
    const began = performance.now()
    await ask()
    took.push(performance.now() - began)
  }
  return took.sort((a, b) => a - b)[questions >> 1]!
}

/** How far a store's clock is ahead of this machine's, in milliseconds. The store is taken to read it half-way through the question. */
export async function aheadOf(read: () => Promise<number>): Promise<number> {
  const clock = systemClock()
  const asked = clock.now()
  const theirs = await read()
  return theirs - (asked + clock.now()) / 2
}

/** What is said of a clock, and the warning where it is further off than what users count on allows. */
export function clockFact(aheadMs: number, mostMs: number): { readonly fact: Fact; readonly problems: StoreProblem[] } {
  const off = Math.abs(aheadMs)
  const length = off < 1_000 ? `${off.toFixed(0)} ms` : `${(off / 1_000).toFixed(off < 10_000 ? 1 : 0)} s`
  const value = `${length} ${aheadMs < 0 ? 'behind' : 'ahead of'} that of this machine`
  return {
    fact: { name: 'clock', value },
    problems:
      off <= mostMs
        ? []
        : [{ severity: 'warning', what: `Its clock is ${value}.`, fix: 'Keep the clocks of both in step, by NTP.' }],
  }
}

/** A failure as a problem; `fix` where it does not say itself what to do. */
export const problemOf = (error: unknown, fix: string): StoreProblem => ({
  severity: 'error',
  what: error instanceof Error ? error.message : String(error),
  fix: isSixfoldError(error) ? error.fix : fix,
})
