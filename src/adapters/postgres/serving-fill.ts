/**
 * A version's table, filled in one transaction on a connection of its own: whoever dies on the way leaves nothing. The key's index is made
 * when the rows are there, which costs a fraction of keeping it up meanwhile.
 */
import pg from 'pg'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { Filling, ServedVersion } from '../../ports/serving-tables.ts'
import { lockOf } from './connection.ts'
import { copyIn } from './copy-in.ts'
import { asLost } from './errors.ts'
import type { PostgresOptions } from './place.ts'
import { urlOf } from './place.ts'
import { tableOf } from './serving-bookkeeping.ts'
import { binaryRows, typesOf } from './serving-rows.ts'

/** Nothing was taken for so long: the server is not there any more. */
const stalledMs = 30_000
/** While somebody else fills the same version. */
const lockMs = 30_000

/** What was to be copied could not be read: nothing of PostgreSQL's. */
class Unreadable extends Error {}

/** A server whose client is gone without a word gives up what it holds. */
const begin = `begin; set local statement_timeout = 0; set local lock_timeout = ${lockMs};
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
    await client.query(begin)
    await fill(client, options.schema, version, filling, cut)
    await client.query('commit')
  } catch (error) {
    filling.signal.throwIfAborted()
    throw error instanceof Unreadable ? error.cause : isSixfoldError(error) ? error : asLost(error)
  } finally {
    filling.signal.removeEventListener('abort', cut)
    // With it goes a transaction that has not been committed.
    await client.end().catch(() => {})
  }
}

async function fill(
  client: pg.Client,
  schema: string,
  { run, environment, batch, version, at, keys, columns }: ServedVersion,
  { rows, expected, progress, signal }: Filling,
  cut: () => void,
): Promise<void> {
  const id = pg.escapeIdentifier
  const books = `${id(schema)}.serving_version`
  const table = `${id(schema)}.${id(tableOf(run))}`
  await client.query('select pg_advisory_xact_lock($1)', [String(lockOf(`${schema} serving ${run}`))])
  const kept = await client.query(
    `update ${books} set unwanted = false where run = $1 and to_regclass($2) is not null returning run`,
    [run, table],
  )
  if (kept.rows.length > 0) return
  await client.query(`delete from ${books} where run = $1`, [run])
  const [key, all] = [columns.slice(0, keys), columns.map(({ name, type }) => `${id(name)} ${typesOf[type]}`)]
  await client.query(`drop table if exists ${table}`)
  await client.query(`create table ${table} (${all.join(', ')})`)
  let read = 0
  const chunks = async function* (): AsyncIterable<Buffer> {
    let timer: NodeJS.Timeout | undefined
    try {
      for await (const chunk of binaryRows(rows(), columns, keys)) {
        signal.throwIfAborted()
        read = chunk.read
        progress(read / Math.max(1, expected))
        timer = setTimeout(cut, stalledMs)
        yield chunk.bytes
        clearTimeout(timer)
      }
    } catch (cause) {
      throw new Unreadable('', { cause })
    } finally {
      clearTimeout(timer)
    }
  }
  // Frozen: there for every transaction that comes to see the table, also for one that began before it was filled.
  await copyIn(client, `copy ${table} from stdin (format binary, freeze)`, chunks())
  failpoint('publish: rows copied')
  if (read !== expected)
    throw new SixfoldError(
      'SX_STORE_CORRUPT',
      `The files of version ${version} of '${batch}' have ${read} rows, not ${expected}.`,
      { fix: 'Run the batch again.' },
    )
  await client.query(`alter table ${table} add primary key (${key.map(({ name }) => id(name)).join(', ')})`)
  await client.query(`analyze ${table}`)
  await client.query(`insert into ${books} values ($1, $2, $3, $4, $5, $6, $7, false)`, [
    ...[run, environment, batch, version, JSON.stringify(columns), keys, at],
  ])
}
