/**
 * The offline store: history, read as a whole. It computes with its own engine what online state computes with JavaScript, and
 * both come to the same values (docs/explanation/parity.md).
 *
 * Laws, which `tests/parity` and the check-suite hold:
 * - The feature of a label row is the value at its instant, by the rules of docs/explanation/time-and-values.md.
 * - **Order.** There are as many rows as label rows of the period, in their order, with their columns unchanged.
 * - **Atomic and durable.** A file that is written is written whole, or not at all; it is there when the call has resolved.
 * - **Duplicates.** The same request writes the same rows again, in place of those before.
 * - **Lost connection.** A remote file is tried again for some seconds; then the call rejects with SX_STORE_UNAVAILABLE, and has
 *   written nothing. A file that changes while it is read is an error, never a mixture.
 */
import type { Model } from '../definition/model.ts'
import type { Source } from '../definition/source.ts'
import type { Period } from '../definition/training.ts'
import type { AnyView } from '../definition/view.ts'
import type { Value } from '../expression/node.ts'
import type { BatchRowsStore } from './batch-rows.ts'
import type { Inspectable } from './inspection.ts'

/** The labels of a training set. */
export interface LabelRows {
  /** Parquet: keys, the instant of each row, and the request fields of the model. */
  readonly labels: string
  /** The column with the instants. */
  readonly at: string
  /** What instants without a zone are in; null refuses them. */
  readonly zone: string | null
}

export interface TrainingSetRequest extends LabelRows {
  /** Label rows of this period only; left out, all. */
  readonly period?: Period
  /** The Parquet file to write. */
  readonly out: string
  /** Columns for features of views: `group__feature`. */
  readonly views: readonly { readonly group: string; readonly view: AnyView }[]
  /** Columns for a model's vector, under the names of its entries. */
  readonly model: Model | null
  /** Stored in the file's metadata. */
  readonly metadata: { readonly [key: string]: string }
}

export interface TrainingSetResult {
  readonly rows: number
  readonly columns: readonly string[]
  readonly bytes: number
  readonly milliseconds: number
}

/** What a Parquet file holds. */
export interface RowsSummary {
  readonly rows: number
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** SHA-256 of the names and all values in their order: the same for the same rows, whatever bytes they are written as. */
  readonly hash: string
  /** Instants; null where there are no rows. */
  readonly first: number | null
  readonly last: number | null
}

/** What a source's history holds, and what is wrong with it. */
export interface HistorySummary {
  readonly source: string
  readonly rows: number
  /** Rows that are no events: without a time, a part of the key, or an arrival. */
  readonly withoutTime: number
  readonly withoutKey: number
  readonly withoutArrival: number
  /** Values that were taken as missing: not finite, or outside the range or the list of values declared. */
  readonly outOfDomain: number
  /** Events whose id an earlier one had. */
  readonly repeated: number
  readonly firstTime: number | null
  readonly lastTime: number | null
  /** The last instant at which an event became visible: through which materialisation can go. */
  readonly lastVisible: number | null
}

/** Rows of events, a column after another, in the order of the source's fields: instants in milliseconds, int64 in proper form. */
export interface EventBatch {
  readonly rows: readonly (readonly Value[])[]
}

export interface HistoryRequest {
  readonly source: Source
  readonly view: AnyView
  /** Events visible after this instant … */
  readonly after: number
  /** … and by this one. */
  readonly through: number
  /** Start behind this key, for a run that is resumed; null for all. */
  readonly afterKey: readonly Value[] | null
}

export interface OfflineStore extends Inspectable {
  readonly batch: BatchRowsStore

  trainingSet(request: TrainingSetRequest, progress: (done: number) => void): Promise<TrainingSetResult>

  /** Events of the view's source, those of one entity together, entities in order of their keys' parts by name. */
  history(request: HistoryRequest): AsyncIterable<EventBatch>

  /** Reads all of a source's history once: what it holds, and what is wrong with it. */
  summarize(source: Source): Promise<HistorySummary>

  /** Also of a training set that was written, which has the labels' columns. */
  summarizeRows(rows: LabelRows): Promise<RowsSummary>

  /** The instant from which on lies this share of the rows, or as little more as rows of one instant allow; null where there are none. */
  splitAt(rows: LabelRows, share: number): Promise<number | null>

  /** Some columns of a file, in the order of its rows; no more rows than the limit. */
  readRows(path: string, columns: readonly string[], limit: number): AsyncIterable<EventBatch>

  close(): Promise<void>
}
