/**
 * Keeps the schedules: of all processes that share the metadata store one does, by a lease, and another within seconds of its death.
 * What it begins and how far that came stands in the store alone, so that whoever comes next goes on there: there is one run an instant,
 * and a run is worked on where nobody else works on it. The work itself is done elsewhere, in processes of its own.
 */
import type { Batch, Schedule } from '../../definition/batch.ts'
import { hashOfDefinition } from '../../definition/describe.ts'
import { isSixfoldError } from '../../kernel/errors.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { atMost } from '../../kernel/persist.ts'
import type { BatchRun, BatchStore, Lease, RunState } from '../../ports/batch-store.ts'
import type { Batches } from '../service.ts'
import { dueRuns } from './due.ts'
import { instantAfter } from './instants.ts'
import { retrying } from './retrying.ts'

/** A process that works on a run. */
export interface Work {
  readonly ended: Promise<void>
  /** Asks it to end where it can be gone on with. */
  stop(): void
}
export interface SchedulerOptions {
  readonly batches: readonly Batch[]
  readonly environment: string
  readonly store: BatchStore
  readonly service: Pick<Batches, 'begin' | 'cancel'>
  readonly work: (run: BatchRun) => Work
  /** Runs that are worked on at once. */
  readonly parallel: number
  readonly holder: string
  /** For so long nobody keeps the schedules when this process dies. By default 15 seconds. */
  readonly leaseMs?: number
  readonly now: () => number
  readonly log: (level: 'info' | 'warn' | 'error', about: object, words: string) => void
}

export interface ScheduleStanding {
  /** Whether it is this process that keeps them. */
  readonly leads: boolean
  /** Runs that it has in work. */
  readonly working: readonly string[]
  readonly batches: readonly { readonly batch: string; readonly next: number | null }[]
}
export interface Scheduler {
  /** Once, and resolves when everything that can be begun now has been. */
  turn(): Promise<void>
  /** A turn each second from now on. */
  start(): void
  standing(): ScheduleStanding
  /** Work under way is broken off, to be gone on with by whoever keeps the schedules next. */
  close(): Promise<void>
}

/** The lease of whoever keeps them. */
export const schedulesOf = (environment: string): string => `schedule/${environment}`

const turnMs = 1000
const closeMs = 10_000
const onTheWay: readonly RunState[] = ['planning', 'scoring', 'auditing', 'passed']
type Scheduled = Batch & { readonly schedule: Schedule }

