/**
 * What the offline store does for batches: finds the rows, gives their vectors as columns, writes answers, and holds two batches against each
 * other. Part of the offline store, and under its laws; beside them:
 * - **The same again.** The same rows at the same instant, from files that did not change, come in the same order and are cut in the same
 *   places. A file that changed since the plan is SX_INPUT_CHANGED.
 * - **Bounded.** No call takes memory that grows with the number of rows.
 */
import type { Batch, RealisedBounds } from '../definition/batch.ts'
import type { Type } from '../expression/node.ts'

/** A file as it was when the plan was made. */
export interface InputFile {
  readonly path: string
  readonly bytes: number
  /** What changes when the file does: its instant of change in milliseconds, or its tag. */
  readonly mark: string
  readonly rows: number
}
/** Rows of one file, or a file of rows that was made for the run and lies in the artifact store. Plain JSON. */
export type PartitionInput =
  | { readonly kind: 'file'; readonly file: InputFile; readonly from: number; readonly to: number }
  | { readonly kind: 'rows'; readonly sha256: string }

export interface PlanRequest {
  readonly batch: Batch
  /** The instant of the run, and that of the one before. */
  readonly at: number
  readonly from: number | null
  /** Where files of rows are written. */
  readonly folder: string
}
export interface RowsPlan {
  readonly rows: number
  /** Of a file: its part. Of rows that had to be made: a path in the folder, to be put in the artifact store. */
  readonly parts: readonly (
    | {
        readonly kind: 'file'
        readonly file: InputFile
        readonly from: number
        readonly to: number
        readonly rows: number
      }
    | { readonly kind: 'made'; readonly path: string; readonly rows: number }
  )[]
  readonly files: readonly InputFile[]
  /** Of every source that the model's views read: the newest event that is known at the instant. */
  readonly newest: { readonly [source: string]: number | null }
}

/** Values of one column. Numbers and booleans are in typed arrays, instants in milliseconds; where `valid` is 0 there is no value. */
export interface Column {
  readonly name: string
  readonly type: Type
  readonly values: Float64Array | Float32Array | BigInt64Array | Uint8Array | readonly (string | null)[]
  /** Null: every row has a value. */
  readonly valid: Uint8Array | null
}
export interface Columns {
  readonly rows: number
  readonly columns: readonly Column[]
  /** For whoever has done with them: their memory holds other rows from then on. Who never says so keeps them. */
  release?(): void
}

export interface VectorRequest {
  readonly batch: Batch
  readonly at: number
  readonly input: PartitionInput
  /** Of an input of made rows: where the artifact lies here. */
  readonly path: string | null
  /** Columns that are wanted as float32, by the names that they have here. */
  readonly single: ReadonlySet<string>
  /** An archived batch whose columns come along, `previous__NAME`, of the row with the same key; null where there is none. */
  readonly previous: (BatchFiles & { readonly columns: readonly string[] }) | null
}

export interface WrittenColumn {
  readonly name: string
  readonly type: 'string' | 'int64' | 'float64' | 'float32' | 'boolean' | 'timestamp' | 'float64[]'
}

/** Archived batches, as files of this machine. */
export interface BatchFiles {
  readonly paths: readonly string[]
}
export interface BatchComparison {
  readonly rows: { readonly before: number; readonly after: number; readonly both: number }
  /** Rows whose key another row of the same batch has. */
  readonly twins: number
  /** Of rows in both: whose decision is another; null where there is none. */
  readonly flips: number | null
  /** Of the first `k` of the one before, how many are among the first of the other. */
  readonly top: { readonly k: number; readonly both: number } | null
  /** Of rows in both: mean and greatest absolute difference, by numeric output. */
  readonly moved: { readonly [output: string]: { readonly mean: number; readonly most: number } }
}

/** How well an output did over the rows whose outcome is known. */
export interface RealisedOutput {
  readonly output: string
  readonly measure: keyof RealisedBounds
  readonly examples: number
  /** The mean over the rows; of the calibration with its sign. */
  readonly value: number
  /** Standard deviation of what it is the mean of. */
  readonly deviation: number
}

export interface BatchRowsStore {
  plan(request: PlanRequest, progress: (done: number) => void): Promise<RowsPlan>
  /** Columns of keys, `keys__NAME`, of request fields, `request__NAME`, of the vector, `vector__NAME`, and of the batch before, in that order. */
  vectors(request: VectorRequest): AsyncIterable<Columns>
  /** The file is there whole when it has resolved, synced, or not at all. The same values give the same bytes. */
  write(
    path: string,
    columns: readonly WrittenColumn[],
    rows: AsyncIterable<Columns>,
  ): Promise<{ readonly rows: number; readonly bytes: number }>
  /** `before` null: only what can be said of one. */
  compare(
    before: BatchFiles | null,
    after: BatchFiles,
    asked: {
      readonly keys: readonly string[]
      readonly numbers: readonly string[]
      readonly decision: string | null
      readonly top: { readonly output: string; readonly k: number } | null
    },
  ): Promise<BatchComparison>
  /**
   * What came of an archived batch of the instant `at`, by `batch.gate.outcomes`. Throws SX_OUTCOME_INVALID where the files of outcomes are none, or lack a
   * column.
   */
  realised(batch: Batch, files: BatchFiles, at: number): Promise<readonly RealisedOutput[]>
  /** Rows of an archived batch, in the order of its files; or in that of the columns `by`, of texts the shorter first. */
  read(files: BatchFiles, columns: readonly string[], by?: readonly string[]): AsyncIterable<Columns>
  /** The rows with these keys, at most one each, also where one is asked for twice; for when the cache does not have them. */
  find(
    files: BatchFiles,
    keys: readonly { readonly [part: string]: string | number | bigint | boolean }[],
    columns: readonly string[],
  ): Promise<readonly ({ readonly [column: string]: unknown } | null)[]>
}
