import { expect, test, vi } from 'vitest'
import { budgetOf } from '../definition/model.ts'
import { deadlinesOf, lateness } from './deadline.ts'

test('the standard budget: 80 of 100 ms are here, of which features may take 15 and the model 40', () => {
  const deadlines = deadlinesOf(budgetOf())
  const leave = deadlines.leave(1_000, 100)
  expect(leave).toBe(1_080)
  expect(deadlines.features(1_000, leave)).toBe(1_015)
  // With nothing saved before: 60 ms are left, 40 of them the model's.
  expect(deadlines.inference(1_020, leave)).toBeCloseTo(1_060, 9)
})

test('what a stage saves is the next one’s, and what it takes too much is taken from it', () => {
  const deadlines = deadlinesOf(budgetOf())
  expect(deadlines.inference(1_002, 1_080) - 1_002).toBeCloseTo(52, 9)
  expect(deadlines.inference(1_050, 1_080) - 1_050).toBeCloseTo(20, 9)
})

test('a caller that gives another time has the same shares of it', () => {
  const deadlines = deadlinesOf(budgetOf())
  expect(deadlines.leave(0, 1_000)).toBe(800)
  expect(deadlines.features(0, 800)).toBe(150)
})

test('a total alone is split as the standard is; parts that are named stay', () => {
  expect(budgetOf(50)).toEqual({
    ...{ total: 50, networkIn: 5, features: 7.5, assembly: 2.5, inference: 20, post: 2.5, networkOut: 5 },
  })
  expect(budgetOf({ inference: 60 }).inference).toBe(60)
  expect(budgetOf({ inference: 60 }).features).toBe(15)
})

test('who is late is called once, in the order of what was due, and who is done is not', () => {
  vi.useFakeTimers()
  try {
    let now = 0
    const late = lateness(() => now)
    const called: string[] = []
    const advance = (ms: number): void => {
      for (let i = 0; i < ms; i++) {
        now++
        vi.advanceTimersByTime(1)
      }
    }
    late.watch(30, () => called.push('30'))
    late.watch(10, () => called.push('10'))
    const done = late.watch(20, () => called.push('20'))
    late.watch(10, () => called.push('10 too'))
    advance(9)
    expect(called).toEqual([])
    advance(2)
    expect(called).toEqual(['10', '10 too'])
    done.done()
    advance(18)
    expect(called).toEqual(['10', '10 too'])
    late.watch(32, () => called.push('32'))
    advance(10)
    expect(called).toEqual(['10', '10 too', '30', '32'])
    advance(100)
    expect(called).toHaveLength(4)
  } finally {
    vi.useRealTimers()
  }
})

test('a million that are done leave nothing behind', async () => {
  const late = lateness(() => performance.now())
  const before = process.memoryUsage().heapUsed
  for (let turn = 0; turn < 100; turn++) {
    for (let i = 0; i < 10_000; i++) late.watch(performance.now() + 20, () => expect.unreachable()).done()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await new Promise((resolve) => setTimeout(resolve, 40))
  globalThis.gc?.()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 1024 * 1024)
})
