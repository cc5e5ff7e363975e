/**
 * Rows that wait for a model, and the calls they are computed in. A call costs before it computes a row, so that rows which are there
 * together go together; but nothing waits for company: a worker that is idle takes what there is at the end of the present turn of the
 * event loop, and while all are busy the next call fills. What a call costs is learned, and what could not be computed in time by that is
 * turned away at once, when it comes or when its turn does.
 */
import type { Evaluate } from '../../expression/functions/spec.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { atEndOfTurn } from '../../kernel/turn.ts'
import type { LoadedModel } from '../../ports/model-runtime.ts'
import type { Signature } from '../signature.ts'
import { autoscale } from './autoscale.ts'
import { batches, isByRow } from './batch.ts'
import { costModel } from './cost-model.ts'
import type { Refusal, Release } from './counts.ts'
import { Counts } from './counts.ts'
import { Job, Queue } from './queue.ts'
import type { RowAnswer, Scheduler, TensorsAnswer, WorkerBounds } from './work.ts'
import type { Worker } from './workers.ts'
import { workers } from './workers.ts'

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

/** Nothing was computed for so long although something came: what is known of the cost may be wrong, and one is let through. */
const probeMs = 1_000
const lookMs = 250
/** A call that takes longer than this many times what was expected, and than its callers wait, hangs. */
const hangs = 20
const hangsMs = 2_000
/** Of the time that is left, so much may be planned with: a queue that is as long as can just be done answers half of it too late. */
const hopeful = 0.7
/** Refusals look alike for so long: making each anew would cost more than refusing. */
const alikeMs = 20

