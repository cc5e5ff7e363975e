/** What was measured, as it stands in the evidence: what the card draws, and programs read. Plain JSON; null where there is no number. */
import type { Interval } from '../../statistics/paired.ts'

export interface MetricFigures {
  readonly output: string
  readonly metric: 'log loss' | 'Brier score' | 'AUC' | 'error rate' | 'mean absolute error' | 'mean squared error'
  readonly better: 'lower' | 'higher'
  /** True of the one that must be shown to be no worse; the others must not be shown to be worse. */
  readonly decides: boolean
  readonly rows: number
  readonly challenger: Interval
  readonly champion: Interval | null
  /** How much worse the challenger is, on the same rows; less than zero where it is better. */
  readonly worse: Interval | null
  readonly margin: number | null
  /** What lies outside of the intervals on each side. */
  readonly alpha: number
  /** McNemar's test, of labels. */
  readonly mcnemar: number | null
}

export interface HeldOutFigures {
  readonly path: string
  readonly rows: number
  /** Rows that have no truth, and count for nothing. */
  readonly withoutTruth: number
  /** Rows to which the challenger gives no usable answer. */
  readonly unanswered: number
  /** Of the values that were used, in their order. */
  readonly hash: string
  readonly champion: number | null
  readonly plots: readonly OutputPlots[]
}

export interface OutputPlots {
  readonly output: string
  readonly challenger: Plots
  readonly champion: Plots | null
}
export type Plots =
  | {
      readonly kind: 'probability'
      /** Of rows whose probability lies in a tenth: how many, their mean probability, the share of them that is true. */
      readonly reliability: readonly { readonly rows: number; readonly mean: number; readonly share: number }[]
      /** From (0, 0) to (1, 1). */
      readonly roc: readonly (readonly [falsePositives: number, truePositives: number])[]
    }
  | {
      readonly kind: 'number'
      /** Some rows: what was answered, and how much more than the truth that is. */
      readonly residuals: readonly (readonly [answer: number, residual: number])[]
    }
  | { readonly kind: 'label'; readonly confusion: readonly ConfusionCell[] }
export interface ConfusionCell {
  readonly truth: string
  readonly answer: string
  readonly rows: number
}

export interface SliceFigures {
  readonly output: string
  readonly metric: MetricFigures['metric']
  readonly rows: number
  readonly challenger: Interval | null
  readonly champion: Interval | null
  readonly worse: Interval | null
  readonly margin: number | null
  /** The chance of such figures where it is worse by no more than the margin, corrected for the number of slices. */
  readonly chance: number | null
}

export interface InvariantFigures {
  readonly rows: number
  /** Rows of which it says something. */
  readonly applies: number
  readonly violations: number
  /** A few, the first first. */
  readonly examples: readonly {
    readonly row: { readonly [entry: string]: unknown }
    readonly before: { readonly [output: string]: unknown }
    /** Null where nothing is changed. */
    readonly changed: { readonly [entry: string]: unknown } | null
    readonly after: { readonly [output: string]: unknown } | null
  }[]
}

export interface LatencyFigures {
  readonly budgetMs: number
  readonly batches: readonly {
    readonly rows: number
    readonly calls: number
    readonly p50Ms: number
    readonly p99Ms: number
  }[]
  readonly memoryBytes: number
}

export interface GoldenFigures {
  readonly from: string
  readonly rows: number
  readonly differing: number
  /** The furthest from what was recorded, of numbers. */
  readonly furthest: number
  /** Where what was given now is kept, for the validations to come. */
  readonly artifact: string | null
}
