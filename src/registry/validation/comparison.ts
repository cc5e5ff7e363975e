/**
 * How good a challenger's answers are on held-out rows, and whether they are worse than the champion's on the same rows. One output, row by
 * row, in memory that does not grow with them but for a bounded sample of scores, which the area under the curve needs.
 */

import type { Margin } from '../../definition/gate.ts'
import type { Output } from '../../definition/model.ts'
import type { OutputValue } from '../../inference/index.ts'
import { aucDifference, aucInterval, aucs } from '../../statistics/auc.ts'
import type { Interval, Moments } from '../../statistics/paired.ts'
import { add, chanceAbove, meanInterval, moments } from '../../statistics/paired.ts'
import { mcnemar, tangoInterval, wilsonInterval } from '../../statistics/proportions.ts'
import { sample } from './every.ts'
import type { ConfusionCell, MetricFigures, OutputPlots, Plots } from './figures.ts'

/** True or false of a probability, a text of a label, a number of a number. */
export type Truth = boolean | string | number

export interface Comparison {
  /** Gives how much worse the challenger did on this row; its own loss where there is no champion. */
  add(truth: Truth, challenger: OutputValue, champion: OutputValue | null): Losses
  metrics(alpha: number, margin: Margin): readonly MetricFigures[]
  plots(): OutputPlots
}
export interface Losses {
  readonly challenger: number
  readonly champion: number | null
}

/** Scores kept for the area under the curve. */
const mostScores = 2 ** 20
const mostResiduals = 400

export const decidingMetric = (kind: Output): MetricFigures['metric'] =>
  kind === 'probability' ? 'log loss' : kind === 'number' ? 'mean absolute error' : 'error rate'

export function comparison(output: string, kind: Output, withChampion: boolean): Comparison {
  if (kind === 'probability') return ofProbabilities(output, withChampion)
  if (kind === 'number') return ofNumbers(output, withChampion)
  return ofLabels(output, withChampion)
}

// --- losses that are means over rows

interface MeanLoss {
  readonly challenger: Moments
  readonly champion: Moments
  readonly worse: Moments
}
const meanLoss = (): MeanLoss => ({ challenger: moments(), champion: moments(), worse: moments() })
function addLoss(to: MeanLoss, challenger: number, champion: number | null): Losses {
  add(to.challenger, challenger)
  if (champion !== null) {
    add(to.champion, champion)
    add(to.worse, challenger - champion)
  }
  return { challenger, champion }
}

/** As a share of what the champion loses, or in its own unit. */
export const marginOf = (margin: Margin, loss: number): number =>
  typeof margin === 'number' ? margin : (Number.parseFloat(margin) / 100) * loss

/** Metrics that do not decide have no unit in common with a margin that is a number. */
const sharedMargin = (margin: Margin): Margin => (typeof margin === 'number' ? '0%' : margin)

function ofMean(
  { challenger, champion, worse }: MeanLoss,
  about: Pick<MetricFigures, 'output' | 'metric' | 'decides'>,
  alpha: number,
  margin: Margin,
): readonly MetricFigures[] {
  const own = meanInterval(challenger, alpha)
  if (own === null) return []
  const theirs = meanInterval(champion, alpha)
  return [
    {
      ...about,
      better: 'lower',
      rows: challenger.count,
      challenger: own,
      champion: theirs,
      worse: meanInterval(worse, alpha),
      margin: theirs === null ? null : marginOf(about.decides ? margin : sharedMargin(margin), theirs.value),
      alpha,
      mcnemar: null,
    },
  ]
}

// --- probabilities

/** Kept from 0 and 1 by this much, as scikit-learn's log_loss keeps them. */
const epsilon = 2 ** -52
const bins = 10

