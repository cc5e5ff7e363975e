/**
 * One connection to Redis for everything, made anew by itself whenever it is lost. Commands are answered in their order.
 *
 * A connection counts as lost also when it stays open and gives no answer (a half-open socket, a server that hangs): as soon as
 * commands have waited for two seconds in which none was answered. A connection with nothing to do is asked every second, so
 * that this is found out before it is needed.
 *
 * The driver's own reconnecting is off: it waits without limit for the answers to its first commands, and keeps commands back
 * while there is no connection.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, RESP_TYPES } from 'redis'
import { isSixfoldError } from '../../kernel/errors.ts'
import { pause, pauseAfter } from '../../kernel/persist.ts'
import { failureOf, Lost, unavailable } from './errors.ts'

interface Address {
  readonly url: string
  readonly username: string | null
  readonly password: string | null
}

export interface Connection {
  /** The URL without credentials. */
  readonly where: string
  readonly isUp: boolean
  /** Given when it is closed. */
  readonly closing: AbortSignal
  /** Rejects with Lost when the connection is lost or there is none; else with what Redis answered. */
  send<T>(args: readonly (string | Buffer)[]): Promise<T>
  /** Waits for a connection, no longer than to this instant of `performance.now`. */
  up(until: number): Promise<void>
  /** Gives this connection up and makes another. */
  renew(why: string): void
  close(): void
}

type Arguments = readonly (string | Buffer)[]

const tcpMs = 1_000
const openMs = 1_500
const tickMs = 250
const silentTicks = 8
const idleTicks = 4

const bytes = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } }

const newClient = ({ url, username, password }: Address) =>
  createClient({
    url,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    RESP: 2,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    socket: { connectTimeout: tcpMs, reconnectStrategy: false },
  })
type Client = ReturnType<typeof newClient>

export function openConnection(address: Address): Connection {
  const where = withoutCredentials(address.url)
  const stopped = new AbortController()
  const waiters = new Set<() => void>()
  let client: Client | null = null
  let lose: (reason: Error) => void = () => {}
  let last: Error = new Lost('there is no connection yet')
  let [sent, answered] = [0, 0]

  const send = async <T>(args: Arguments): Promise<T> => {
    if (client === null) throw new Lost(last.message, { cause: last })
    sent++
    try {
      return await (client.sendCommand<never>(args as (string | Buffer)[], bytes) as Promise<T>)
    } catch (error) {
      throw failureOf(error, where)
    } finally {
      answered++
    }
  }

  let [silent, idle, seen] = [0, 0, 0]
  const tick = setInterval(() => {
    if (client === null) return
    const waits = sent > answered
    silent = waits && answered === seen ? silent + 1 : 0
    idle = waits || answered !== seen ? 0 : idle + 1
    seen = answered
    if (silent >= silentTicks) lose(new Lost(`gave no answer for ${(silentTicks * tickMs) / 1000} s`))
    else if (idle >= idleTicks) send(['PING']).catch(() => {})
  }, tickMs)
  tick.unref()

  const wake = (): void => {
    for (const waiter of [...waiters]) waiter()
  }

  const keep = async (): Promise<void> => {
    let failures = 0
    while (!stopped.signal.aborted) {
      const fresh = newClient(address)
      const lost = new Promise<never>((_, reject) => {
        lose = reject
        fresh.on('error', reject)
        fresh.on('end', () => reject(new Lost('the connection was closed')))
      })
      lost.catch(() => {})
      try {
        await opened(fresh, lost)
        ;[client, failures, silent, idle] = [fresh, 0, 0, 0]
        // For whoever lists the clients; not everyone may say a name.
        fresh.sendCommand(['CLIENT', 'SETNAME', 'sixfold']).catch(() => {})
        wake()
        await lost
      } catch (error) {
        last = failureOf(error, where)
      }
      client = null
      fresh.destroy()
      wake()
      await pause(pauseAfter(++failures), stopped.signal)
    }
  }
  void keep()

  const up = (until: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        waiters.delete(look)
        clearTimeout(timer)
        act()
      }
      const look = (): void => {
        if (stopped.signal.aborted) settle(() => reject(unavailable(where, 'is no longer used: the store is closed')))
        else if (client !== null) settle(resolve)
        else if (isSixfoldError(last) && last.code === 'SX_STORE_DENIED') settle(() => reject(last))
      }
      const late = (): void => settle(() => reject(unavailable(where, 'cannot be reached', last)))
      const timer = setTimeout(late, Math.max(0, until - performance.now()))
      waiters.add(look)
      look()
    })

  return {
    where,
    closing: stopped.signal,
    get isUp() {
      return client !== null
    },
    send,
    up,
    renew: (why) => lose(new Lost(why)),
    close: () => {
      clearInterval(tick)
      stopped.abort()
      lose(new Lost('the store is closed'))
      wake()
    },
  }
}

/** Resolves when Redis has answered, which one that is still loading its data does not. */
async function opened(client: Client, lost: Promise<never>): Promise<void> {
  const opening = client.connect().then(() => client.sendCommand(['PING']))
  const timer = new AbortController()
  const late = sleep(openMs, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Lost(`did not answer within ${openMs} ms`)
  })
  late.catch(() => {})
  try {
    await Promise.race([opening, late, lost])
  } catch (error) {
    // A socket that opens after this is not the driver's to close.
    opening.then(
      () => client.destroy(),
      () => client.destroy(),
    )
    throw error
  } finally {
    timer.abort()
  }
}

function withoutCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
