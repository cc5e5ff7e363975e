import { expect, test } from 'vitest'
import { SixfoldError } from '../kernel/errors.ts'
import { aheadOf, clockFact, problemOf, roundTripOf } from './report.ts'

test('one slow answer among five does not count', async () => {
  const waits = [0, 60, 0, 0, 0]
  const took = await roundTripOf(() => new Promise((done) => setTimeout(done, waits.shift())))
  expect(waits).toEqual([])
  expect(took).toBeLessThan(30)
})

test('a clock is compared with the middle of the question', async () => {
  const ahead = await aheadOf(async () => {
    const began = Date.now()
    await new Promise((done) => setTimeout(done, 200))
    return began + 5_000
  })
  expect(ahead).toBeGreaterThan(4_800)
  expect(ahead).toBeLessThan(4_950)
})

test.each([
  [3, '3 ms ahead of that of this machine', []],
  [-400, '400 ms behind that of this machine', []],
  [-2_340, '2.3 s behind that of this machine', ['Its clock is 2.3 s behind that of this machine.']],
  [300_400, '300 s ahead of that of this machine', ['Its clock is 300 s ahead of that of this machine.']],
])('a clock that is %d ms ahead', (ahead, value, problems) => {
  const told = clockFact(ahead, 1_000)
  expect(told.fact).toEqual({ name: 'clock', value })
  expect(told.problems.map(({ what }) => what)).toEqual(problems)
})

test('a failure says itself what to do, or the store says it', () => {
  const known = new SixfoldError('SX_STORE_DENIED', 'No.', { fix: 'Ask.' })
  expect(problemOf(known, 'See the log.')).toEqual({ severity: 'error', what: 'No.', fix: 'Ask.' })
  expect(problemOf('odd', 'See the log.')).toEqual({ severity: 'error', what: 'odd', fix: 'See the log.' })
})
