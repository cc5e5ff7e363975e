/** A sum keeps its value also where the weight of what it holds is too small for a float by itself. */
import { expect, test } from 'vitest'
import type { Cells } from '../accumulator.ts'
import { decayed, decayedAt } from './decay.ts'

const halfLife = 60_000

test('after 1,080 half-lives a large value still weighs what it should', () => {
  const cells: Cells = { flat: new Float64Array(2), rich: [] }
  const accumulator = decayed(halfLife, 0)
  accumulator.clear(cells, 0, 0)
  expect(decayedAt(cells, 0, halfLife, 0)).toBe(null)
  accumulator.add(cells, 0, 0, { time: 0, visible: 1, arrival: 0, sequence: null, row: null, args: [2 ** 250] })
  expect(decayedAt(cells, 0, halfLife, halfLife)).toBe(2 ** 249)
  expect(decayedAt(cells, 0, halfLife, 1080 * halfLife)).toBe(2 ** -830)
})
