/**
 * Reads of the online store: all that are asked for within one turn of the event loop become one MGET, because a command costs
 * the client some twenty microseconds of processor time, and a further key a quarter of one.
 *
 * A read waits no longer than its time, and not at all while there is no connection. One timer watches over all of them.
 */
import type { OnlineStore } from '../../ports/online-store.ts'
import type { Connection } from './connection.ts'
import { Lost, unavailable } from './errors.ts'
import type { Keys } from './keys.ts'

type Visit = Parameters<OnlineStore['read']>[1]

interface Read {
  readonly from: number
  readonly count: number
  readonly visit: Visit
  resolve(): void
  reject(error: unknown): void
}

interface Batch {
  readonly args: string[]
  readonly reads: Read[]
  readonly deadline: number
}

/** Of one MGET: Redis does nothing else meanwhile, and it takes a fraction of a millisecond. */
const keysAtOnce = 512
/** Keys asked for and not yet answered. There are as many only when Redis answers nothing. */
const keysWaiting = 50_000

export function batchedReads(connection: Connection, keys: Keys, readMs: number) {
  const flying = new Set<Batch>()
  let waiting = 0
  let open: Batch | null = null
  let timer: NodeJS.Timeout | null = null

  const settle = (batch: Batch, each: (read: Read) => void): void => {
    if (!flying.delete(batch)) return
    waiting -= batch.args.length - 1
    for (const read of batch.reads) each(read)
  }

  const answer = (batch: Batch, values: readonly (Buffer | null)[]): void =>
    settle(batch, ({ from, count, visit, resolve, reject }) => {
      try {
        for (let i = 0; i < count; i++) visit(i, values[from + i]!)
        resolve()
      } catch (error) {
        reject(error)
      }
    })

  const refuse = (batch: Batch, error: Error): void => settle(batch, ({ reject }) => reject(error))

  const send = (batch: Batch): void => {
    if (open === batch) open = null
    connection.send<readonly (Buffer | null)[]>(batch.args).then(
      (values) => answer(batch, values),
      (error: Error) =>
        refuse(batch, error instanceof Lost ? unavailable(connection.where, 'cannot be read', error) : error),
    )
  }

  const overdue = (): void => {
    const now = performance.now()
    for (const batch of flying) {
      if (batch.deadline > now) break
      refuse(batch, unavailable(connection.where, `did not answer within ${readMs} ms`))
    }
    timer = null
    watch()
  }
  const watch = (): void => {
    const [first] = flying
    if (timer !== null || first === undefined) return
    // After a turn in which nothing was read from the socket the answer may lie there: it is looked for first.
    timer = setTimeout(() => setImmediate(overdue), Math.max(1, first.deadline - performance.now()))
  }

  const begin = (): Batch => {
    const batch: Batch = { args: ['MGET'], reads: [], deadline: performance.now() + readMs }
    flying.add(batch)
    setImmediate(() => {
      if (open === batch) send(batch)
    })
    watch()
    return batch
  }

  const read = (wanted: readonly Uint8Array[], visit: Visit): Promise<void> => {
    const count = wanted.length
    if (count === 0) return Promise.resolve()
    if (!connection.isUp) return Promise.reject(unavailable(connection.where, 'is not connected'))
    if (waiting + count > keysWaiting) return Promise.reject(unavailable(connection.where, 'answers too slowly'))
    waiting += count
    open ??= begin()
    const batch = open
    const from = batch.args.length - 1
    for (let i = 0; i < count; i++) batch.args.push(keys.of(wanted[i]!))
    if (batch.args.length > keysAtOnce) send(batch)
    return new Promise((resolve, reject) => batch.reads.push({ from, count, visit, resolve, reject }))
  }

  return {
    read,
    close: () => {
      for (const batch of flying) refuse(batch, unavailable(connection.where, 'is no longer used: the store is closed'))
      if (timer !== null) clearTimeout(timer)
    },
  }
}
