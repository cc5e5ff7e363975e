import { expect, test } from 'vitest'
import { random } from '../../../benchmarks/measure.ts'
import { costModel } from './cost-model.ts'

const noise = (seed: number) => {
  const numbers = random(seed)
  return () => numbers.below(1_000) / 1_000 - 0.5
}

test('what a call and a row cost is found, also where one call in twenty is ten times as slow', () => {
  const jitter = noise(1)
  const cost = costModel([])
  for (let i = 0; i < 50; i++) {
    const rows = 1 + ((i * 7) % 32)
    cost.add(rows, (5 + 0.5 * rows) * (1 + jitter() * 0.1) * (i % 20 === 13 ? 10 : 1))
  }
  expect(cost.of(1)).toBeGreaterThan(4.8)
  expect(cost.of(1)).toBeLessThan(6.2)
  expect(cost.of(32)).toBeGreaterThan(19.5)
  expect(cost.of(32)).toBeLessThan(22.5)
  expect(cost.rowsWithin(13)).toBeGreaterThanOrEqual(13)
  expect(cost.rowsWithin(13)).toBeLessThanOrEqual(16)
  expect(cost.rowsWithin(3)).toBe(0)
})

test('with calls of one size what a row costs is as the warm-up showed it', () => {
  const cost = costModel([
    { rows: 1, milliseconds: 2 },
    { rows: 33, milliseconds: 10 },
  ])
  expect(cost.of(17)).toBeCloseTo(6, 9)
  for (let i = 0; i < 64; i++) cost.add(33, 20)
  expect(cost.of(33)).toBeCloseTo(20, 6)
  expect(cost.of(1)).toBeGreaterThan(1.5)
  expect(cost.of(1)).toBeLessThan(5)
})

test('nothing is known before anything was called', () => {
  const cost = costModel([])
  expect(cost.of(1)).toBeNull()
  expect(cost.fitted).toBeNull()
  expect(cost.rowsWithin(0.001)).toBe(Number.POSITIVE_INFINITY)
})

test('times that get worse are believed within some calls, and a probe that they got better at once', () => {
  const cost = costModel([{ rows: 1, milliseconds: 1 }])
  for (let i = 0; i < 40; i++) cost.add(1, 100)
  expect(cost.of(1)).toBeGreaterThan(90)
  for (let i = 0; i < 3; i++) cost.add(1, 2, true)
  expect(cost.of(1)).toBeLessThan(3)
})

test('a call that a neighbour holds up changes nothing, also if it is the first', () => {
  const cost = costModel([
    { rows: 1, milliseconds: 0.05 },
    { rows: 32, milliseconds: 0.2 },
  ])
  cost.add(4, 70)
  expect(cost.of(32)).toBeLessThan(0.3)
  expect(cost.rowsWithin(50)).toBeGreaterThan(32)
  for (let i = 0; i < 100; i++) cost.add(1 + (i % 32), i % 10 === 0 ? 70 : 0.05 + (i % 32) * 0.005)
  expect(cost.of(32)).toBeLessThan(1)
  const cold = costModel([])
  cold.add(1, 70)
  expect(cold.of(1)).toBeNull()
})
