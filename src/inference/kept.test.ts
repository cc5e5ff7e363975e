import { expect, test } from 'vitest'
import { kept, keyOf } from './kept.ts'

test('at least half of the limit is kept, and never more than the limit', () => {
  const values = kept<number>(100)
  for (let i = 0; i < 1_000; i++) {
    values.set(`k${i}`, i)
    for (let last = Math.max(0, i - 49); last <= i; last++) expect(values.get(`k${last}`)).toBe(last)
    expect(values.get(`k${i - 100}`)).toBeUndefined()
  }
})

test('a value that is set again is the later one', () => {
  const values = kept<number>(4)
  values.set('a', 1)
  values.set('b', 2)
  values.set('a', 3)
  expect(values.get('a')).toBe(3)
})

test('different values have different keys', () => {
  const rows = [
    ['a', 'b'],
    ['ab', ''],
    ['', 'ab'],
    ['a,b', null],
    ['1', null],
    [1, null],
    [1n, null],
    [true, null],
    [null, 1],
    [null, null],
    ['1"', '2'],
    ['1', '"2'],
    [['a'], null],
  ]
  expect(new Set(rows.map((row) => keyOf(row, 0, 2))).size).toBe(rows.length)
})