export function scheduler(options: SchedulerOptions): Scheduler {
  const { first, start, signature, entries, batchRows, queueRows, monotonic } = options
  const queue = new Queue()
  const counts = new Counts()
  const cost = costModel(options.warmed)
  const calls = batches(signature, entries, batchRows)
  let bounds = options.workers
  let scheduled = false
  let closed = false
  let runningRows = 0
  let lastEnd = monotonic()
  let expiring: NodeJS.Timeout | null = null
  let expiresAt = Number.POSITIVE_INFINITY
  const emptied: (() => void)[] = []

  const release = (): void => {
    scheduled = false
    dispatch('idle')
  }
  const soon = (): void => {
    if (scheduled) return
    scheduled = true
    atEndOfTurn(release)
  }
  const pool = workers({ first, start, bounds, monotonic, ready: soon })

  // --- what is turned away

  let alike: { readonly reason: Refusal; readonly until: number; readonly error: SixfoldError } | null = null
  const refusal = (reason: Refusal, now: number): SixfoldError => {
    counts.refused[reason]++
    if (alike === null || alike.reason !== reason || alike.until < now) {
      const retryMs = Math.ceil(Math.max(1, predictedWait(queue.rows) ?? 1_000))
      const what =
        reason === 'full'
          ? `${queue.rows} rows wait for the model, and there is room for ${queueRows}`
          : `${queue.rows} rows wait for the model, and one that comes now could not be answered in time`
      const error =
        reason === 'short'
          ? tooShort()
          : new SixfoldError('SX_OVERLOADED', `${what}.`, { details: { reason, retryMs } })
      alike = { reason, until: now + alikeMs, error }
    }
    return alike.error
  }
  /** Sent again as it is, it would be refused again: that is for its caller to change, and not for the load. */
  const tooShort = (): SixfoldError =>
    new SixfoldError(
      'SX_DEADLINE_EXCEEDED',
      `Less time is left than a call of the model takes, some ${Math.ceil(cost.of(1)!)} ms for one row.`,
      { details: { reason: 'short', callMs: Math.ceil(cost.of(1)!) } },
    )
  const late = ({ rows, deadline, arrived }: Job): Refusal => {
    if (cost.of(rows)! > deadline - arrived) return 'short'
    return pool.limit !== null && pool.limit.limit < first.concurrency ? 'limit' : 'late'
  }

  /** How many rows go together, for those who give so much time: half of it, since the other half may pass until the call before ends. */
  const together = (allowedMs: number): number => Math.max(1, Math.min(batchRows, cost.rowsWithin(allowedMs / 2)))

  const predictedWait = (ahead: number, allowedMs = Number.POSITIVE_INFINITY): number | null => {
    if (cost.fitted === null) return null
    const size = together(allowedMs)
    const side = Math.max(1, pool.counts.ready) * (pool.limit?.limit ?? 1)
    return pool.roomIn() + (Math.floor(ahead / size) * cost.of(size)!) / side
  }
  const isLate = (
    rows: number,
    { deadline, priority }: { readonly deadline: number; readonly priority: Job['priority'] },
    now: number,
  ): boolean => {
    if (cost.fitted === null || probing(now)) return false
    const ahead = queue.rows === 0 ? 0 : queue.rowsBefore(priority)
    if (ahead === 0 && pool.roomIn() === 0) return now + cost.of(rows)! > deadline
    const allowed = (deadline - now) * hopeful
    const size = together(deadline - now)
    const own = cost.atMost(rows > size ? rows : Math.min(size, (ahead % size) + rows))!
    return predictedWait(ahead, deadline - now)! + own > allowed
  }
  const probing = (now: number): boolean => runningRows === 0 && now - lastEnd > probeMs

  // --- calls

  /** What goes next, in one call. */
  const take = (now: number): readonly Job[] => {
    for (;;) {
      const head = queue.first
      if (head === undefined) return []
      const left = head.deadline - now
      if (left <= 0) {
        expire(queue.shift())
        continue
      }
      const within = cost.rowsWithin(left)
      if (within < head.rows && (cost.of(head.rows) ?? 0) > left && !probing(now)) {
        queue.shift().reject(refusal(late(head), now))
        continue
      }
      queue.shift()
      if (!calls.shares(head)) return [head]
      const most = Math.max(head.rows, Math.min(together(head.deadline - head.since), within))
      const jobs = [head]
      let rows = head.rows
      for (let next = queue.first; next !== undefined; next = queue.first) {
        if (rows + next.rows > most || !calls.shares(next)) break
        if (next.deadline < head.deadline && now + (cost.of(rows + next.rows) ?? 0) > next.deadline) break
        jobs.push(queue.shift())
        rows += next.rows
      }
      return jobs
    }
  }

  const dispatch = (why: Release): void => {
    while (queue.rows > 0) {
      const worker = pool.free()
      if (worker === null) break
      const now = monotonic()
      const jobs = take(now)
      if (jobs.length === 0) break
      const rows = jobs.reduce((sum, job) => sum + job.rows, 0)
      counts.released[rows >= batchRows ? 'full' : why]++
      const latest = jobs.reduce((most, { deadline }) => Math.max(most, deadline), 0)
      const expected = cost.of(rows) ?? 0
      const hungAt =
        first.place === 'inline' ? Number.POSITIVE_INFINITY : Math.max(now + hangs * expected, latest) + hangsMs
      const probe = probing(now)
      pool.begin(worker, expected, hungAt)
      runningRows += rows
      void run(worker, jobs, probe).finally(() => {
        runningRows -= rows
        lastEnd = monotonic()
        pool.end(worker)
        dispatch('busy')
        settle()
      })
    }
    if (queue.rows > 0) arm()
  }

  /** Answers each, or rejects it, or has it wait again; never rejects itself. */
  const run = async (worker: Worker, jobs: readonly Job[], probe = false): Promise<void> => {
    const batch = calls.make(jobs)
    if (batch === null) return
    const began = monotonic()
    try {
      const left = batch.jobs.reduce((most, { deadline }) => Math.max(most, deadline), 0) - began
      const outputs = await worker.model.run(batch.inputs, batch.outputs, Math.max(1, left))
      const computed = monotonic() - began
      cost.add(batch.rows, computed, probe)
      pool.limit?.add(computed, worker.running)
      counts.called(batch.rows, computed)
      if (batch.jobs.length > 1 && batch.jobs.some(({ inputs }) => inputs !== null) && !isByRow(outputs, batch.rows))
        return await runSingly(worker, batch.jobs)
      calls.answer(batch, outputs, computed, began)
      counts.succeeded += batch.jobs.length
      for (const job of batch.jobs) counts.queuedMs += began - job.since
      counts.computedMs += computed * batch.jobs.length
    } catch (error) {
      await failed(worker, batch.jobs, error)
    } finally {
      batch.release()
    }
  }
  /** After a call that failed: a row of one caller is not to cost the others their answers. */
  const runSingly = async (worker: Worker, jobs: readonly Job[]): Promise<void> => {
    for (const job of jobs)
      if (worker.gone) await failed(worker, [job], lostBefore)
      else await run(worker, [job])
  }
  const failed = async (worker: Worker, jobs: readonly Job[], error: unknown): Promise<void> => {
    if (isSixfoldError(error) && error.code === 'SX_RUNTIME_LOST') {
      // What hung once would hang again; what was only there when a worker was lost is tried once more, each alone.
      const hung = worker.hungAt <= monotonic()
      pool.lost(worker)
      for (const job of jobs) {
        if (hung || (job.alone && error !== lostBefore) || job.deadline <= monotonic()) fail(job, error)
        else {
          job.alone = true
          queue.push(job)
        }
      }
      return
    }
    if (jobs.length > 1 && isOfRows(error)) await runSingly(worker, jobs)
    else for (const job of jobs) fail(job, error)
  }
  const fail = (job: Job, error: unknown): void => {
    counts.failed++
    job.reject(error)
  }

  /** Whoever waits for the end of all work is told. */
  const settle = (): void => {
    if (queue.rows === 0 && runningRows === 0) for (const done of emptied.splice(0)) done()
  }

  // --- what is due while it waits

  const expire = (job: Job): void => {
    counts.expired++
    job.reject(expired)
  }
  const arm = (): void => {
    const { due } = queue
    if (due >= expiresAt) return
    if (expiring !== null) clearTimeout(expiring)
    expiresAt = due
    expiring = setTimeout(
      () => {
        expiring = null
        expiresAt = Number.POSITIVE_INFINITY
        for (const job of queue.expired(monotonic())) expire(job)
        if (queue.rows > 0) arm()
        else settle()
      },
      Math.max(1, due - monotonic()),
    )
    expiring.unref()
  }

  // --- workers

  const scale = autoscale()
  let busyBefore = 0
  let lostBeforeLook = 0
  let looked = monotonic()
  /** How much time callers give, lately. */
  let allowedMs = 100
  const look = (): void => {
    pool.look()
    const now = monotonic()
    const busyMs = pool.busyMs()
    const { ready } = pool.counts
    const load = {
      ...{ now, workers: pool.size, waitMs: queue.rows === 0 ? 0 : (predictedWait(queue.rows) ?? 0), allowedMs },
      lost: counts.lost - lostBeforeLook,
      busy: ready === 0 ? 0 : (busyMs - busyBefore) / Math.max(1, now - looked) / ready,
    }
    looked = now
    busyBefore = busyMs
    lostBeforeLook = counts.lost
    const wanted = scale.look(load, bounds)
    if (wanted !== pool.counts.wanted) pool.want(wanted)
  }
  const looking = first.place === 'thread' || first.place === 'process' ? setInterval(look, lookMs) : null
  looking?.unref()

  const refused = (job: Job, now: number): SixfoldError | null => {
    if (closed) return stopping
    if (queue.rows + job.rows > queueRows) return refusal('full', now)
    if (!isLate(job.rows, job, now)) return null
    return refusal(late(job), now)
  }
  const submit = (job: Job): void => {
    const now = job.since
    const error = refused(job, now)
    if (error !== null) {
      job.reject(error)
      return
    }
    allowedMs += (job.deadline - now - allowedMs) * 0.01
    queue.push(job)
    if (job.deadline < expiresAt && pool.free() === null) arm()
    soon()
  }

  return {
    row: (row, due) =>
      new Promise<RowAnswer>((resolve, reject) => {
        submit(new Job({ row }, 1, due, monotonic(), resolve as (answer: never) => void, reject))
      }),
    tensors: (inputs, outputs, rows, due) =>
      new Promise<TensorsAnswer>((resolve, reject) => {
        submit(new Job({ inputs, outputs }, rows, due, monotonic(), resolve as (answer: never) => void, reject))
      }),
    snapshot: () => {
      const { ready, busy, wanted, restarts } = pool.counts
      return {
        place: first.place,
        workers: { ready, busy, wanted, ...bounds },
        queuedRows: queue.rows,
        runningRows,
        queueLimit: queueRows,
        batchLimit: batchRows,
        concurrencyLimit: pool.limit?.limit ?? null,
        predictedWaitMs: predictedWait(queue.rows),
        cost: cost.fitted,
        counts: counts.snapshot(restarts),
      }
    },
    resize: (next) => {
      bounds = next
      pool.want(Math.max(next.min, Math.min(next.max, pool.counts.wanted)))
    },
    close: async () => {
      closed = true
      if (queue.rows > 0 || runningRows > 0) await new Promise<void>((resolve) => emptied.push(resolve))
      if (looking !== null) clearInterval(looking)
      if (expiring !== null) clearTimeout(expiring)
      await pool.close()
    },
  }
}

const expired = new SixfoldError(
  'SX_DEADLINE_EXCEEDED',
  'The time of the request was over while it waited for the model.',
)
/** A server that does not answer, or not in time, would not do so for each row alone. */
const isOfRows = (error: unknown): boolean =>
  !isSixfoldError(error) || !['SX_REMOTE_UNAVAILABLE', 'SX_REMOTE_INVALID', 'SX_DEADLINE_EXCEEDED'].includes(error.code)

const stopping = new SixfoldError('SX_STOPPING', 'The version is being replaced, and takes nothing more.')
const lostBefore = new SixfoldError('SX_RUNTIME_LOST', 'What computed the model ended before this row had its turn.')
