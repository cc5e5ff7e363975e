/**
 * The memory of batches: runs, their partitions, who works on what, and which version is live. Part of the metadata store, and in its
 * transactions. Publication itself is a change of the registry's (`batch.published`), so that it stands in the same chained audit.
 *
 * Laws that every adapter keeps, beside those of the metadata store:
 * - **Leases.** A lease has one holder at a time, by the database's clock. Each time one is had, its token is greater than any before of that
 *   name. What is done under a lease is done only where its token is still the newest: one who was taken to be dead changes nothing any more.
 * - **Compare and set.** A run moves from the state that the caller takes it to be in, or not at all; both under its lease.
 * - **One run an occasion.** Of one batch, environment and occasion there is one run: `begin` gives the one that is there.
 * - **Versions.** The runs of a batch in an environment are numbered 1, 2, 3, … as they begin; no number is given twice.
 * - **References.** The artifacts of runs that are not retired are not collected.
 */
export const runStates = [
  /** Rows are looked for and cut into partitions. */
  'planning',
  'scoring',
  /** Everything is scored; the gate looks at it. */
  'auditing',
  /** The gate refused; what was live still is. It can be published by whoever answers for it. */
  'refused',
  /** The gate let it through: it is brought to where it is looked up. */
  'passed',
  'published',
  /** Something broke that trying again did not mend; it can be resumed. */
  'failed',
  'cancelled',
] as const
export type RunState = (typeof runStates)[number]

export interface NewBatchRun {
  /** Random, 32 hexadecimal digits. */
  readonly id: string
  readonly batch: string
  readonly environment: string
  /** What there is one run of: 'schedule 2026-11-24T20:00:00.000Z', 'airflow scheduled__2026-…', or the id itself. */
  readonly occasion: string
  /** The instant of the run: what `$at` is, and as of which features are taken. */
  readonly at: number
  /** That of the run before it, by the schedule; null where there is none. */
  readonly from: number | null
  readonly reason: 'schedule' | 'manual' | 'backfill' | 'airflow'
  /** Who began it. */
  readonly actor: string
  readonly engine: 'local' | 'spark'
  /** The hash of the batch's definition. */
  readonly definition: string
  readonly model: string
  readonly modelVersion: number
  /** SHA-256 of the model's file. */
  readonly modelFile: string
}

/** Documents are plain JSON whose form is that of src/batch. */
export interface BatchRun extends NewBatchRun {
  readonly version: number
  readonly state: RunState
  /** What the plan found: rows, files with their sizes and instants, the version that it goes on from. */
  readonly plan: unknown
  /** What the gate found. */
  readonly verdict: unknown
  readonly cost: unknown
  readonly error: { readonly code: string; readonly message: string } | null
  /** Artifacts beside those of the partitions: the profile, the report. */
  readonly artifacts: { readonly [name: string]: string }
  readonly beganAt: number
  readonly updatedAt: number
  readonly publishedAt: number | null
  /** Its files are not kept any more. */
  readonly retired: boolean
}

export interface NewPartition {
  readonly index: number
  readonly rows: number
  readonly input: unknown
}
export interface Partition extends NewPartition {
  readonly state: 'pending' | 'running' | 'done' | 'failed'
  readonly attempts: number
  readonly error: { readonly code: string; readonly message: string } | null
  readonly holder: string | null
  readonly output: PartitionOutput | null
  readonly beganAt: number | null
  readonly endedAt: number | null
}
export interface PartitionOutput {
  /** Of the Parquet file, in the artifact store. */
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
  /** Of its profile, in the artifact store. */
  readonly profile: string
  readonly cost: {
    /** Rows that the model was called with; the others kept the answer that they had. */
    readonly inferred: number
    readonly cpuMs: number
    readonly modelMs: number
    readonly wallMs: number
    readonly bytesRead: number
  }
}

export interface Lease {
  readonly name: string
  readonly token: number
}
export interface TakenPartition extends Partition {
  readonly lease: Lease
}

export interface LiveBatch {
  readonly batch: string
  readonly environment: string
  readonly version: number
  readonly run: string
  readonly at: number
  /** The version before it; null for the first. */
  readonly previous: number | null
}

export interface RunChange {
  readonly plan?: unknown
  readonly verdict?: unknown
  readonly cost?: unknown
  readonly error?: { readonly code: string; readonly message: string } | null
  readonly artifacts?: { readonly [name: string]: string }
}

export interface BatchStore {
  begin(run: NewBatchRun): Promise<BatchRun>
  run(id: string): Promise<BatchRun | null>
  version(batch: string, environment: string, version: number): Promise<BatchRun | null>
  /** Newest first. */
  runs(query: RunQuery): Promise<readonly BatchRun[]>
  partitions(run: string): Promise<readonly Partition[]>

  /** Null where somebody else has it. */
  lease(name: string, holder: string, ms: number): Promise<Lease | null>
  /** False: it is somebody else's by now. */
  renew(lease: Lease, ms: number): Promise<boolean>
  release(lease: Lease): Promise<void>
  /** Who has it now, and how long that lasts unless renewed; null: nobody. */
  holder(name: string): Promise<{ readonly holder: string; readonly leftMs: number } | null>

  /** Moves the run, under its lease, `run/ID`. False where its state is another or the lease is lost: nothing has changed. */
  advance(run: string, lease: Lease, from: RunState, to: RunState, change: RunChange): Promise<boolean>
  /** From planning to scoring, with the partitions. Artifacts with the rows of partitions (`input.sha256`) are kept like the others. */
  planned(run: string, lease: Lease, plan: unknown, partitions: readonly NewPartition[]): Promise<boolean>

  /**
   * The first partition that waits, or whose lease, `run/ID/INDEX`, ran out; its attempt counts from now on. Null where there is none. Failed
   * ones are taken again only when `again` has been asked for. `only`: that partition or none.
   */
  take(run: string, holder: string, ms: number, only?: number | null): Promise<TakenPartition | null>
  finish(run: string, partition: TakenPartition, output: PartitionOutput): Promise<boolean>
  /** `final`: it is not tried again by itself. */
  fail(
    run: string,
    partition: TakenPartition,
    error: { readonly code: string; readonly message: string },
    final: boolean,
  ): Promise<boolean>
  /** Failed partitions wait again, their attempts forgotten. A failed run is scoring again, or planning where it has no partitions. */
  again(run: string): Promise<BatchRun>

  live(environment: string): Promise<readonly LiveBatch[]>
  /** Its artifacts may be collected. Not one that is live: false. */
  retire(run: string): Promise<boolean>

  /** How a version was looked up, told by each server about itself; what it says replaces what it said before. */
  tellUse(run: string, server: string, use: BatchUse): Promise<void>
  use(run: string): Promise<readonly BatchUse[]>
}

export interface BatchUse {
  readonly lookups: number
  readonly hits: number
  /** Of the keys found: a HyperLogLog as text, to be merged with those of other servers. */
  readonly keys: string
  readonly at: number
}

export interface RunQuery {
  readonly batch?: string
  readonly environment: string
  readonly states?: readonly RunState[]
  readonly occasion?: string
  /** Instants of runs, from one on and before another. */
  readonly from?: number
  readonly until?: number
  /** Versions smaller than this. */
  readonly before?: number
  readonly limit: number
}
