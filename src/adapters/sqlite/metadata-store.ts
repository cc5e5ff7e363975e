/** The embedded metadata store: SQLite in write-ahead mode, which several processes of one machine may share. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Kysely, SqliteDialect, sql } from 'kysely'
import Database from 'libsql'
import type { MetadataStore } from '../../ports/metadata-store.ts'
import { groupedTransactions } from '../sql/group.ts'
import { sqlMetadataStore } from '../sql/metadata-store.ts'
import type { MetadataTables } from '../sql/metadata-tables.ts'
import { metadataMigrations } from '../sql/metadata-tables.ts'
import type { SqlDialect } from '../sql/migrate.ts'
import { migrate } from '../sql/migrate.ts'
import { inTransaction } from '../sql/transaction.ts'
import { isBusy, storageError } from './errors.ts'
import { inspectSqlite } from './inspect.ts'
import { keepingStatements } from './statements.ts'

/** How long another process may hold the right to write. SQLite waits for it on the thread, and hence no longer than this … */
const blockMs = 5
/** … and the rest of it is waited for here, while the thread does other things: the longer, the more seldom it is asked for. */
const busyMs = 10_000
const pausesMs = { first: 5, longest: 40 }

export const sqliteDialect: SqlDialect = {
  integer: 'integer',
  text: 'text',
  now: sql`(cast(unixepoch('subsec') * 1000 as integer))`,
  // SQLite numbers the rows of a table whose key is of this type.
  identity: (column) => column.primaryKey(),
  exists: async (db, table) =>
    (await sql`select 1 from sqlite_master where type = 'table' and name = ${table}`.execute(db)).rows.length > 0,
  keyed: (table) => table.modifyEnd(sql`without rowid`) as typeof table,
  // LIKE takes capitals of ASCII for small letters here, and GLOB does not.
  like: (column, pattern, caseSensitive) =>
    caseSensitive ? sql`${column} glob ${globOf(pattern)}` : sql`${column} like ${pattern}`,
}

const globOf = (pattern: string): string =>
  pattern.replaceAll(/[*?[%_]/g, (one) => (one === '%' ? '*' : one === '_' ? '?' : `[${one}]`))

export async function sqliteMetadataStore(path: string): Promise<MetadataStore> {
  const database = await patiently(path, () => open(path))
  const db = through(database)
  /**
   * Takes the right to write at once, so that what it reads cannot change before it writes. As a prepared statement, one that found
   * the file held would stay unfinished until it is collected, and no later transaction of this connection could commit.
   */
  const begin = () => database.exec('begin immediate')
  const together = groupedTransactions<MetadataTables>((work) => inTransaction(db, begin, work))
  const write = <T>(work: (db: Kysely<MetadataTables>) => Promise<T>): Promise<T> =>
    patiently(path, () => together(work))
  // A connection of its own, so that whoever reads does not wait for the end of what many write together.
  let reading: Kysely<MetadataTables>
  try {
    await write((connection) => migrate(connection, metadataMigrations, sqliteDialect, path))
    reading = through(await patiently(path, () => open(path, 'PRAGMA query_only = ON')))
  } catch (error) {
    await db.destroy()
    throw error
  }
  return sqlMetadataStore({
    read: (work) => patiently(path, () => work(reading)),
    write,
    dialect: sqliteDialect,
    inspect: () => inspectSqlite(reading, path),
    // The one that may write last: it brings the write-ahead file to its end.
    close: async () => {
      await reading.destroy()
      await db.destroy()
    },
  })
}

const through = (database: Database.Database): Kysely<MetadataTables> =>
  new Kysely({ dialect: new SqliteDialect({ database: keepingStatements(database) as never }) })

function open(path: string, more = ''): Database.Database {
  mkdirSync(dirname(path), { recursive: true })
  const database = new Database(path)
  try {
    database.exec(
      `PRAGMA busy_timeout = ${blockMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; ${more}`,
    )
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

async function patiently<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  const until = performance.now() + busyMs
  for (let ms = pausesMs.first; ; ms = Math.min(2 * ms, pausesMs.longest))
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw storageError(error, path)
      await pause(ms)
    }
}
