/**
 * The memory of batches: runs, their partitions, who works on what, and which version is live. Part of the metadata store, and in its
 * transactions. Publication itself is a change of the registry's (`batch.published`), so that it stands in the same chained audit.
 *
 * Laws that every adapter keeps, beside those of the metadata store:
 * - **Leases.** A lease is had by one at a time, by the database's clock: also within one process, and whatever its holder is called. Each time
 *   one is had, its token is greater than any before of that name. What is done under a lease is done only where its token is still the
 *   newest: one who was taken to be dead changes nothing any more. A run is moved by nobody who gave its lease back; a partition is finished
 *   or failed by whoever took it last, also when the lease has been given back or was forgotten, a day after it ran out.
 * - **Compare and set.** A run moves from the state that the caller takes it to be in, or not at all; both under its lease.
 * - **One run an occasion.** Of one batch, environment and occasion there is one run: `begin` gives the one that is there.
 * - **Versions.** The runs of a batch in an environment are numbered 1, 2, 3, … as they begin; no number is given twice.
 * - **References.** The artifacts of runs that are not retired are not collected: the model's file, made rows, outputs, profiles, reports. What
 *   would begin to refer to one that is condemned rejects with SX_ARTIFACT_CONDEMNED and has changed nothing: have it spared, and put it again.
 * - **Asked again.** What was done and is asked for again under the same lease, because its answer was lost, is answered as before.
 * - **Text.** Ids, names, occasions, actors and holders with a NUL character or half of a surrogate pair, or of more than 800 bytes, reject
 *   with SX_REQUEST_INVALID. Documents and errors may hold any text.
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
  /** 'request': a server was asked for it, and those that keep the schedules see to it as to their own. */
  readonly reason: 'schedule' | 'manual' | 'request' | 'backfill' | 'airflow'
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
  /** Who works on it, or did last. */
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

export interface Worker {
  readonly holder: string
  /** Null: it has the run itself. */
  readonly partition: number | null
  readonly leftMs: number
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

/** Somebody wants what is live to stay, whatever the gate lets through; written by 'batch.held' and 'batch.released'. */
export interface BatchHold {
  readonly batch: string
  readonly actor: string
  readonly reason: string | null
  readonly at: number
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

  /** Null where it is had, by whomever. */
  lease(name: string, holder: string, ms: number): Promise<Lease | null>
  /** False: it is somebody else's by now. */
  renew(lease: Lease, ms: number): Promise<boolean>
  release(lease: Lease): Promise<void>
  /** Who has it now, and how long that lasts unless renewed; null: nobody. */
  holder(name: string): Promise<{ readonly holder: string; readonly leftMs: number } | null>
  /** Who works on the run or on partitions of it now. */
  workers(run: string): Promise<readonly Worker[]>

  /** Moves the run, under its lease, `run/ID`. False where its state is another or the lease is lost: nothing has changed. */
  advance(
    run: string,
    lease: Lease,
    from: RunState,
    to: Exclude<RunState, 'published'>,
    change: RunChange,
  ): Promise<boolean>
  /** From planning to scoring, with the partitions. Artifacts with the rows of partitions (`input.sha256`) are kept like the others. */
  planned(run: string, lease: Lease, plan: unknown, partitions: readonly NewPartition[]): Promise<boolean>

  /**
   * The first partition that waits, or whose lease, `run/ID/INDEX`, ran out; its attempt counts from now on. Null where there is none. Failed
   * ones are taken again only when `again` has been asked for. `only`: that partition or none. None of a run that is not scoring.
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
  /**
   * Failed partitions wait again, their attempts forgotten. A run that failed or was cancelled is scoring again, or planning where it has no
   * partitions. Throws SX_BATCH_STATE where it is retired. `asked`: those that keep the schedules go on with it, whoever began it.
   */
  again(run: string, asked?: boolean): Promise<BatchRun>

  live(environment: string): Promise<readonly LiveBatch[]>
  /** Batches of which nothing goes live by itself. */
  holds(environment: string): Promise<readonly BatchHold[]>
  /** Its artifacts may be collected. Not one that is live, or being planned, scored or audited: false. */
  retire(run: string): Promise<boolean>

  /** How a version was looked up, told by each server about itself; what it says replaces what it said before. Throws SX_UNKNOWN_BATCH_RUN. */
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
  /** Without plans and verdicts, which may be long: they are null. */
  readonly brief?: boolean
  readonly limit: number
}

/**
 * Changes of the registry's. The run must be of that batch, version and model, and in a state in which that can happen; its entry is of the
 * model's version. Rejects with SX_REGISTRY_CONFLICT otherwise.
 */
export type BatchChange = OfBatch &
  (
    | {
        /** A version of a batch is live from now on: one that passed, was refused and is published all the same, or was live before. */
        readonly kind: 'batch.published'
        /** The version that must be live now: null for none. */
        readonly replaces: number | null
        readonly verdict: 'passed' | 'overridden'
        /** True: the version must have been published before. */
        readonly rollback: boolean
      }
    /** The gate refused it: from auditing to refused, or refused already. What is live stays live. */
    | { readonly kind: 'batch.refused'; readonly checks: readonly string[] }
    /** Somebody wants it no more. Whoever works on it finds that out: without its lease. */
    | { readonly kind: 'batch.cancelled' }
    /** It broke off, wherever it was on the way. */
    | { readonly kind: 'batch.failed'; readonly error: { readonly code: string; readonly message: string } }
    /** From now on nothing of the batch goes live by itself; the run is the newest, whatever its state. Held again: by the one who held it last. */
    | { readonly kind: 'batch.held' }
    /** It was held. */
    | { readonly kind: 'batch.released' }
  )
interface OfBatch {
  readonly batch: string
  readonly environment: string
  /** Its id. */
  readonly run: string
  readonly version: number
  readonly model: string
  readonly modelVersion: number
}
