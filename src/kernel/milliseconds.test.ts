import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { toMicroseconds } from './milliseconds.ts'

const slowly = (ms: number): string => String(Math.round(ms * 1000) / 1000)

test('it is what the shortest decimals are', () => {
  for (const ms of [0, 0.0004, 0.0005, 0.001, 0.02, 0.999, 0.9996, 1, 12.5, 99.0999, 999_999.9996, 1e6, 1e21, -1.5, -0])
    expect(toMicroseconds(ms), String(ms)).toBe(slowly(ms))
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY]) expect(toMicroseconds(ms)).toBe(slowly(ms))
  void fc.assert(
    fc.property(fc.double({ min: -10, max: 2e6, noNaN: true }), (ms) => {
      expect(toMicroseconds(ms)).toBe(slowly(ms))
    }),
    { numRuns: 2_000 },
  )
  void fc.assert(
    fc.property(fc.integer({ min: 0, max: 2e9 }), (micros) => {
      expect(toMicroseconds(micros / 1000)).toBe(slowly(micros / 1000))
    }),
    { numRuns: 2_000 },
  )
})
