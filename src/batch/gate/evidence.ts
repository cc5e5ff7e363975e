/** What a batch is judged by. */
import type { Batch } from '../../definition/batch.ts'
import type { BatchComparison } from '../../ports/batch-rows.ts'
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import type { Check, PlanDocument } from '../documents.ts'
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
  /** What its gate found. */
  readonly checks: readonly Check[]
}

export interface Evidence {
  readonly batch: Batch
  /** The instant of the run, and when it is judged. */
  readonly at: number
  readonly now: number
  readonly plan: PlanDocument
  readonly profiles: ProfileSet<ColumnProfile>
  readonly previous: Earlier | null
  readonly reference: Earlier | null
  readonly comparison: BatchComparison
  readonly days: readonly Day[]
}
