import { expect, test } from 'vitest'
import { NumberProfile } from './profile.ts'
import { binOf, boundsOf, Quantiles } from './quantiles.ts'

const values = [
  ...[0, -0, 1, -1, 0.1, -0.1, 1e-40, -1e-40, 1.5e-45, 3e38, -3e38, 7, 7, 7.03, -7.03, 1e-12, 65_536],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...Array.from({ length: 500 }, (_, i) => Math.sin(i) * 10 ** ((i % 40) - 20)),
]
const wide = [...values, 5e-324, -2e-310, Number.MAX_VALUE, -Number.MAX_VALUE]

const oneByOne = (all: ArrayLike<number>, valid: Uint8Array | null = null): Quantiles => {
  const sketch = new Quantiles()
  for (let i = 0; i < all.length; i++) if (valid?.[i] !== 0 && Number.isFinite(all[i])) sketch.addBin(binOf(all[i]!), 1)
  return sketch
}

test.each([
  ['float32', Float32Array.from(values)],
  ['float64', Float64Array.from(wide)],
  ['plain numbers', wide],
])('all at once is one by one: %s', (_, all) => {
  const sketch = new Quantiles()
  sketch.addAll(all, null, 0, all.length)
  expect([...sketch.bins()]).toEqual([...oneByOne(all).bins()])
  expect(sketch.total).toBe(Array.from(all).filter(Number.isFinite).length)
  const valid = Uint8Array.from(all, (_, i) => (i % 3 === 0 ? 0 : 1))
  const some = new Quantiles()
  some.addAll(all, valid, 0, all.length)
  expect([...some.bins()]).toEqual([...oneByOne(all, valid).bins()])
})

test('a view into the midst of memory is read where it begins', () => {
  const all = Float32Array.from({ length: 64 }, (_, i) => i - 20)
  const sketch = new Quantiles()
  sketch.addAll(all.subarray(16, 48), null, 4, 20)
  expect([...sketch.bins()]).toEqual([...oneByOne(all.subarray(20, 36)).bins()])
})

test('bins come in the order of their values, and hold them', () => {
  const sketch = oneByOne(wide)
  const bins = [...sketch.bins()].map(([bin]) => bin)
  expect(bins).toEqual([...bins].sort((a, b) => a - b))
  for (const value of wide.filter(Number.isFinite)) {
    const [low, high] = boundsOf(binOf(value))
    expect(low <= value && value <= high, String(value)).toBe(true)
  }
})

test('a profile of numbers whose sum is none', () => {
  const profile = new NumberProfile()
  profile.add(Float64Array.of(Number.MAX_VALUE, Number.MAX_VALUE, -1), null, 0, 3)
  const { count, mean, m2, min, max } = profile.moments
  expect([count, min, max]).toEqual([3, -1, Number.MAX_VALUE])
  expect(mean / Number.MAX_VALUE).toBeCloseTo(2 / 3, 10)
  expect(Number.isFinite(m2)).toBe(true)
  expect(profile.sketch.total).toBe(3)
})

test('what is missing and what is no number are counted apart', () => {
  const profile = new NumberProfile()
  profile.add(Float32Array.of(1, 2, Number.NaN, 3, Number.POSITIVE_INFINITY), Uint8Array.of(1, 0, 1, 1, 1), 0, 5)
  expect([profile.missing, profile.notFinite, profile.moments.count, profile.moments.mean]).toEqual([1, 2, 2, 2])
})
