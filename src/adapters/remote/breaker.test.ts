/** When the breaker opens, for how long, and what closes it; by a clock that stands still. */
import { expect, test } from 'vitest'
import { breaker } from './breaker.ts'
import { hedging } from './hedging.ts'

function at() {
  let now = 0
  const made = breaker(() => now)
  const call = (ok: boolean): void => {
    expect(made.enter()).toBe(true)
    if (ok) made.succeeded()
    else made.failed()
  }
  return {
    made,
    call,
    fail: (times: number) => {
      for (let i = 0; i < times; i++) call(false)
    },
    pass: (ms: number) => {
      now += ms
    },
  }
}

test('five failures one after another open it, four and an answer do not', () => {
  const { made, call, fail } = at()
  fail(4)
  call(true)
  fail(4)
  expect(made.state).toBe('closed')
  fail(1)
  expect(made.state).toBe('open')
  expect(made.enter()).toBe(false)
})

test('it is open for half a second, then twice as long each time, up to thirty seconds', () => {
  const { made, fail, call, pass } = at()
  fail(5)
  for (const ms of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    expect(made.waitMs).toBe(ms)
    pass(ms - 1)
    expect([made.state, made.enter()]).toEqual(['open', false])
    pass(1)
    expect(made.state).toBe('half-open')
    call(false)
  }
  pass(30_000)
  call(true)
  expect([made.state, made.waitMs]).toEqual(['closed', 0])
  // What was before counts no more.
  fail(4)
  expect(made.state).toBe('closed')
  fail(1)
  expect(made.waitMs).toBe(500)
})

test('half-open, one call goes at a time; one that told nothing lets the next go', () => {
  const { made, fail, pass } = at()
  fail(5)
  pass(500)
  expect([made.enter(), made.enter(), made.enter()]).toEqual([true, false, false])
  made.left()
  expect([made.enter(), made.enter()]).toEqual([true, false])
  made.succeeded()
  expect([made.enter(), made.enter()]).toEqual([true, true])
})

test('calls that were under way when it opened neither close it nor keep it open for longer', () => {
  const { made, fail } = at()
  expect(made.enter()).toBe(true)
  expect(made.enter()).toBe(true)
  fail(5)
  made.succeeded()
  made.failed()
  expect([made.state, made.waitMs]).toEqual(['open', 500])
})

test('half of twenty calls within a while open it, and not of calls long ago', () => {
  const half = (times: number, call: (ok: boolean) => void): void => {
    for (let i = 0; i < times; i++) call(i % 2 === 0)
  }
  const soon = at()
  half(20, soon.call)
  expect(soon.made.state).toBe('open')

  const slow = at()
  half(18, slow.call)
  slow.pass(20_001)
  half(18, slow.call)
  expect(slow.made.state).toBe('closed')
})

test('second requests: none before there is something to go by, then one in twenty, and never soon', () => {
  const hedges = hedging()
  const taken = (calls: number): number => {
    let count = 0
    for (let i = 0; i < calls; i++) {
      hedges.called()
      if (hedges.take()) count++
    }
    return count
  }
  for (let i = 0; i < 19; i++) hedges.answered(10)
  expect([hedges.p95Ms, hedges.afterMs]).toEqual([null, null])
  hedges.answered(100)
  expect(hedges.p95Ms).toBe(10)
  for (let i = 0; i < 256; i++) hedges.answered(i)
  expect(hedges.p95Ms).toBeGreaterThan(235)
  expect(hedges.p95Ms).toBeLessThan(250)
  for (let i = 0; i < 256; i++) hedges.answered(0.1)
  expect([hedges.p95Ms, hedges.afterMs]).toEqual([0.1, 5])
  expect(taken(2_000)).toBeLessThanOrEqual(100)
  expect(taken(2_000)).toBeGreaterThanOrEqual(99)
  // What is saved up is little.
  for (let i = 0; i < 10_000; i++) hedges.called()
  let saved = 0
  while (hedges.take()) saved++
  expect(saved).toBe(5)
})
