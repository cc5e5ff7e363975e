import { expect, test } from 'vitest'
import type { OutputQuality } from '../data/wire.ts'
import { against, perMinute, smoothed } from './figures.ts'
import { dayLineOf, figuresOf } from './quality-figures.ts'

test('how a figure lies to another', () => {
  expect(against(0.4, 0.5)).toBe('20 % below')
  expect(against(0.515, 0.5)).toBe('3.0 % above')
  expect(against(0.4, 0)).toBeNull()
  expect(against(null, 0.5)).toBeNull()
})

test('minutes are whole, and a rate is the mean of five seconds', () => {
  const seconds = [...new Array<number>(60).fill(2), ...new Array<number>(60).fill(0)]
  expect(perMinute(seconds)).toEqual([120, 0])
  expect(smoothed([0, 0, 0, 0, 5, 5]).at(-1)).toBe(2)
})

test('each kind of output has its figures, held against what needs no model', () => {
  const number: OutputQuality = {
    kind: 'number',
    total: { examples: 10, meanAbsoluteError: 3, rootMeanSquareError: 4, baseRootMeanSquareError: 8 },
    days: [],
  }
  expect(figuresOf(number)).toEqual([
    { name: 'RMSE', value: '4.000', note: 'base 8.000, 50 % below' },
    { name: 'MAE', value: '3.000', note: 'mean absolute error' },
  ])
  const label: OutputQuality = {
    kind: 'label',
    total: { examples: 4, accuracy: 0.75, baseAccuracy: 0.5 },
    days: [],
  }
  expect(figuresOf(label)).toEqual([{ name: 'Accuracy', value: '75.0 %', note: 'most frequent label 50.0 %' }])
})

test('before any outcome there are dashes, and a day of which nothing is known is not drawn', () => {
  const nothing = { examples: 0, baseRate: null, logLoss: null, baseLogLoss: null, auc: null, brier: null }
  const quality: OutputQuality = {
    kind: 'probability',
    total: nothing,
    days: [
      { day: 0, ...nothing },
      { day: 86_400_000, examples: 2, baseRate: 0.5, logLoss: 0.6, baseLogLoss: 0.69, auc: null, brier: 0.2 },
    ],
  }
  expect(figuresOf(quality).map(({ value }) => value)).toEqual(['–', '–', '–'])
  expect(dayLineOf(quality).days).toEqual([{ day: 86_400_000, examples: 2, value: 0.6, base: 0.69 }])
})
