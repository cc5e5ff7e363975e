/** A transaction on one connection, begun in the database's own way. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'

export const inTransaction = <Tables, T>(
  db: Kysely<Tables>,
  begin: (connection: Kysely<Tables>) => unknown,
  work: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> =>
  db.connection().execute(async (connection) => {
    try {
      await begin(connection)
      const result = await work(connection)
      await sql`commit`.execute(connection)
      return result
    } catch (error) {
      // Where this fails too there is no transaction: it never began, or ended of itself or with its connection.
      await sql`rollback`.execute(connection).catch(() => {})
      throw error
    }
  })
