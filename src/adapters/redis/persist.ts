/** Trying again over lost connections, for some seconds. */
import { isSixfoldError } from '../../kernel/errors.ts'
import { persist } from '../../kernel/persist.ts'
import type { Connection } from './connection.ts'
import { Lost, unavailable } from './errors.ts'

export async function persistOver<T>(connection: Connection, until: number, work: () => Promise<T>): Promise<T> {
  let renewed = false
  const passes = (error: unknown): boolean => {
    if (error instanceof Lost) return true
    if (!isSixfoldError(error) || error.code !== 'SX_STORE_READ_ONLY' || renewed) return false
    // After a failover the name may lead to another server, but this connection leads to the old one.
    renewed = true
    connection.renew('it became a replica')
    return true
  }
  try {
    return await persist(
      async () => {
        await connection.up(until)
        return await work()
      },
      { until, passes, signal: connection.closing },
    )
  } catch (error) {
    // It is there and answers, but only to say that it is not ready.
    throw error instanceof Lost ? unavailable(connection.where, 'cannot be used', error) : error
  }
}
