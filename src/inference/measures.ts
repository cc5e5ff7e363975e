/** What a model's predictions took, for whoever looks on: since the start, and in the last seconds. */
import { Histogram } from '../statistics/histogram.ts'
import type { Degradation, StageTimes } from './prediction.ts'

const stages = ['features', 'assembly', 'inference', 'post', 'total'] as const

export interface MeasuresSnapshot {
  readonly predictions: number
  /** In each of the last 60 whole seconds, oldest first. */
  readonly perSecond: readonly number[]
  /** Milliseconds, since the start. */
  readonly stages: {
    readonly [S in (typeof stages)[number]]: { readonly p50: number; readonly p99: number; readonly mean: number }
  }
  readonly rowsPerCall: number
  readonly degraded: { readonly [reason: string]: number }
}

export interface Measures {
  add(milliseconds: StageTimes, rows: number, degraded: readonly Degradation[]): void
  snapshot(): MeasuresSnapshot
}

export function measures(monotonic: () => number): Measures {
  const histograms = Object.fromEntries(stages.map((stage) => [stage, new Histogram(0.001)])) as Record<
    (typeof stages)[number],
    Histogram
  >
  const seconds = new Float64Array(61)
  let second = Math.floor(monotonic() / 1000)
  let predictions = 0
  let rowsSum = 0
  const degradedBy: { [reason: string]: number } = {}

  /** Empties the seconds that have passed since the last look. */
  const turn = (): void => {
    const now = Math.floor(monotonic() / 1000)
    for (let past = Math.max(second + 1, now - 60); past <= now; past++) seconds[past % 61] = 0
    second = now
  }
  return {
    add: (milliseconds, rows, degraded) => {
      turn()
      predictions++
      rowsSum += rows
      seconds[second % 61]!++
      histograms.features.add(milliseconds.features)
      histograms.assembly.add(milliseconds.assembly)
      histograms.inference.add(milliseconds.inference)
      histograms.post.add(milliseconds.post)
      histograms.total.add(milliseconds.total)
      for (const { stage, reason } of degraded)
        degradedBy[`${stage}: ${reason}`] = (degradedBy[`${stage}: ${reason}`] ?? 0) + 1
    },
    snapshot: () => {
      turn()
      return {
        predictions,
        perSecond: Array.from({ length: 60 }, (_, i) => seconds[(second - 60 + i + 61 * 2) % 61]!),
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
        degraded: { ...degradedBy },
      }
    },
  }
}
