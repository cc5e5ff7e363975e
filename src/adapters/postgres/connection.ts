/**
 * Connections to PostgreSQL that come back by themselves.
 *
 * - `run` repeats work whose connection failed, with pauses that grow and differ, until its patience ends. All that is run can be
 *   repeated: the answer to a COMMIT may be what was lost.
 * - A connection that does not answer in time is thrown away, and with it all that are older than its failure: after a network that
 *   swallowed one, those that lie idle would each cost the wait again.
 * - Nothing is set when a connection starts, and nothing is kept by one between transactions: poolers in front of the database, in
 *   transaction mode, may be used.
 */
import { setMaxListeners } from 'node:events'
import { Socket } from 'node:net'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { sha256 } from '../../kernel/hash.ts'
import { atMost, persist } from '../../kernel/persist.ts'
import { groupedTransactions } from '../sql/group.ts'
import { inTransaction } from '../sql/transaction.ts'
import { asLost, ConnectionLost, passes, storeError } from './errors.ts'
import type { Place, PostgresOptions } from './place.ts'
import { placeOf, urlOf } from './place.ts'

export type { PostgresOptions } from './place.ts'

export interface Postgres<Tables> extends Place {
  /** An answer that takes longer is taken to be lost. */
  readonly answerMs: number
  /** `work` makes one statement, or several that need not be one transaction. */
  run<T>(work: (db: Kysely<Tables>) => Promise<T>, patienceMs?: number): Promise<T>
  /** One transaction, or part of one that others share and that fails by itself, with no other of this schema beside it. */
  alone<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>
  /** Ends within seconds, also where nothing answers. */
  close(): Promise<void>
}

const goodbyeMs = 1_000
const eightBytes = 20

/** At most so many connections. */
export function openPostgres<Tables>(options: PostgresOptions, connections: number): Postgres<Tables> {
  const { schema, patienceMs } = options
  const place = placeOf(options)
  // An answer takes no longer, or is taken to be lost: several tries must fit into the patience.
  const answerMs = Math.max(250, Math.min(2_500, Math.floor(patienceMs / 4)))
  const sockets = new Set<Socket>()
  const pool = new pg.Pool({
    connectionString: urlOf(options),
    max: connections,
    connectionTimeoutMillis: answerMs,
    // More than the server takes to give up itself, which it does by `begin`.
    query_timeout: answerMs + 250,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'sixfold',
    types: {
      getTypeParser: (type: number, format?: 'text' | 'binary') =>
        type === eightBytes ? Number : pg.types.getTypeParser(type, format as 'text'),
    } as pg.CustomTypesConfig,
    stream: () => {
      const socket = new Socket()
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
  })
  const born = new WeakMap<pg.PoolClient, number>()
  let failures = 0
  pool.on('connect', (client) => {
    born.set(client, failures)
    // Whoever uses the connection is told by the call that fails.
    client.on('error', () => {})
  })
  pool.on('error', () => {})

  async function acquire(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await pool.connect().catch((error: unknown) => {
        throw asLost(error)
      })
      if (born.get(client) === failures) return client
      client.release(true)
    }
  }
  const connect = async () => {
    const client = await acquire()
    let lost = false
    return {
      query: async (text: string, values: readonly unknown[]) => {
        try {
          return await client.query(text, [...values])
        } catch (error) {
          const known = asLost(error)
          if (known instanceof ConnectionLost && !lost) {
            lost = true
            failures += 1
          }
          throw known
        }
      },
      release: () => client.release(lost),
    }
  }
  const bare = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: { connect, end: () => pool.end() } as never }),
  })
  const closing = new AbortController()
  // As many may wait for the server to come back as want something of it.
  setMaxListeners(0, closing.signal)

  async function run<T>(work: (db: Kysely<Tables>) => Promise<T>, patience = patienceMs): Promise<T> {
    const until = performance.now() + patience
    try {
      return await persist(() => work(bare.withSchema(schema)), { until, passes, signal: closing.signal })
    } catch (error) {
      throw storeError(error, place)
    }
  }

  const begin = `begin; set local statement_timeout = ${answerMs}; set local idle_in_transaction_session_timeout = ${
    answerMs * 2
  }; select pg_advisory_xact_lock(${lockOf(schema)})`
  // In one process one after the other, on one connection: those that wait for the lock would keep all others from those that read.
  const together = groupedTransactions<Tables>((work) =>
    inTransaction(
      bare,
      (one) => sql.raw(begin).execute(one),
      (db) => work(db.withSchema(schema)),
    ),
  )
  let closed: Promise<void> | null = null
  return {
    ...place,
    answerMs,
    run,
    alone: (work) => run(() => together(work)),
    close: () => {
      closed ??= (async () => {
        closing.abort()
        const ended = pool.end().catch(() => {})
        const gone = Promise.all([
          ended,
          ...[...sockets].map((socket) => new Promise((done) => socket.once('close', done))),
        ])
        await atMost(goodbyeMs, gone)
        for (const socket of sockets) socket.destroy()
        await ended
      })()
      return closed
    },
  }
}

/** Transactions of one schema share it, whichever process makes them. */
export const lockOf = (schema: string): bigint =>
  BigInt.asIntN(64, BigInt(`0x${sha256(`sixfold:${schema}`).slice(0, 16)}`))
