import { expect, test } from 'vitest'
import { autoscale } from './autoscale.ts'

const bounds = { min: 1, max: 4 }

/** A queue in steps of 250 ms: rows come at a rate, each worker does 100 a second, and what waits too long is turned away. */
function simulate(rates: readonly { readonly perSecond: number; readonly seconds: number }[]): readonly number[] {
  const scale = autoscale()
  let workers = 1
  let waiting = 0
  let now = 0
  const counts: number[] = []
  for (const { perSecond, seconds } of rates)
    for (let step = 0; step < seconds * 4; step++) {
      now += 250
      const could = workers * 25
      const come = perSecond / 4
      const done = Math.min(could, waiting + come)
      waiting += come - done
      const room = workers * 10
      const lost = Math.max(0, waiting - room)
      waiting -= lost
      const waitMs = (waiting / (workers * 100)) * 1000
      workers = scale.look({ now, workers, waitMs, allowedMs: 100, lost, busy: done / could }, bounds)
      counts.push(workers)
    }
  return counts
}

test('a load that doubles, and doubles again, has the workers that it needs within seconds', () => {
  const counts = simulate([
    { perSecond: 80, seconds: 10 },
    { perSecond: 160, seconds: 10 },
    { perSecond: 320, seconds: 10 },
  ])
  expect(counts.slice(0, 40).every((count) => count === 1)).toBe(true)
  expect(counts[39 + 8]).toBe(2)
  expect(counts[79 + 12]).toBe(4)
  expect(Math.max(...counts)).toBe(4)
})

test('it does not swing: under a steady load between two sizes the number stays', () => {
  const counts = simulate([{ perSecond: 150, seconds: 600 }])
  expect(new Set(counts.slice(40))).toEqual(new Set([2]))
})

test('a load that halves gives workers back, later and one at a time', () => {
  const counts = simulate([
    { perSecond: 320, seconds: 20 },
    { perSecond: 50, seconds: 300 },
  ])
  const after = counts.slice(80)
  expect(after.slice(0, 100).every((count) => count === 4)).toBe(true)
  expect(after.at(-1)).toBe(1)
  for (let i = 1; i < after.length; i++) expect(after[i - 1]! - after[i]!).toBeLessThanOrEqual(1)
})

test('never outside of its bounds, also when they change', () => {
  const scale = autoscale()
  const load = { now: 0, workers: 4, waitMs: 1_000, allowedMs: 100, lost: 5, busy: 1 }
  expect(scale.look(load, { min: 1, max: 2 })).toBe(2)
  expect(scale.look({ ...load, workers: 1 }, { min: 3, max: 5 })).toBe(3)
})
