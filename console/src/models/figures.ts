/** Figures made of the server's counts. */
import type { ModelStatus } from '../data/wire.ts'

type Measures = ModelStatus['measures']

const recentSeconds = 10

/** Over the last ten whole seconds. */
export const perSecondNow = ({ perSecond }: Measures): number => mean(perSecond.slice(-recentSeconds))

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** Each second as the mean of the five that end with it: a rate that can be read, and does not jump when time moves on. */
export const smoothed = (perSecond: readonly number[]): readonly number[] =>
  perSecond.map((_, i) => mean(perSecond.slice(Math.max(0, i - 4), i + 1)))

/** Whole minutes, the latest last. */
export const perMinute = (perSecond: readonly number[]): readonly number[] =>
  Array.from({ length: Math.floor(perSecond.length / 60) }, (_, i) =>
    perSecond.slice(i * 60, (i + 1) * 60).reduce((sum, value) => sum + value, 0),
  )

/** Null without predictions. */
export function degradedShare(measures: readonly Measures[]): number | null {
  const sum = (of: (one: Measures) => number): number => measures.reduce((total, one) => total + of(one), 0)
  const predictions = sum((one) => one.predictions)
  return predictions === 0 ? null : sum((one) => one.degradedPredictions) / predictions
}

/** `20 % below`, `3 % above`: how a figure lies to another. */
export function against(value: number | null, base: number | null): string | null {
  if (value === null || base === null || base === 0) return null
  const share = Math.abs(value / base - 1)
  const words = value <= base ? 'below' : 'above'
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} % ${words}`
}
