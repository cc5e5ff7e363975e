import { expect, test } from 'vitest'
import type { Value } from '../expression/node.ts'
import { kept } from './kept.ts'

test('at least half of the limit is kept, and never more than the limit', () => {
  const values = kept<number>(100, 0, 1)
  for (let i = 0; i < 1_000; i++) {
    values.set([`k${i}`], i)
    for (let last = Math.max(0, i - 49); last <= i; last++) expect(values.get([`k${last}`])).toBe(last)
    expect(values.get([`k${i - 100}`])).toBeUndefined()
  }
})

test('a value that is set again is the later one', () => {
  const values = kept<number>(4, 0, 1)
  values.set(['a'], 1)
  values.set(['b'], 2)
  values.set(['a'], 3)
  expect(values.get(['a'])).toBe(3)
})

test('what lies outside of the part does not count', () => {
  const values = kept<number>(10, 1, 3)
  values.set([0, 1, 2, 3], 7)
  expect(values.get([9, 1, 2, 9])).toBe(7)
  expect(values.get([0, 1, 3, 3])).toBeUndefined()
})

test('different values are different questions', () => {
  const rows: readonly (readonly Value[])[] = [
    ...[
      ['a', 'b'],
      ['ab', ''],
      ['', 'ab'],
      ['1', null],
      [1, null],
      [1n, null],
      [true, null],
      [false, null],
    ],
    ...[
      [null, 1],
      [null, null],
      [0, null],
      [-0, null],
      [Number.NaN, null],
      [['a'], null],
      [['a', 'b'], null],
      [[], null],
    ],
  ]
  const values = kept<number>(1_000, 0, 2)
  for (const [i, row] of rows.entries()) values.set(row, i)
  for (const [i, row] of rows.entries()) expect(values.get([...row])).toBe(i)
})

test('hashes of many rows collide seldom, and a collision is no answer', () => {
  const values = kept<number>(40_000, 0, 3)
  for (let i = 0; i < 19_999; i++) values.set([i, i % 7, `u${i % 1_000}`], i)
  let found = 0
  for (let i = 0; i < 19_999; i++) {
    const value = values.get([i, i % 7, `u${i % 1_000}`])
    if (value !== undefined) expect(value).toBe(i)
    if (value === i) found++
    expect(values.get([i + 0.5, i % 7, `u${i % 1_000}`])).toBeUndefined()
  }
  expect(found).toBeGreaterThan(19_990)
})
