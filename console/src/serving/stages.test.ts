import { expect, test } from 'vitest'
import { budgetSegments, measuredSegments, ticks } from './stages.ts'

const budget = { total: 100, networkIn: 10, features: 15, assembly: 5, inference: 40, post: 5, networkOut: 10 }

test('the shares lie end to end, and what is left of the total is the buffer', () => {
  const segments = budgetSegments(budget)
  expect(segments.map(({ stage }) => stage)).toEqual([
    'network in',
    'features',
    'assembly',
    'inference',
    'post',
    'network out',
    'buffer',
  ])
  expect(segments[0]).toEqual({ stage: 'network in', from: 0, to: 10, seen: false })
  for (const [i, { from }] of segments.entries()) expect(from).toBe(i === 0 ? 0 : segments[i - 1]!.to)
  expect(segments.at(-1)).toEqual({ stage: 'buffer', from: 85, to: 100, seen: true })
})

test('a budget that its shares use up has no buffer, and one that they exceed goes past its end', () => {
  expect(budgetSegments({ ...budget, total: 85 }).at(-1)?.stage).toBe('network out')
  expect(budgetSegments({ ...budget, total: 50 }).at(-1)?.to).toBe(85)
})

test('what was measured lies end to end between the network, which has its share', () => {
  const times = { gateway: 1, features: 2, assembly: 0, queue: 3, inference: 4, post: null, total: 10 }
  expect(measuredSegments(budget, times)).toEqual([
    { stage: 'network in', from: 0, to: 10, seen: false },
    { stage: 'gateway', from: 10, to: 11, seen: true },
    { stage: 'features', from: 11, to: 13, seen: true },
    { stage: 'queue', from: 13, to: 16, seen: true },
    { stage: 'inference', from: 16, to: 20, seen: true },
    { stage: 'network out', from: 20, to: 30, seen: false },
  ])
})

test.each([
  [100, [0, 20, 40, 60, 80, 100]],
  [7, [0, 2, 4, 6]],
  [1_250, [0, 250, 500, 750, 1_000, 1_250]],
])('ticks up to %d', (most, expected) => {
  expect(ticks(most)).toEqual(expected)
})
