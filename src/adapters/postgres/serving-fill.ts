/**
 * A version's table, filled in one transaction on a connection of its own: whoever dies on the way leaves nothing. The key's index is made
 * when the rows are there, which costs a fraction of keeping it up meanwhile.
 */
import pg from 'pg'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { atMost } from '../../kernel/persist.ts'
import type { Filling, ServedVersion } from '../../ports/serving-tables.ts'
import { lockOf } from './connection.ts'
import type { Watch } from './copy-in.ts'
import { copyIn } from './copy-in.ts'
import { asLost } from './errors.ts'
import type { PostgresOptions } from './place.ts'
import { urlOf } from './place.ts'
import { tableOf } from './serving-bookkeeping.ts'
import { binaryRows, typesOf } from './serving-rows.ts'

/** Nothing was taken or answered for so long: the server is not there any more. */
const stalledAfter = ({ patienceMs }: PostgresOptions): number => Math.max(5_000, patienceMs * 3)
/** An index over so many rows is made in a millisecond, on any machine and under any load. */
const indexedRows = 10
const goodbyeMs = 1_000

/** What was to be copied could not be read: nothing of PostgreSQL's. */
class Unreadable extends Error {}

/** A server whose client is gone without a word gives up what it holds. `lockMs`: while somebody else fills the same version. */
const beginning = (
  lockMs: number,
): string => `begin; set local statement_timeout = 0; set local lock_timeout = ${lockMs};
  set local idle_in_transaction_session_timeout = 60000;
  set local tcp_keepalives_idle = 10; set local tcp_keepalives_interval = 5; set local tcp_keepalives_count = 4`

export async function fillTable(options: PostgresOptions, version: ServedVersion, filling: Filling): Promise<void> {
  filling.signal.throwIfAborted()
  const client = new pg.Client({
    connectionString: urlOf(options),
    connectionTimeoutMillis: Math.max(250, Math.min(2_500, options.patienceMs / 4)),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'sixfold serving table',
  })
  // Whoever uses the connection is told by the call that fails.
  client.on('error', () => {})
  const cut = (): void => {
    ;(client as unknown as { readonly connection: pg.Connection }).connection.stream.destroy()
  }
  filling.signal.addEventListener('abort', cut)
  try {
    await client.connect()
    const stalledMs = stalledAfter(options)
    const ask: Ask = (text, values = [], moreMs = 0) =>
      client.query({ text, values: [...values], query_timeout: stalledMs + moreMs } as pg.QueryConfig)
    await ask(beginning(stalledMs / 2))
    await fill({ client, ask, schema: options.schema, watch: { stalledMs, cut } }, version, filling)
    await ask('commit')
  } catch (error) {
    filling.signal.throwIfAborted()
    throw error instanceof Unreadable ? error.cause : isSixfoldError(error) ? error : asLost(error)
  } finally {
    filling.signal.removeEventListener('abort', cut)
    // With it goes a transaction that has not been committed.
    await atMost(goodbyeMs, client.end())
    cut()
  }
}

type Ask = (text: string, values?: readonly unknown[], moreMs?: number) => Promise<pg.QueryResult>
interface Filler {
  readonly client: pg.Client
  readonly ask: Ask
  readonly schema: string
  readonly watch: Watch
}

async function fill(
  { client, ask, schema, watch }: Filler,
  { run, environment, batch, version, at, keys, columns }: ServedVersion,
  { rows, expected, progress, signal }: Filling,
): Promise<void> {
  const id = pg.escapeIdentifier
  const books = `${id(schema)}.serving_version`
  const table = `${id(schema)}.${id(tableOf(run))}`
  await ask('select pg_advisory_xact_lock($1)', [String(lockOf(`${schema} serving ${run}`))])
  const kept = await ask(
    `update ${books} set unwanted = false where run = $1 and to_regclass($2) is not null returning run`,
    [run, table],
  )
  if (kept.rows.length > 0) return
  await ask(`delete from ${books} where run = $1`, [run])
  const [key, all] = [columns.slice(0, keys), columns.map(({ name, type }) => `${id(name)} ${typesOf[type]}`)]
  await ask(`drop table if exists ${table}`)
  await ask(`create table ${table} (${all.join(', ')})`)
  let read = 0
  const chunks = async function* (): AsyncIterable<Buffer> {
    try {
      for await (const chunk of binaryRows(rows(), columns, keys)) {
        signal.throwIfAborted()
        read = chunk.read
        progress(read / Math.max(1, expected))
        yield chunk.bytes
      }
    } catch (cause) {
      throw new Unreadable('', { cause })
    }
  }
  // Frozen: there for every transaction that comes to see the table, also for one that began before it was filled.
  await copyIn(client, `copy ${table} from stdin (format binary, freeze)`, chunks(), watch)
  failpoint('publish: rows copied')
  if (read !== expected)
    throw new SixfoldError(
      'SX_STORE_CORRUPT',
      `The files of version ${version} of '${batch}' have ${read} rows, not ${expected}.`,
      { fix: 'Run the batch again.' },
    )
  const longMs = expected / indexedRows
  await ask(`alter table ${table} add primary key (${key.map(({ name }) => id(name)).join(', ')})`, [], longMs)
  await ask(`analyze ${table}`, [], longMs)
  await ask(`insert into ${books} values ($1, $2, $3, $4, $5, $6, $7, false)`, [
    ...[run, environment, batch, version, JSON.stringify(columns), keys, at],
  ])
}