function ofProbabilities(output: string, withChampion: boolean): Comparison {
  const logLoss = meanLoss()
  const brier = meanLoss()
  const scores = sample<readonly [truth: boolean, challenger: number, champion: number]>(mostScores)
  const reliability = [0, 1].map(() => Array.from({ length: bins }, () => ({ rows: 0, sum: 0, positives: 0 })))
  const note = (model: number, p: number, truth: boolean): void => {
    const bin = reliability[model]![Math.min(bins - 1, Math.floor(p * bins))]!
    bin.rows++
    bin.sum += p
    if (truth) bin.positives++
  }
  const loss = (value: number, truth: boolean): number => {
    const p = Math.min(Math.max(value, epsilon), 1 - epsilon)
    return truth ? -Math.log(p) : -Math.log1p(-p)
  }
  const plotsOf = (model: number): Plots => ({
    kind: 'probability',
    reliability: reliability[model]!.filter(({ rows }) => rows > 0).map(({ rows, sum, positives }) => ({
      rows,
      mean: sum / rows,
      share: positives / rows,
    })),
    roc: rocOf(scores.kept.map(([truth, ...answers]) => [truth, answers[model]!])),
  })
  return {
    add: (truth, challenger, champion) => {
      const [t, p, q] = [truth as boolean, challenger as number, champion as number | null]
      scores.offer([t, p, q ?? 0])
      note(0, p, t)
      if (q !== null) note(1, q, t)
      const outcome = t ? 1 : 0
      addLoss(brier, (p - outcome) ** 2, q === null ? null : (q - outcome) ** 2)
      return addLoss(logLoss, loss(p, t), q === null ? null : loss(q, t))
    },
    metrics: (alpha, margin) => {
      const positive = scores.kept.map(([truth]) => truth)
      const ours = scores.kept.map(([, p]) => p)
      // The champion first: the difference is the challenger's area less the champion's.
      const areas = aucs(withChampion ? [scores.kept.map(([, , q]) => q), ours] : [ours], positive)
      const difference = areas === null || !withChampion ? null : aucDifference(areas, alpha)
      const theirs = areas === null || !withChampion ? null : aucInterval(areas, 0, alpha)
      return [
        ...ofMean(logLoss, { output, metric: 'log loss', decides: true }, alpha, margin),
        ...ofMean(brier, { output, metric: 'Brier score', decides: false }, alpha, margin),
        ...(areas === null
          ? []
          : [
              {
                output,
                metric: 'AUC' as const,
                better: 'higher' as const,
                decides: false,
                rows: positive.length,
                challenger: aucInterval(areas, withChampion ? 1 : 0, alpha),
                champion: theirs,
                worse:
                  difference === null
                    ? null
                    : { value: -difference.value, low: -difference.high, high: -difference.low },
                margin: theirs === null ? null : marginOf(sharedMargin(margin), 1 - theirs.value),
                alpha,
                mcnemar: null,
              },
            ]),
      ]
    },
    plots: () => ({ output, challenger: plotsOf(0), champion: withChampion ? plotsOf(1) : null }),
  }
}

/** At most a hundred points, and the corners. */
function rocOf(rows: readonly (readonly [truth: boolean, score: number])[]): readonly (readonly [number, number])[] {
  const sorted = [...rows].sort(([, a], [, b]) => b - a)
  const positives = sorted.reduce((sum, [truth]) => sum + Number(truth), 0)
  const negatives = sorted.length - positives
  if (positives === 0 || negatives === 0) return []
  const points: (readonly [number, number])[] = [[0, 0]]
  let [above, wrong, kept] = [0, 0, 0]
  sorted.forEach(([truth, score], i) => {
    if (truth) above++
    else wrong++
    // Rows of one score are one point.
    if (sorted[i + 1]?.[1] === score || (i + 1 - kept < sorted.length / 100 && i + 1 < sorted.length)) return
    kept = i + 1
    points.push([wrong / negatives, above / positives])
  })
  return points
}

// --- labels

