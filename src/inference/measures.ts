/** What a model's predictions took and what was wrong with them, for whoever looks on: since the start, and in the last seconds. */
import { Histogram } from '../statistics/histogram.ts'
import type { Degradation, StageTimes } from './prediction.ts'
import { stagesOfTime } from './prediction.ts'
import type { VersionTimes } from './stage-histograms.ts'
import { stageHistograms } from './stage-histograms.ts'

/** Seconds that are kept apart. */
const kept = 600
/** The last predictions that can be looked up, and the last that were degraded. */
const remembered = 32

type StageOfTime = (typeof stagesOfTime)[number]

/** An answer, as far as it is measured. It is kept for a while, and so must stay as it is. */
export interface Answered {
  readonly version: string | null
  /** Rows of the call in which it was computed; 0 where it was not. */
  readonly rows: number
  readonly degraded: readonly Degradation[]
  /** In the log; null or left out where it is in none. */
  readonly id?: string | null
  /** The instant asked about. */
  readonly at?: number
}

export interface MeasuresSnapshot {
  readonly predictions: number
  /** In each of the last 600 whole seconds, oldest first. */
  readonly perSecond: readonly number[]
  /** Milliseconds, since the start. */
  readonly stages: {
    readonly [S in StageOfTime]: { readonly p50: number; readonly p99: number; readonly mean: number }
  }
  readonly rowsPerCall: number
  /** How many were degraded, in whatever part; and by the parts, of which an answer may have several. */
  readonly degradedPredictions: number
  readonly degraded: { readonly [reason: string]: number }
  readonly degradations: readonly CountedDegradation[]
  /** Questions that were not answered, by the code of the error. They are no predictions. */
  readonly refused: { readonly [code: string]: number }
  readonly versions: readonly VersionTimes[]
  /** Predictions that are in the log: the last ones that were degraded, then the last ones that were not; newest first. */
  readonly recent: readonly RecentPrediction[]
}

export interface CountedDegradation extends Degradation {
  readonly count: number
}

export interface RecentPrediction {
  readonly id: string
  readonly at: number
  readonly version: string | null
  readonly degraded: readonly Degradation[]
  readonly totalMs: number
}

export interface Measures {
  add(milliseconds: StageTimes, answered: Answered): void
  refuse(code: string): void
  snapshot(): MeasuresSnapshot
}

export function measures(monotonic: () => number): Measures {
  const histograms = Object.fromEntries(stagesOfTime.map((stage) => [stage, new Histogram(0.001)])) as Record<
    StageOfTime,
    Histogram
  >
  const byVersion = stageHistograms()
  const seconds = new Float64Array(kept + 1)
  let second = Math.floor(monotonic() / 1000)
  let predictions = 0
  let degradedPredictions = 0
  let rowsSum = 0
  const degradations = new Map<string, Degradation & { count: number }>()
  const refusedBy: { [code: string]: number } = {}
  const whole = ring()
  const broken = ring()

  /** Empties the seconds that have passed since the last look. */
  const turn = (): void => {
    const now = Math.floor(monotonic() / 1000)
    for (let past = Math.max(second + 1, now - kept); past <= now; past++) seconds[past % (kept + 1)] = 0
    second = now
  }
  const count = (degradation: Degradation): void => {
    const { stage, by, reason } = degradation
    const key = `${stage}\n${by}\n${reason}`
    const counted = degradations.get(key)
    if (counted === undefined) degradations.set(key, { stage, by, reason, count: 1 })
    else counted.count++
  }
  return {
    add: (milliseconds, answered) => {
      const { version, rows, degraded } = answered
      turn()
      predictions++
      rowsSum += rows
      seconds[second % (kept + 1)]!++
      histograms.gateway.add(milliseconds.gateway)
      histograms.features.add(milliseconds.features)
      histograms.assembly.add(milliseconds.assembly)
      histograms.queue.add(milliseconds.queue)
      histograms.inference.add(milliseconds.inference)
      histograms.post.add(milliseconds.post)
      histograms.total.add(milliseconds.total)
      byVersion.add(version, milliseconds, degraded.length > 0)
      if (degraded.length === 0) return whole.add(milliseconds, answered)
      degradedPredictions++
      for (let i = 0; i < degraded.length; i++) count(degraded[i]!)
      broken.add(milliseconds, answered)
    },
    refuse: (code) => {
      refusedBy[code] = (refusedBy[code] ?? 0) + 1
    },
    snapshot: () => {
      turn()
      const degraded: { [reason: string]: number } = {}
      for (const { stage, reason, count } of degradations.values())
        degraded[`${stage}: ${reason}`] = (degraded[`${stage}: ${reason}`] ?? 0) + count
      return {
        predictions,
        perSecond: Array.from({ length: kept }, (_, i) => seconds[(second + 1 + i) % (kept + 1)]!),
        stages: Object.fromEntries(
          stagesOfTime.map((stage) => {
            const histogram = histograms[stage]
            return [stage, { p50: histogram.quantile(0.5), p99: histogram.quantile(0.99), mean: histogram.mean }]
          }),
        ) as MeasuresSnapshot['stages'],
        rowsPerCall: predictions === 0 ? 0 : rowsSum / predictions,
        degradedPredictions,
        degraded,
        degradations: [...degradations.values()].map((one) => ({ ...one })),
        refused: { ...refusedBy },
        versions: byVersion.snapshot(),
        recent: [...broken.newestFirst(), ...whole.newestFirst()],
      }
    },
  }
}

/** The last answers that have an id. Adding keeps what there is anyway: nothing is made. */
function ring() {
  const times: StageTimes[] = []
  const answers: Answered[] = []
  let next = 0
  return {
    add: (milliseconds: StageTimes, answered: Answered): void => {
      if (answered.id === null || answered.id === undefined) return
      times[next] = milliseconds
      answers[next] = answered
      next = (next + 1) % remembered
    },
    newestFirst: (): readonly RecentPrediction[] =>
      answers.map((_, i) => {
        const place = (next - 1 - i + 2 * answers.length) % answers.length
        const { id, at, version, degraded } = answers[place]!
        return { id: id!, at: at ?? Number.NaN, version, degraded, totalMs: times[place]!.total }
      }),
  }
}
