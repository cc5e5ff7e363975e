/** What waits for each version that is loaded, how busy its workers are, and what was not taken. */
import type { ModelStatus } from '../../api/index.ts'
import type { SchedulingSnapshot } from '../../inference/index.ts'
import type { Families } from './families.ts'

const batchBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const

export function schedulingMetrics(families: Families): (models: readonly ModelStatus[]) => void {
  const { gauge, counter, histogram } = families
  const rows = gauge('sixfold_queue_rows', 'Rows that wait for a model, or are being computed by it.', 'model')
  const of = ['model', 'version'] as const
  const pending = gauge('sixfold_pending_rows', 'Rows that wait: no call with them has begun.', ...of)
  const running = gauge('sixfold_running_rows', 'Rows that are being computed.', ...of)
  const limit = gauge('sixfold_queue_limit_rows', 'Rows that may wait.', ...of)
  const concurrency = gauge(
    'sixfold_concurrency_limit_rows',
    'Rows that may wait and run at once, as adapted to how long they take. Absent where none was found yet.',
    ...of,
  )
  const wait = gauge('sixfold_predicted_wait_seconds', 'How long a row that came now would wait.', ...of)
  const place = gauge('sixfold_model_place_info', '1 for where a version is computed.', ...of, 'place')
  const workers = gauge(
    'sixfold_workers',
    'Workers of a version: ready for calls, busy with one (of those), and wanted by its load.',
    ...of,
    'state',
  )
  const restarts = counter('sixfold_worker_restarts_total', 'Workers that were lost and started again.', ...of)
  const requests = counter(
    'sixfold_model_requests_total',
    'Requests that a version was asked: answered, failed, or not taken and why.',
    ...of,
    'outcome',
  )
  const released = counter(
    'sixfold_batches_released_total',
    'Calls by why they were made when they were: a worker was idle, one became so, or as many rows waited as a call takes.',
    ...of,
    'reason',
  )
  const batches = histogram('sixfold_batch_rows', 'Rows that went together in a call.', batchBounds)
  const triton = tritonMetrics(families)

  return (models) => {
    for (const { model, scheduling } of models) {
      rows.set(
        { model },
        scheduling.reduce((sum, { snapshot: { queuedRows, runningRows } }) => sum + queuedRows + runningRows, 0),
      )
      for (const { version, snapshot } of scheduling) {
        const labels = { model, version }
        const { counts } = snapshot
        pending.set(labels, snapshot.queuedRows)
        running.set(labels, snapshot.runningRows)
        limit.set(labels, snapshot.queueLimit)
        if (snapshot.concurrencyLimit !== null) concurrency.set(labels, snapshot.concurrencyLimit)
        if (snapshot.predictedWaitMs !== null) wait.set(labels, snapshot.predictedWaitMs / 1000)
        place.set({ ...labels, place: snapshot.place }, 1)
        for (const state of ['ready', 'busy', 'wanted'] as const)
          workers.set({ ...labels, state }, snapshot.workers[state])
        restarts.inc(labels, counts.restarts)
        const { succeeded, failed, expired, refused } = counts
        for (const [outcome, count] of Object.entries({ succeeded, failed, expired, ...refused }))
          requests.inc({ ...labels, outcome }, count)
        for (const [reason, count] of Object.entries(counts.released)) released.inc({ ...labels, reason }, count)
        batches.set(labels, bucketed(counts.batches), counts.rows)
        triton(labels, snapshot)
      }
    }
  }
}

function bucketed(batches: SchedulingSnapshot['counts']['batches']): readonly number[] {
  const counts = new Array<number>(batchBounds.length + 1).fill(0)
  for (const { rows, calls } of batches) {
    const bucket = batchBounds.findIndex((bound) => rows <= bound)
    counts[bucket === -1 ? batchBounds.length : bucket]! += calls
  }
  return counts
}

/**
 * The names that Triton has for some of these, so that what was made for its figures reads ours. Waiting is counted in rows here, where
 * Triton counts requests; and a request that was not taken or was due while it waited is REJECTED, all of them, which Triton does not count
 * where its queue is full.
 */
function tritonMetrics({ gauge, counter }: Families) {
  const of = ['model', 'version'] as const
  const success = counter('nv_inference_request_success', 'Requests that the model answered.', ...of)
  const failure = counter(
    'nv_inference_request_failure',
    'Requests without an answer of the model: REJECTED, not taken or due while waiting; BACKEND, the model failed.',
    ...of,
    'reason',
  )
  const count = counter('nv_inference_count', 'Rows that were computed.', ...of)
  const executions = counter('nv_inference_exec_count', 'Calls into the model.', ...of)
  const request = counter('nv_inference_request_duration_us', 'Waiting and computing, summed over requests.', ...of)
  const queue = counter('nv_inference_queue_duration_us', 'Waiting, summed over requests.', ...of)
  const compute = counter('nv_inference_compute_infer_duration_us', 'Computing, summed over requests.', ...of)
  const pending = gauge('nv_inference_pending_request_count', 'Rows that wait for the model.', ...of)

  return (labels: { readonly model: string; readonly version: string }, snapshot: SchedulingSnapshot): void => {
    const { counts } = snapshot
    const { full, late, limit, short } = counts.refused
    success.inc(labels, counts.succeeded)
    failure.inc({ ...labels, reason: 'REJECTED' }, full + late + limit + short + counts.expired)
    failure.inc({ ...labels, reason: 'BACKEND' }, counts.failed)
    count.inc(labels, counts.rows)
    executions.inc(labels, counts.calls)
    request.inc(labels, Math.round((counts.queuedMs + counts.computedMs) * 1000))
    queue.inc(labels, Math.round(counts.queuedMs * 1000))
    compute.inc(labels, Math.round(counts.computedMs * 1000))
    pending.set(labels, snapshot.queuedRows)
  }
}
