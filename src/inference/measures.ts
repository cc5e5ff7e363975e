/** What a model's predictions took, for whoever looks on: since the start, and in the last seconds. */
import { Histogram } from '../statistics/histogram.ts'
import type { Degradation, StageTimes } from './prediction.ts'

/** Seconds that are kept apart. */
const kept = 600
const stages = ['features', 'assembly', 'inference', 'post', 'total'] as const

export interface MeasuresSnapshot {
  readonly predictions: number
  /** In each of the last 600 whole seconds, oldest first. */
  readonly perSecond: readonly number[]
  /** Milliseconds, since the start. */
  readonly stages: {
    readonly [S in (typeof stages)[number]]: { readonly p50: number; readonly p99: number; readonly mean: number }
  }
  readonly rowsPerCall: number
  /** How many were degraded, in whatever part; and by the parts, of which an answer may have several. */
  readonly degradedPredictions: number
  readonly degraded: { readonly [reason: string]: number }
  /** Questions that were not answered, by the code of the error. They are no predictions. */
  readonly refused: { readonly [code: string]: number }
}

export interface Measures {
  add(milliseconds: StageTimes, rows: number, degraded: readonly Degradation[]): void
  refuse(code: string): void
  snapshot(): MeasuresSnapshot
}

export function measures(monotonic: () => number): Measures {
  const histograms = Object.fromEntries(stages.map((stage) => [stage, new Histogram(0.001)])) as Record<
    (typeof stages)[number],
    Histogram
  >
  const seconds = new Float64Array(kept + 1)
  let second = Math.floor(monotonic() / 1000)
  let predictions = 0
  let degradedPredictions = 0
  let rowsSum = 0
  const degradedBy: { [reason: string]: number } = {}
  const refusedBy: { [code: string]: number } = {}

  /** Empties the seconds that have passed since the last look. */
  const turn = (): void => {
    const now = Math.floor(monotonic() / 1000)
    for (let past = Math.max(second + 1, now - kept); past <= now; past++) seconds[past % (kept + 1)] = 0
    second = now
  }
  return {
    add: (milliseconds, rows, degraded) => {
      turn()
      predictions++
      rowsSum += rows
      seconds[second % (kept + 1)]!++
      histograms.features.add(milliseconds.features)
      histograms.assembly.add(milliseconds.assembly)
      histograms.inference.add(milliseconds.inference)
      histograms.post.add(milliseconds.post)
      histograms.total.add(milliseconds.total)
      if (degraded.length > 0) degradedPredictions++
      for (const { stage, reason } of degraded)
        degradedBy[`${stage}: ${reason}`] = (degradedBy[`${stage}: ${reason}`] ?? 0) + 1
    },
    refuse: (code) => {
      refusedBy[code] = (refusedBy[code] ?? 0) + 1
    },
    snapshot: () => {
      turn()
      return {
        predictions,
        perSecond: Array.from({ length: kept }, (_, i) => seconds[(second + 1 + i) % (kept + 1)]!),
        stages: Object.fromEntries(
          stages.map((stage) => [
            stage,
            {
              p50: histograms[stage].quantile(0.5),
              p99: histograms[stage].quantile(0.99),
              mean: histograms[stage].mean,
            },
          ]),
        ) as MeasuresSnapshot['stages'],
        rowsPerCall: predictions === 0 ? 0 : rowsSum / predictions,
        degradedPredictions,
        degraded: { ...degradedBy },
        refused: { ...refusedBy },
      }
    },
  }
}