export function scheduler(options: SchedulerOptions): Scheduler {
  const { environment, store, service, parallel, holder, leaseMs = 15_000, now, log } = options
  const batches = options.batches.filter((batch): batch is Scheduled => batch.schedule !== null)
  const lastRuns = new Map<string, number | null>()
  const working = new Map<string, Work & { readonly batch: string }>()
  const tries = retrying(now)
  let lease: Lease | null = null
  let renewed = 0
  let timer: NodeJS.Timeout | undefined
  let turning: Promise<void> | null = null
  let closed = false
  let troubled: string | null = null

  const lead = async (): Promise<boolean> => {
    if (lease !== null && performance.now() - renewed < leaseMs / 3) return true
    const asked = performance.now()
    if (lease === null) {
      lease = await store.lease(schedulesOf(environment), holder, leaseMs)
      if (lease !== null) log('info', { environment }, 'This process keeps the schedules of batches.')
    } else if (!(await store.renew(lease, leaseMs))) {
      lease = null
      log('warn', { environment }, 'Another process keeps the schedules of batches by now.')
      for (const work of working.values()) work.stop()
    }
    renewed = asked
    if (lease === null) {
      lastRuns.clear()
      tries.forget()
    }
    return lease !== null
  }

  const heldBatches = async (): Promise<ReadonlySet<string>> =>
    new Set((await store.holds(environment)).map(({ batch }) => batch))

  const start = (run: BatchRun): void => {
    const about = { batch: run.batch, version: run.version, at: formatInstant(run.at) }
    log('info', about, 'A run of a batch is worked on.')
    const { ended, stop } = options.work(run)
    working.set(run.id, { batch: run.batch, ended, stop })
    void ended.then(async () => {
      try {
        const after = await store.run(run.id)
        if (closed || after === null) return
        const { state, error } = after
        const held = state === 'passed' && (await heldBatches()).has(run.batch)
        log(state === 'published' || held ? 'info' : 'warn', { ...about, state, error }, `The run is ${state}.`)
        // It is where it should be until its batch is released, and that is no try.
        if (held) return
        if ((onTheWay.includes(state) || state === 'failed') && !tries.again(after))
          log('error', { ...about, state, error }, 'The run is not tried again by itself: sixfold batch resume.')
      } catch (trouble) {
        log('warn', { ...about, err: trouble }, 'What became of a run cannot be read now.')
      } finally {
        working.delete(run.id)
      }
    })
  }

  /** Runs that a schedule began or a server was asked for, and that nobody has brought to an end. */
  const unfinished = async (): Promise<readonly BatchRun[]> => {
    const known = new Map(options.batches.map((batch) => [batch.name, batch]))
    const held = await heldBatches()
    const found = (await store.runs({ environment, states: onTheWay, brief: true, limit: 200 })).filter(
      ({ reason, batch, state }) =>
        (reason === 'schedule' || reason === 'request') &&
        known.has(batch) &&
        // What has passed waits until its batch is released; what is due meanwhile is scored and waits too.
        !(state === 'passed' && held.has(batch)),
    )
    const failed = (await Promise.all(tries.failed().map((id) => store.run(id)))).flatMap((run) =>
      run?.state === 'failed' ? [run] : [],
    )
    const left: BatchRun[] = []
    for (const run of [...found, ...failed].sort((a, b) => a.at - b.at))
      if (run.definition === hashOfDefinition(known.get(run.batch)!)) left.push(run)
      else if (!working.has(run.id)) {
        log(
          'warn',
          { batch: run.batch, version: run.version },
          'A run is cancelled: its batch is defined otherwise now.',
        )
        await service.cancel(run.id, { actor: 'schedule', reason: 'the batch is defined otherwise by now' })
      }
    return left
  }

  const work = async (): Promise<void> => {
    const left = await unfinished()
    const busy = new Set([...working.values()].map(({ batch }) => batch))
    for (const run of left) {
      if (working.has(run.id) || tries.over(run.id)) continue
      // One that waits to be tried again keeps its place: what comes after it goes on from it.
      busy.add(run.batch)
      if (working.size < parallel && tries.ready(run.id) && (await store.workers(run.id)).length === 0) start(run)
    }
    for (const batch of batches) {
      if (closed || working.size >= parallel) return
      if (busy.has(batch.name)) continue
      if (!lastRuns.has(batch.name)) lastRuns.set(batch.name, await lastScheduled(store, environment, batch.name))
      const { instants, left: missed } = dueRuns(batch.schedule, lastRuns.get(batch.name)!, now())
      const [at] = instants
      if (at === undefined || !tries.ready(batch.name)) continue
      if (missed !== null) log('warn', { batch: batch.name }, missed)
      await begin(batch, at)
    }
  }

  const begin = async ({ name }: Scheduled, at: number): Promise<void> => {
    const occasion = `schedule ${formatInstant(at)}`
    try {
      const run = await service.begin(name, { at, reason: 'schedule', occasion, actor: 'schedule' })
      lastRuns.set(name, at)
      if (onTheWay.includes(run.state) && (await store.workers(run.id)).length === 0) start(run)
    } catch (error) {
      // Its instant stays due: with a version in production it can begin later.
      if (!isSixfoldError(error)) throw error
      tries.later(name)
      log('error', { batch: name, at: formatInstant(at), err: error }, 'A run that is due cannot begin.')
    }
  }

  const once = async (): Promise<void> => {
    try {
      if ((await lead()) && !closed) await work()
      troubled = null
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (why !== troubled)
        log('error', { err: error }, 'The schedules of batches cannot be kept now; it is tried again.')
      troubled = why
    }
  }
  const turn = (): Promise<void> => {
    turning ??= once().finally(() => {
      turning = null
    })
    return turning
  }

  return {
    turn,
    start: () => {
      timer ??= setInterval(() => void turn(), turnMs)
      timer.unref()
    },
    standing: () => ({
      leads: lease !== null,
      working: [...working.keys()],
      batches: batches.map(({ name, schedule }) => ({ batch: name, next: instantAfter(schedule, now()) })),
    }),
    close: async () => {
      closed = true
      clearInterval(timer)
      if (turning !== null) await atMost(closeMs, turning)
      const ends = [...working.values()].map((one) => {
        one.stop()
        return one.ended
      })
      await atMost(closeMs, Promise.all(ends))
      if (lease !== null) await store.release(lease).catch(() => {})
    },
  }
}

/** Among all runs of a batch, of which those that were asked for by hand may be many. */
async function lastScheduled(store: BatchStore, environment: string, batch: string): Promise<number | null> {
  const limit = 500
  let before: number | undefined
  let latest: number | null = null
  for (;;) {
    const page = await store.runs({
      batch,
      environment,
      limit,
      brief: true,
      ...(before === undefined ? {} : { before }),
    })
    for (const { reason, at } of page) if (reason === 'schedule') latest = Math.max(latest ?? at, at)
    if (latest !== null || page.length < limit) return latest
    before = page.at(-1)!.version
  }
}
