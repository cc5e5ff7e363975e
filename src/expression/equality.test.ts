import { expect, test } from 'vitest'
import { columns } from '../definition/view.ts'
import { count, distinct, last, max, mean, stddev, sum } from './aggregates.ts'
import { equalityOf } from './equality.ts'

const { delay, seats, tail } = columns<{ delay: 'float64?'; seats: 'int64'; tail: 'string' }, 'event'>(
  { delay: 'float64?', seats: 'int64', tail: 'string' },
  null,
)

test('counts, extremes, chosen values and sums of integers are identical', () => {
  for (const feature of [
    count().over('1h'),
    max(delay).over('1h'),
    last(delay).ever(),
    sum(seats).over('1d'),
    mean(seats).over('1d'),
    mean(delay.gt(15)).over('1d'),
  ])
    expect(equalityOf(feature.node)).toBe('identical')
})

test('sums of floats and spreads are bounded', () => {
  for (const feature of [mean(delay).over('1h'), sum(delay).over('1h'), stddev(seats).over('1d')])
    expect(equalityOf(feature.node)).toBe('bounded')
})

test('an expression is as weak as its weakest part', () => {
  expect(equalityOf(max(seats).over('1h').minus(mean(delay).over('1h')).node)).toBe('bounded')
  expect(equalityOf(mean(delay).over('1h').dividedBy(distinct(tail).over('1d')).node)).toBe('sketch')
  expect(equalityOf(max(delay.absolute().logarithm()).over('1h').node)).toBe('bounded')
})
