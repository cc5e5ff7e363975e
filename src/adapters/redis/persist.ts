/** Trying again over lost connections, for some seconds. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isSixfoldError } from '../../kernel/errors.ts'
import type { Connection } from './connection.ts'
import { Lost } from './errors.ts'

/** Between tries on a connection that is there: Redis answers, but only to say that it is not ready. */
const pauseMs = 50

export async function persist<T>(connection: Connection, until: number, work: () => Promise<T>): Promise<T> {
  for (let renewed = false; ; ) {
    await connection.up(until)
    try {
      return await work()
    } catch (error) {
      if (isSixfoldError(error) && error.code === 'SX_STORE_READ_ONLY' && !renewed) {
        // After a failover the name may lead to another server, but this connection leads to the old one.
        renewed = true
        connection.renew('it became a replica')
      } else if (!(error instanceof Lost)) throw error
      else await sleep(pauseMs)
    }
  }
}