function ofLabels(output: string, withChampion: boolean): Comparison {
  let rows = 0
  const wrong = { challenger: 0, champion: 0, onlyChallenger: 0, onlyChampion: 0 }
  const cells = [new Map<string, number>(), new Map<string, number>()]
  const note = (model: number, truth: Truth, answer: OutputValue): void => {
    const cell = JSON.stringify([truth, answer])
    cells[model]!.set(cell, (cells[model]!.get(cell) ?? 0) + 1)
  }
  const plotsOf = (model: number): Plots => ({
    kind: 'label',
    confusion: [...cells[model]!].map(([cell, count]): ConfusionCell => {
      const [truth, answer] = JSON.parse(cell) as [string, string]
      return { truth, answer, rows: count }
    }),
  })
  return {
    add: (truth, challenger, champion) => {
      rows++
      note(0, truth, challenger)
      const own = challenger === truth ? 0 : 1
      wrong.challenger += own
      if (champion === null) return { challenger: own, champion: null }
      note(1, truth, champion)
      const theirs = champion === truth ? 0 : 1
      wrong.champion += theirs
      if (own > theirs) wrong.onlyChallenger++
      if (theirs > own) wrong.onlyChampion++
      return { challenger: own, champion: theirs }
    },
    metrics: (alpha, margin) => {
      const own = wilsonInterval(wrong.challenger, rows, alpha)
      if (own === null) return []
      const theirs = withChampion ? wilsonInterval(wrong.champion, rows, alpha) : null
      const counts = { rows, onlyFirst: wrong.onlyChallenger, onlySecond: wrong.onlyChampion }
      return [
        {
          output,
          metric: 'error rate',
          better: 'lower',
          decides: true,
          rows,
          challenger: own,
          champion: theirs,
          worse: withChampion ? tangoInterval(counts, alpha) : null,
          margin: theirs === null ? null : marginOf(margin, theirs.value),
          alpha,
          mcnemar: withChampion ? mcnemar(counts) : null,
        },
      ]
    },
    plots: () => ({ output, challenger: plotsOf(0), champion: withChampion ? plotsOf(1) : null }),
  }
}

// --- numbers

function ofNumbers(output: string, withChampion: boolean): Comparison {
  const absolute = meanLoss()
  const squared = meanLoss()
  const residuals = [0, 1].map(() => sample<readonly [number, number]>(mostResiduals))
  const plotsOf = (model: number): Plots => ({ kind: 'number', residuals: residuals[model]!.kept })
  return {
    add: (truth, challenger, champion) => {
      const [y, a, b] = [truth as number, challenger as number, champion as number | null]
      residuals[0]!.offer([a, a - y])
      if (b !== null) residuals[1]!.offer([b, b - y])
      addLoss(squared, (a - y) ** 2, b === null ? null : (b - y) ** 2)
      return addLoss(absolute, Math.abs(a - y), b === null ? null : Math.abs(b - y))
    },
    metrics: (alpha, margin) => [
      ...ofMean(absolute, { output, metric: 'mean absolute error', decides: true }, alpha, margin),
      ...ofMean(squared, { output, metric: 'mean squared error', decides: false }, alpha, margin),
    ],
    plots: () => ({ output, challenger: plotsOf(0), champion: withChampion ? plotsOf(1) : null }),
  }
}

// --- slices

export interface SliceLosses extends MeanLoss {}
export const sliceLosses = (): SliceLosses => meanLoss()
export const addToSlice = (slice: SliceLosses, { challenger, champion }: Losses): void => {
  addLoss(slice, challenger, champion)
}
export interface SliceVerdict {
  readonly challenger: Interval | null
  readonly champion: Interval | null
  readonly worse: Interval | null
  readonly margin: number | null
  /** Before it is corrected; null without a champion. */
  readonly chance: number | null
}
export function sliceVerdict({ challenger, champion, worse }: SliceLosses, alpha: number, of: Margin): SliceVerdict {
  const theirs = meanInterval(champion, alpha)
  const margin = theirs === null ? null : marginOf(of, theirs.value)
  return {
    challenger: meanInterval(challenger, alpha),
    champion: theirs,
    worse: meanInterval(worse, alpha),
    margin,
    chance: margin === null ? null : chanceAbove(worse, margin),
  }
}
