/** Each kind of output has its figures: what they are called, how they are written, and what they are held against. */
import type { OutputQuality } from '../data/wire.ts'
import { figure, percent } from '../format.ts'
import { against } from './figures.ts'

interface ShownFigure {
  readonly name: string
  readonly value: string
  readonly note: string
}

export function figuresOf({ kind, total }: OutputQuality): readonly ShownFigure[] {
  const known = total.examples !== null && total.examples > 0
  switch (kind) {
    case 'probability': {
      const { logLoss, baseLogLoss, auc, brier, baseRate } = total
      const baseBrier = baseRate === null ? null : baseRate * (1 - baseRate)
      return [
        {
          name: 'Log-loss',
          value: figure(logLoss, 4),
          note: held(known, baseLogLoss, 4, against(logLoss, baseLogLoss)),
        },
        { name: 'AUC', value: figure(auc, 3), note: 'chance 0.5' },
        { name: 'Brier', value: figure(brier, 4), note: held(known, baseBrier, 4, against(brier, baseBrier)) },
      ]
    }
    case 'number': {
      const { rootMeanSquareError: rmse, meanAbsoluteError: mae, baseRootMeanSquareError: base } = total
      return [
        { name: 'RMSE', value: short(rmse), note: held(known, base, 3, against(rmse, base)) },
        { name: 'MAE', value: short(mae), note: 'mean absolute error' },
      ]
    }
    case 'label': {
      const { accuracy, baseAccuracy } = total
      return [
        {
          name: 'Accuracy',
          value: percent(known ? accuracy : null),
          note: known ? `most frequent label ${percent(baseAccuracy)}` : 'against the most frequent label',
        },
      ]
    }
  }
}

/** What is to be said of the outcomes themselves. */
export const outcomesOf = ({ kind, total }: OutputQuality): string | null =>
  kind === 'probability' && (total.examples ?? 0) > 0 ? `base rate ${percent(total.baseRate)}` : null

const short = (n: number | null): string => (n === null ? '–' : n.toPrecision(4))

const held = (known: boolean, base: number | null, digits: number, lies: string | null): string =>
  known ? `base ${figure(base, digits)}${lies === null ? '' : `, ${lies}`}` : 'against the base rate'

/** What is drawn by day, and what it is held against. */
export interface DayLine {
  readonly name: string
  readonly digits: number
  readonly days: readonly {
    readonly day: number
    readonly examples: number
    readonly value: number
    readonly base: number
  }[]
}

export function dayLineOf(quality: OutputQuality): DayLine {
  switch (quality.kind) {
    case 'probability':
      return line(
        'Log-loss',
        4,
        quality.days.map(({ day, examples, logLoss, baseLogLoss }) => [day, examples, logLoss, baseLogLoss]),
      )
    case 'number':
      return line(
        'RMSE',
        3,
        quality.days.map(({ day, examples, rootMeanSquareError: rmse, baseRootMeanSquareError: base }) => [
          day,
          examples,
          rmse,
          base,
        ]),
      )
    case 'label':
      return line(
        'Accuracy',
        3,
        quality.days.map(({ day, examples, accuracy, baseAccuracy }) => [day, examples, accuracy, baseAccuracy]),
      )
  }
}

/** A day of which nothing is known is left out. */
const line = (name: string, digits: number, rows: readonly (readonly (number | null)[])[]): DayLine => ({
  name,
  digits,
  days: rows.flatMap(([day, examples, value, base]) =>
    day == null || value == null || base == null ? [] : [{ day, examples: examples ?? 0, value, base }],
  ),
})
