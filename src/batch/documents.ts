/** What runs of batches leave behind, as plain JSON: the plan, the verdict of the gate with its evidence, the cost. */
import type { RealisedBounds } from '../definition/batch.ts'
import type { InputFile, PartitionInput } from '../ports/batch-rows.ts'

export interface PlanDocument {
  readonly rows: number
  readonly files: readonly InputFile[]
  readonly newest: { readonly [source: string]: number | null }
  /** The version that was live: the gate holds this one against it, and an incremental run goes on from it. Null for the first. */
  readonly previous: number | null
  /** True: rows that are as they were keep the answer of `previous`. */
  readonly incremental: boolean
}

export interface PlannedPartition {
  readonly index: number
  readonly rows: number
  readonly input: PartitionInput
}

/** The version before, the last of the same day of the week, or one that is fixed. */
export type Against = 'previous' | 'weekday' | 'reference'

/** What one check found. */
export interface Check {
  /** 'coverage', 'missing', 'range', 'twins', 'rows', 'keys', 'freshness', 'schema', 'distance', 'top', 'flips', 'outcomes'. */
  readonly kind: string
  /** An output, an entry of the vector, a source; null: the whole. */
  readonly of: string | null
  /** 'carrier = UA'; null: all rows. */
  readonly segment: string | null
  /** Null: with nothing. */
  readonly against: Against | null
  /** 'psi', 'mean', …; null where the check has one figure. */
  readonly measure: string | null
  readonly outcome: 'passed' | 'refused' | 'not enough data' | 'nothing to compare with'
  readonly value: number | null
  /** What the value may be at most or at least. */
  readonly bound: number | null
  /** How often chance alone would show as much, after it is reckoned that many were looked at; null where chance has no part. */
  readonly p: number | null
  /** In one sentence, with the figures. */
  readonly words: string
}
/** Two distributions over the same bins, to be laid over each other. */
export interface Overlay {
  readonly of: string
  readonly segment: string | null
  readonly against: Against
  readonly bins: readonly { readonly label: string; readonly before: number; readonly after: number }[]
}
/** How well an earlier version did, as far as its outcomes were known. */
export interface Realised {
  readonly version: number
  readonly at: number
  readonly output: string
  readonly measure: keyof RealisedBounds
  readonly examples: number
  readonly value: number
  /** Standard deviation of what the value is the mean of. */
  readonly deviation: number
}
/** What a verdict leaves for those after it, in few bytes: of thousands of comparisons those that can move a bound. */
export interface Memory {
  /** How far it was from the version before; null where there was none. What is left out was less than a fifth of its bound. */
  readonly distances: readonly (readonly [of: string, segment: string | null, measure: string, value: number])[] | null
  /** Of columns with few values the most frequent one, and the share of rows with another. */
  readonly others: { readonly [column: string]: readonly [most: string, share: number] }
}
export interface Verdict {
  readonly passed: boolean
  readonly at: number
  /** Refusals first. */
  readonly checks: readonly Check[]
  readonly overlays: readonly Overlay[]
  readonly realised: readonly Realised[]
  readonly memory: Memory
  /** Of whoever published it although it was refused. */
  readonly override: { readonly actor: string; readonly reason: string; readonly at: number } | null
}

/** What a run took. */
export interface Cost {
  readonly rows: number
  readonly inferred: number
  readonly wallMs: number
  readonly cpuSeconds: number
  readonly modelSeconds: number
  readonly bytesRead: number
  readonly bytesWritten: number
  /** At the configured rates; null: none are configured. */
  readonly price: { readonly total: number; readonly perThousand: number; readonly currency: string } | null
}

/** What looking a key up gives. */
export const rungs = ['exact', 'segment', 'popular', 'model', 'default'] as const
export type Rung = (typeof rungs)[number]
export interface BatchAnswer {
  readonly batch: string
  /** By output; null where no rung answers. */
  readonly outputs: { readonly [output: string]: number | string | readonly number[] } | null
  readonly rung: Rung | null
  /** The decision, where the batch has one and the answer is exact. */
  readonly decision: string | boolean | null
  /** Of the batch that is live; null: none is. */
  readonly version: number | null
  readonly asOf: number | null
  readonly ageMs: number | null
  readonly stale: boolean
}
