import { expect, test } from 'vitest'
import { columns } from '../definition/view.ts'
import { count, decayedCount, last, mean, quantile } from './aggregates.ts'
import { moment } from './builder.ts'
import { defineFunction } from './functions/define.ts'
import { textOf } from './text.ts'

const { delay, seats, tail, at } = columns<
  { delay: 'float64?'; seats: 'int64'; tail: 'string'; at: 'timestamp' },
  'event'
>({ delay: 'float64?', seats: 'int64', tail: 'string', at: 'timestamp' }, null)

test('a feature reads as it was written', () => {
  expect(textOf(mean(delay.gt(15)).over('1d').node)).toBe("mean(delay.gt(15)).over('1d')")
  expect(textOf(mean(delay).over('3h').minus(mean(delay).over('7d')).node)).toBe(
    "mean(delay).over('3h').minus(mean(delay).over('7d'))",
  )
  expect(textOf(last(delay).skipNulls().over('12h', { hop: '0' }).node)).toBe(
    "last(delay).skipNulls().over('12h', { hop: '0' })",
  )
  expect(textOf(count().where(tail.eq("it's")).ever().node)).toBe("count().where(tail.eq('it\\'s')).ever()")
})

test('constants of aggregates stand where they were given', () => {
  expect(textOf(quantile(delay, 0.9).over('1h').node)).toBe("quantile(delay, 0.9).over('1h')")
  expect(textOf(decayedCount('1h').ever().node)).toBe("decayedCount('1h').ever()")
})

test('a conversion that nobody wrote is not shown', () => {
  expect(textOf(seats.times(delay).node)).toBe('seats.times(delay)')
  expect(textOf(tail.toFloat().node)).toBe('tail.toFloat()')
})

test('the moment, instants and functions of the user', () => {
  const halved = defineFunction('halved', {
    takes: ['float64'],
    gives: 'float64',
    mayBeMissing: false,
    javascript: (x) => x / 2,
    sql: (x) => `(${x} / 2)`,
  })
  expect(textOf(moment().since(last(at).ever()).minutes().node)).toBe('moment().since(last(at).ever()).minutes()')
  expect(textOf(at.before(new Date('2013-06-01T00:00:00Z')).node)).toBe('at.before(2013-06-01T00:00:00Z)')
  expect(textOf(halved(delay).node)).toBe('halved(delay)')
})
