/**
 * The workers of a model, supervised: one that is lost is started again, sooner the first time than the next; one that hangs is given up
 * and replaced; and there are as many as are wanted, within bounds.
 */
import type { LoadedModel } from '../../ports/model-runtime.ts'
import type { ConcurrencyLimit } from './concurrency.ts'
import { concurrencyLimit } from './concurrency.ts'
import type { WorkerBounds } from './work.ts'

/** One worker, and what it has under way. */
export interface Worker {
  readonly model: LoadedModel
  running: number
  /** When its last call began, how long that should take, and when it is taken for hung. */
  began: number
  expectedMs: number
  hungAt: number
  /** It ends when its calls have ended. */
  leaving: boolean
  gone: boolean
}

export interface WorkersOptions {
  readonly first: LoadedModel
  readonly start: () => Promise<LoadedModel>
  readonly bounds: WorkerBounds
  readonly monotonic: () => number
  /** There is room for a call. */
  readonly ready: () => void
}

export interface Workers {
  /** One with room for a call; null: none has. */
  free(): Worker | null
  begin(worker: Worker, expectedMs: number, hungAt: number): void
  end(worker: Worker): void
  /** It computes nothing any more. */
  lost(worker: Worker): void
  /** Gives up what hangs. */
  look(): void
  want(count: number): void
  readonly counts: { readonly ready: number; readonly busy: number; readonly wanted: number; readonly restarts: number }
  /** Ready or being started. */
  readonly size: number
  /** Milliseconds until the first of them has room, as far as is known; 0: one has. */
  roomIn(): number
  /** Of remote ones: how many calls at once are of use. */
  readonly limit: ConcurrencyLimit | null
  /** Milliseconds of all calls that have ended, and of those under way. */
  busyMs(): number
  close(): Promise<void>
}

const firstDelayMs = 50
const longestDelayMs = 10_000
/** One that lived so long was sound. */
const soundMs = 10_000

export function workers({ first, start, bounds, monotonic, ready }: WorkersOptions): Workers {
  const all: Worker[] = []
  const limit = first.concurrency > 1 ? concurrencyLimit(first.concurrency) : null
  let wanted = bounds.min
  let starting = 0
  let restarts = 0
  let delayMs = firstDelayMs
  let lastStart = monotonic()
  let endedMs = 0
  let closed = false
  const closing = new Set<Promise<unknown>>()

  const add = (model: LoadedModel): void => {
    all.push({
      model,
      running: 0,
      began: 0,
      expectedMs: 0,
      hungAt: Number.POSITIVE_INFINITY,
      leaving: false,
      gone: false,
    })
  }
  const capacity = ({ model }: Worker): number => (limit === null ? model.concurrency : limit.limit)

  const startOne = (afterMs: number): void => {
    starting++
    const begin = (): void => {
      if (closed) {
        starting--
        return
      }
      start().then(
        (model) => {
          starting--
          lastStart = monotonic()
          if (closed || all.length >= wanted) return close(model)
          add(model)
          ready()
        },
        () => {
          starting--
          if (!closed && all.length + starting < wanted) startOne(backOff())
        },
      )
    }
    if (afterMs === 0) begin()
    else setTimeout(begin, afterMs).unref()
  }
  const backOff = (): number => {
    if (monotonic() - lastStart > soundMs) delayMs = firstDelayMs
    const now = delayMs
    delayMs = Math.min(longestDelayMs, delayMs * 2)
    return now
  }
  const close = (model: LoadedModel): void => {
    const gone: Promise<unknown> = model
      .close()
      .catch(() => {})
      .finally(() => closing.delete(gone))
    closing.add(gone)
  }
  const remove = (worker: Worker): void => {
    const at = all.indexOf(worker)
    if (at >= 0) all.splice(at, 1)
  }
  const settle = (): void => {
    while (all.length + starting < wanted) startOne(0)
    for (let extra = all.length - wanted; extra > 0; extra--) {
      const worker = all.find(({ running }) => running === 0) ?? all.at(-1)!
      remove(worker)
      worker.leaving = true
      if (worker.running === 0) close(worker.model)
    }
  }

  add(first)
  settle()
  return {
    free: () => {
      let best: Worker | null = null
      for (const worker of all)
        if (worker.running < capacity(worker) && (best === null || worker.running < best.running)) best = worker
      return best
    },
    begin: (worker, expectedMs, hungAt) => {
      worker.running++
      worker.began = monotonic()
      worker.expectedMs = expectedMs
      worker.hungAt = hungAt
    },
    end: (worker) => {
      endedMs += monotonic() - worker.began
      if (--worker.running === 0) {
        worker.hungAt = Number.POSITIVE_INFINITY
        if (worker.leaving && !worker.gone) close(worker.model)
      }
    },
    lost: (worker) => {
      if (worker.gone) return
      worker.gone = true
      remove(worker)
      close(worker.model)
      restarts++
      if (!closed && all.length + starting < wanted) startOne(backOff())
    },
    look: () => {
      const now = monotonic()
      for (const worker of [...all]) if (worker.hungAt <= now) worker.model.abandon()
    },
    want: (count) => {
      wanted = count
      settle()
    },
    get counts() {
      return { ready: all.length, busy: all.filter(({ running }) => running > 0).length, wanted, restarts }
    },
    get size() {
      return all.length + starting
    },
    roomIn: () => {
      let least = Number.POSITIVE_INFINITY
      for (const worker of all) {
        if (worker.running < capacity(worker)) return 0
        least = Math.min(least, Math.max(0, worker.began + worker.expectedMs - monotonic()))
      }
      return all.length === 0 ? delayMs : least
    },
    limit,
    busyMs: () => {
      const now = monotonic()
      return all.reduce((sum, { running, began }) => (running > 0 ? sum + now - began : sum), endedMs)
    },
    close: async () => {
      closed = true
      for (const { model } of all.splice(0)) close(model)
      await Promise.all(closing)
    },
  }
}
