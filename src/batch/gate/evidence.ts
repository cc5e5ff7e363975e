/** What a batch is judged by. */
import type { Batch } from '../../definition/batch.ts'
import type { BatchComparison } from '../../ports/batch-rows.ts'
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import type { Check, Memory, PlanDocument, Realised } from '../documents.ts'
import type { ProfileSet } from '../profile-set.ts'

/** An earlier version, as far as it is kept. */
export interface Earlier {
  readonly version: number
  readonly at: number
  readonly definition: string
  readonly plan: PlanDocument
  readonly profiles: ProfileSet<ColumnProfile>
}

/** What is remembered of a version that was published, newest first. */
export interface Day {
  readonly version: number
  readonly at: number
  readonly rows: number
  readonly newest: PlanDocument['newest']
  readonly memory: Memory
  readonly realised: readonly Realised[]
  /** What its gate had refused it for, where somebody let it through; null where the gate did. */
  readonly letThrough: readonly Pick<Check, 'of' | 'segment'>[] | null
}

export interface Known {
  readonly figures: readonly Realised[]
  /** Why there is nothing where there should be something: the file of outcomes cannot be read. */
  readonly problem: string | null
}

export interface Evidence {
  readonly batch: Batch
  /** The instant of the run, and when it is judged. */
  readonly at: number
  readonly now: number
  readonly plan: PlanDocument
  readonly profiles: ProfileSet<ColumnProfile>
  readonly previous: Earlier | null
  /** The last that is kept of the same day of the week, and is not `previous`. */
  readonly weekday: Earlier | null
  readonly reference: Earlier | null
  readonly comparison: BatchComparison
  readonly days: readonly Day[]
  /** Of the last versions whose outcomes have had their time; null where none are asked for. */
  readonly realised: Known | null
}

/** As the clock of the schedule's zone has it. */
export function weekdays({ schedule }: Batch): (at: number) => string {
  const format = new Intl.DateTimeFormat('en', { weekday: 'short', timeZone: schedule?.zone ?? 'UTC' })
  return (at) => format.format(at)
}

export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`
export const count = (n: number): string => n.toLocaleString('en-US')
export function figure(value: number): string {
  const short = Number(value.toPrecision(4))
  // The greatest numbers round to none.
  return Number.isFinite(short) ? String(short) : value.toPrecision(4)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Of a normal distribution the median of the absolute deviations, as a part of its standard deviation. */
const madToDeviation = 1.4826
/** A figure that was as far above its like as this never was one of them. */
export function beyond(past: readonly number[], deviations = 6): number {
  const middle = median(past)
  return middle + deviations * madToDeviation * median(past.map((value) => Math.abs(value - middle)))
}

/** A check of the whole that has one figure. */
export const check = (
  kind: string,
  of: string | null,
  ok: boolean,
  value: number | null,
  bound: number | null,
  words: string,
): Check => ({
  ...{ kind, of, segment: null, against: null, measure: null },
  outcome: ok ? 'passed' : 'refused',
  ...{ value, bound, p: null, words },
})
