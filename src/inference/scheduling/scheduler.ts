/** Rows that wait for a model, and the calls they are computed in. */
import type { Evaluate } from '../../expression/functions/spec.ts'
import type { LoadedModel } from '../../ports/model-runtime.ts'
import { batcher } from '../batcher.ts'
import type { Signature } from '../signature.ts'
import type { Scheduler, SchedulingSnapshot, WorkerBounds } from './work.ts'

export interface SchedulerOptions {
  /** Warm. */
  readonly first: LoadedModel
  /** Starts one more. */
  readonly start: () => Promise<LoadedModel>
  readonly signature: Signature
  /** The vector. */
  readonly entries: readonly Evaluate[]
  readonly batchRows: number
  readonly queueRows: number
  readonly workers: WorkerBounds
  /** What calls took while it was warmed. */
  readonly warmed: readonly { readonly rows: number; readonly milliseconds: number }[]
  readonly monotonic: () => number
}

export function scheduler(options: SchedulerOptions): Scheduler {
  const { first, signature, entries, batchRows, queueRows, monotonic } = options
  const rows = batcher(first, signature, entries, { batchRows, queueRows, monotonic })
  let { workers } = options
  return {
    row: async (row) => {
      const { outputs, milliseconds, rows: together } = await rows.submit(row)
      return { outputs, queued: 0, computed: milliseconds, rows: together }
    },
    tensors: async (inputs, outputs, count) => {
      const began = monotonic()
      return { outputs: await first.run(inputs, outputs), queued: 0, computed: monotonic() - began, rows: count }
    },
    snapshot: (): SchedulingSnapshot => ({
      place: first.place,
      workers: { ready: 1, busy: rows.waiting > 0 ? 1 : 0, wanted: 1, ...workers },
      queuedRows: rows.waiting,
      runningRows: 0,
      queueLimit: queueRows,
      batchLimit: batchRows,
      concurrencyLimit: null,
      predictedWaitMs: null,
      cost: null,
      counts: {
        ...{
          succeeded: 0,
          failed: 0,
          rows: 0,
          calls: 0,
          expired: 0,
          restarts: 0,
          batches: [],
          queuedMs: 0,
          computedMs: 0,
        },
        refused: { full: 0, late: 0, limit: 0 },
        released: { idle: 0, busy: 0, full: 0 },
      },
    }),
    resize: (bounds) => {
      workers = bounds
    },
    close: async () => {
      await rows.idle()
      await first.close()
    },
  }
}
