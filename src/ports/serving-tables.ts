/**
 * Batches as tables of a database that others read with SQL: each version a table of its own, and under the name that the definition gives,
 * a view of the one that is live.
 *
 * Laws that every adapter keeps:
 * - **Whole.** A version is there with all its rows, or not at all; a reader sees rows of one version alone, whichever moment it reads in.
 * - **Fenced.** A name shows what was asked for by the greatest token; whoever comes later with a smaller one changes nothing.
 * - **Never in use.** What a name shows is not dropped, and neither is what somebody else's view reads.
 * - **Theirs.** What of that name is not of this making stays untouched: SX_SERVING_TABLE. Rights that were granted on the name stay granted.
 * - **Away.** Where the database cannot be reached: SX_STORE_UNAVAILABLE, and nothing has changed that could be seen.
 * - **Bounded.** No call takes memory that grows with the number of rows.
 */
import type { Columns } from './batch-rows.ts'
import type { Inspectable } from './inspection.ts'

export interface ServingColumn {
  readonly name: string
  readonly type: 'string' | 'int64' | 'float64' | 'boolean' | 'timestamp' | 'float64[]'
}
export interface TableName {
  readonly schema: string
  readonly name: string
}

export interface ServedVersion {
  /** 32 hexadecimal digits. */
  readonly run: string
  readonly environment: string
  readonly batch: string
  readonly version: number
  /** The instant of the run. */
  readonly at: number
  readonly table: TableName
  /** How many of the columns, from the first on, are the key. */
  readonly keys: number
  readonly columns: readonly ServingColumn[]
}

export interface Filling {
  /** Rows in the order of their keys, with the columns of the version in theirs; of rows with the same key the first is taken. */
  rows(): AsyncIterable<Columns>
  /** So many rows there must be. */
  readonly expected: number
  progress(done: number): void
  readonly signal: AbortSignal
}

/** 'shown': the name shows it. 'unfilled': its table is not there. Otherwise the run that was asked for by a greater token. */
export type Shown = 'shown' | 'unfilled' | { readonly run: string }

export interface ServingTables extends Inspectable {
  /** Throws what `show` would throw for the name. */
  check(version: Pick<ServedVersion, 'environment' | 'batch' | 'table'>): Promise<void>
  /** Nothing to do where it is filled. Throws SX_STORE_CORRUPT where there are other than the expected rows. */
  fill(version: ServedVersion, filling: Filling): Promise<void>
  /** `over`: a run whose greater token does not count, because nobody knows of it any more. */
  show(version: ServedVersion, token: number, over?: string | null): Promise<Shown>
  /** Nothing has the name from then on: what it shows never went live. Nothing changes where somebody asked for more by a greater token. */
  hide(version: Pick<ServedVersion, 'environment' | 'batch' | 'table'>, token: number): Promise<void>
  /** The run that a name shows; null where it shows none. */
  shown(table: TableName): Promise<string | null>
  /** At once where nobody reads it, or with one of the next calls. */
  drop(run: string): Promise<void>
  close(): Promise<void>
}
