/** What can be done with batches: by a command, a server, a scheduler, an application in the same process. */
import type { BatchComparison } from '../ports/batch-rows.ts'
import type { BatchHold, BatchRun, LiveBatch, NewBatchRun, Partition } from '../ports/batch-store.ts'
import type { BatchAnswer, Check, Overlay } from './documents.ts'

export interface BatchStanding {
  readonly batch: string
  readonly model: string
  /** Null: it is run when somebody says so. */
  readonly schedule: { readonly cron: string; readonly zone: string; readonly next: number } | null
  readonly live: LiveBatch | null
  /** The live version is older than the batch promises. */
  readonly stale: boolean
  readonly latest: BatchRun | null
  /** Null: what the gate lets through goes live by itself. */
  readonly hold: Pick<BatchHold, 'actor' | 'reason' | 'at'> | null
}

export interface RunDetail {
  readonly run: BatchRun
  readonly partitions: readonly Partition[]
  readonly live: boolean
  /** Who works on it now; null: nobody. */
  readonly holder: string | null
  /** Of all servers together; null: it was never live. */
  readonly use: VersionUse | null
}

/** How the predictions of a version were used. */
export interface VersionUse {
  readonly lookups: number
  readonly hits: number
  /** Different ones of its keys that were looked up, estimated by a sketch. */
  readonly keys: number
  /** Predictions that nobody has looked up so far. */
  readonly wasted: {
    readonly rows: number
    readonly share: number
    /** The share is that within so much, 19 times of 20. */
    readonly error: number
    /** Of what the run cost, their share; null: no rates are configured. */
    readonly price: number | null
  }
}

export interface BeginOptions {
  /** The instant of the run; left out: the last that was due by the schedule, or now where it has none. */
  readonly at?: number
  readonly reason?: NewBatchRun['reason']
  readonly engine?: NewBatchRun['engine']
  /** What there is one run of; left out: for a schedule its instant, else the run itself. */
  readonly occasion?: string
  readonly actor: string
}

export interface Who {
  readonly actor: string
  readonly reason: string | null
}

export interface Watched {
  /** From 0 to 1, within the state named. */
  readonly progress?: (state: BatchRun['state'], done: number) => void
  readonly signal?: AbortSignal
}

export interface Compared {
  readonly before: number
  readonly after: number
  readonly rows: BatchComparison
  readonly checks: readonly Check[]
  readonly overlays: readonly Overlay[]
}

export interface BackfillOptions extends Watched {
  readonly from: number
  readonly until: number
  /** Runs at once. By default 1. */
  readonly parallel?: number
  readonly actor: string
}

export interface Batches {
  standings(): Promise<readonly BatchStanding[]>
  /** Newest first. Throws SX_UNKNOWN_BATCH. */
  runs(
    batch: string,
    query: { readonly limit: number; readonly before?: number; readonly from?: number; readonly until?: number },
  ): Promise<readonly BatchRun[]>
  /** `version` is a number, 'live', 'latest', or a run's id. Throws SX_UNKNOWN_BATCH, SX_UNKNOWN_BATCH_RUN, SX_NOT_PUBLISHED. */
  show(batch: string, version: string): Promise<RunDetail>

  // --- step by step, as a workflow of somebody else's takes them; each can be repeated, and does nothing that is done
  begin(batch: string, options: BeginOptions): Promise<BatchRun>
  plan(run: string, watched?: Watched): Promise<RunDetail>
  /** One partition; left out: all that are not done. `again`: also where the run had failed. Throws SX_BATCH_FAILED. */
  score(run: string, partition: number | null, watched?: Watched & { readonly again?: boolean }): Promise<RunDetail>
  /** The run is passed or refused when it resolves. */
  audit(run: string): Promise<RunDetail>
  /** Throws SX_BATCH_REFUSED where the gate refused and no `override` says why it may go live all the same. */
  publish(run: string, who: Who & { readonly override?: boolean }): Promise<RunDetail>

  /** All of that, as far as it goes: published or refused when it resolves. */
  run(run: string, watched?: Watched): Promise<RunDetail>
  /** A run that failed, broke off or was cancelled goes on with what is not done. */
  resume(run: string, watched?: Watched): Promise<RunDetail>
  cancel(run: string, who: Who): Promise<RunDetail>
  /**
   * Has a run begun, or gone on with, by whichever server keeps the schedules: returns as soon as that is written down. Throws SX_BATCH_STATE
   * where no server does.
   */
  ask(batch: string, options: Omit<BeginOptions, 'reason'>): Promise<BatchRun>
  askAgain(run: string): Promise<BatchRun>
  /** From now on nothing goes live but what somebody publishes or rolls back to. Throws SX_BATCH_STATE where the batch never ran. */
  hold(batch: string, who: Who): Promise<BatchStanding>
  /** What has passed meanwhile and was begun by a schedule or a request goes live, the rest when it is published. Throws SX_BATCH_STATE. */
  release(batch: string, who: Who): Promise<BatchStanding>
  /** A run for every instant of the schedule in a span, oldest first. They are published only where nothing newer is. */
  backfill(batch: string, options: BackfillOptions): Promise<readonly RunDetail[]>
  /** `to` null: the version that was live before. Throws SX_NOTHING_TO_ROLL_BACK, SX_UNKNOWN_BATCH_RUN. */
  rollback(batch: string, to: number | null, who: Who): Promise<RunDetail>
  compare(batch: string, before: string, after: string): Promise<Compared>
  /** The gate's report as a page of HTML by itself. */
  report(batch: string, version: string): Promise<string>
  /** OpenLineage events of the run, in their order. */
  lineage(batch: string, version: string): Promise<readonly unknown[]>
  /** The Parquet files of a version, on this machine. */
  files(batch: string, version: string): Promise<readonly string[]>

  /** Serving tables show what is live, where a publication broke off or has not been since they were asked for. */
  align(signal?: AbortSignal): Promise<void>

  /** One answer a key, in their order. A key that is none is refused by SX_REQUEST_INVALID. Throws SX_UNKNOWN_BATCH. */
  lookup(batch: string, keys: readonly unknown[]): Promise<readonly BatchAnswer[]>
}

/** How commands end, for whoever starts them: beside 0 for well and 1 for anything else. */
export const exitOfRefusal = 3
