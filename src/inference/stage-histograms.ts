/**
 * Times of stages by the version that answered, in buckets with fixed bounds, which figures of several servers can be added up in. Versions
 * come and go: the last ones are kept apart, and what older ones took is kept together, so that sums over versions never fall.
 */
import type { StageTimes } from './prediction.ts'
import { stagesOfTime } from './prediction.ts'

/** In seconds. Dense where a budget of 100 ms and the shares of its stages are decided. */
export const boundsOfStages = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1,
] as const

const bounds = Float64Array.from(boundsOfStages, (seconds) => seconds * 1000)
/** The last is of what is above every bound. */
const width = bounds.length + 1
const versionsApart = 8

export interface VersionTimes {
  /** Null: none answered. 'older': all those together that are no longer kept apart. */
  readonly version: string | null
  readonly predictions: number
  readonly degraded: number
  readonly stages: {
    readonly [S in (typeof stagesOfTime)[number]]: {
      /** How many are within each bound and above the one before it; the last, above all. */
      readonly counts: readonly number[]
      readonly sumSeconds: number
    }
  }
}

export interface StageHistograms {
  add(version: string | null, milliseconds: StageTimes, degraded: boolean): void
  snapshot(): readonly VersionTimes[]
}

interface Times {
  readonly version: string | null
  readonly counts: Float64Array
  readonly sums: Float64Array
  predictions: number
  degraded: number
  /** In the order of answers: whose last answer is the oldest makes room. */
  used: number
}

const timesOf = (version: string | null): Times => ({
  version,
  counts: new Float64Array(stagesOfTime.length * width),
  sums: new Float64Array(stagesOfTime.length),
  predictions: 0,
  degraded: 0,
  used: 0,
})

export function stageHistograms(): StageHistograms {
  const apart = new Map<string | null, Times>()
  const older = timesOf('older')
  let last = timesOf(null)
  let turns = 0

  const times = (version: string | null): Times => {
    last.used = ++turns
    const known = apart.get(version)
    if (known !== undefined) return known
    if (apart.size >= versionsApart) {
      const oldest = [...apart.values()].reduce((a, b) => (b.used < a.used ? b : a))
      apart.delete(oldest.version)
      addTo(older, oldest)
    }
    const made = timesOf(version)
    apart.set(version, made)
    return made
  }

  return {
    add: (version, milliseconds, degraded) => {
      if (version !== last.version || last.predictions === 0) last = times(version)
      const { counts, sums } = last
      last.predictions++
      if (degraded) last.degraded++
      count(counts, sums, 0, milliseconds.gateway)
      count(counts, sums, 1, milliseconds.features)
      count(counts, sums, 2, milliseconds.assembly)
      count(counts, sums, 3, milliseconds.queue)
      count(counts, sums, 4, milliseconds.inference)
      count(counts, sums, 5, milliseconds.post)
      count(counts, sums, 6, milliseconds.total)
    },
    snapshot: () => [...apart.values(), ...(older.predictions === 0 ? [] : [older])].map(described),
  }
}

/** By the place of a stage in `stagesOfTime`. */
function count(counts: Float64Array, sums: Float64Array, stage: number, milliseconds: number): void {
  let least = 0
  let most = width - 1
  while (least < most) {
    const middle = (least + most) >> 1
    if (milliseconds <= bounds[middle]!) most = middle
    else least = middle + 1
  }
  counts[stage * width + least]!++
  sums[stage]! += milliseconds
}

function addTo(sum: Times, one: Times): void {
  one.counts.forEach((count, i) => {
    sum.counts[i]! += count
  })
  one.sums.forEach((milliseconds, i) => {
    sum.sums[i]! += milliseconds
  })
  sum.predictions += one.predictions
  sum.degraded += one.degraded
}

const described = ({ version, predictions, degraded, counts, sums }: Times): VersionTimes => ({
  version,
  predictions,
  degraded,
  stages: Object.fromEntries(
    stagesOfTime.map((stage, i) => [
      stage,
      { counts: [...counts.subarray(i * width, (i + 1) * width)], sumSeconds: sums[i]! / 1000 },
    ]),
  ) as unknown as VersionTimes['stages'],
})
