/** What is asked about two files of rows, and what is found. */
import type { ColumnDrift, DriftThresholds } from '../statistics/drift.ts'
import type { EvidentlyResult } from '../statistics/evidently.ts'

export interface DriftAsked {
  /** Parquet files, or patterns of them. */
  readonly reference: string
  readonly current: string
  /** Null: all that both have. */
  readonly columns: readonly string[] | null
  readonly method: 'standard' | 'evidently'
  readonly thresholds: Partial<DriftThresholds>
}

export interface EvidentlyColumnDrift {
  readonly column: string
  /** Null where one of the two has no value. */
  readonly result: EvidentlyResult | null
}

export type DriftFound = (
  | { readonly method: 'standard'; readonly columns: readonly ColumnDrift[] }
  | { readonly method: 'evidently'; readonly columns: readonly EvidentlyColumnDrift[] }
) & {
  /** Columns whose type is not compared. */
  readonly left: readonly string[]
  /** Columns that only the other side has. */
  readonly lacking: { readonly reference: readonly string[]; readonly current: readonly string[] }
}
