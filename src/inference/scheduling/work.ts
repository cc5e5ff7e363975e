/** What waits for a model, and until when: the words that the scheduler and those who ask it share. */
import type { Value } from '../../expression/node.ts'
import type { Place, Tensors } from '../../ports/model-runtime.ts'
import type { OutputValue } from '../tensors.ts'

/** Live work goes before shadow work, and that before backfill; within one, what is due first goes first. */
export const priorities = ['live', 'shadow', 'backfill'] as const
export type Priority = (typeof priorities)[number]

export interface Due {
  /** On the monotonic clock, in milliseconds: what cannot be computed by then is not begun. */
  readonly deadline: number
  readonly priority: Priority
  /** When it arrived, on the same clock: between the two lies the time that its caller gave. Left out: now. */
  readonly arrived?: number
}

export interface Timing {
  /** Milliseconds of waiting, and of the call into the model. */
  readonly queued: number
  readonly computed: number
  /** How many rows went together in the call. */
  readonly rows: number
}

export interface RowAnswer extends Timing {
  /** By position of the signature's outputs; null where the model gave what cannot be an answer. */
  readonly outputs: readonly (OutputValue | null)[]
}

export interface TensorsAnswer extends Timing {
  readonly outputs: Tensors
}

/**
 * Rejects, in either form of work: SX_OVERLOADED for what finds no room, or is predicted to be late (`details.reason` is 'full', 'late'
 * or 'limit', `details.retryMs` how long to wait); SX_DEADLINE_EXCEEDED for what was still waiting when it was due, within
 * a few milliseconds of that, and at once for what was given less time than a call takes (`details.reason` is 'short'); SX_RUNTIME_LOST, SX_MODEL_FAILED, or whatever else the runtime said of the call.
 */
export interface Scheduler {
  /** One row of values, evaluated into the vector when its batch is made: the array must stay as it is until then. Also rejects with NoValue. */
  row(row: readonly Value[], due: Due): Promise<RowAnswer>
  /**
   * Rows as tensors of the file's own inputs, as they came from a client: the first dimension of each is `rows`, checked by the caller.
   * They go into one call together, also beside other callers' rows where the other dimensions agree; a caller gets its own rows back.
   * More rows than a batch may have, which the caller refuses, go in a call of their own.
   */
  tensors(inputs: Tensors, outputs: readonly string[], rows: number, due: Due): Promise<TensorsAnswer>
  snapshot(): SchedulingSnapshot
  /** Another number of workers. What is above it ends after its call. */
  resize(bounds: WorkerBounds): void
  /** Takes nothing more, answers what waits, and closes its workers. */
  close(): Promise<void>
}

export interface WorkerBounds {
  readonly min: number
  readonly max: number
}

/** How a model is computed, and how busy it is. */
export interface SchedulingSnapshot {
  readonly place: Place
  readonly workers: { readonly ready: number; readonly busy: number; readonly wanted: number } & WorkerBounds
  /** Rows that were taken and that no call has begun with: what Triton calls pending. */
  readonly queuedRows: number
  readonly runningRows: number
  readonly queueLimit: number
  /** Rows that one call takes. */
  readonly batchLimit: number
  /** Rows that are let wait and run at once, as adapted to how long they take; null where nothing but the queue's limit holds. */
  readonly concurrencyLimit: number | null
  /** How long a row that came now would wait, in milliseconds; null before there is a model of the cost. */
  readonly predictedWaitMs: number | null
  /** A call with n rows takes `fixedMs + n * perRowMs`; null before enough calls were seen. */
  readonly cost: { readonly fixedMs: number; readonly perRowMs: number } | null
  readonly counts: SchedulingCounts
}

/** Since the start. */
export interface SchedulingCounts {
  /** Requests answered, and those that the model failed over. */
  readonly succeeded: number
  readonly failed: number
  /** Rows computed, and calls made. */
  readonly rows: number
  readonly calls: number
  /** Requests not taken: no room, predicted to be late, above the concurrency limit. */
  readonly refused: { readonly full: number; readonly late: number; readonly limit: number; readonly short: number }
  /** Requests that were due while they waited. */
  readonly expired: number
  /** Workers that were lost and started again. */
  readonly restarts: number
  /** Why batches were released: a worker was idle, or one became so and took what waited; or as many rows waited as a call takes. */
  readonly released: { readonly idle: number; readonly busy: number; readonly full: number }
  /** Calls by their number of rows. */
  readonly batches: readonly { readonly rows: number; readonly calls: number; readonly milliseconds: number }[]
  /** Sums over requests, in milliseconds. */
  readonly queuedMs: number
  readonly computedMs: number
}
