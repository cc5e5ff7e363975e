/** A transaction on one connection, begun in the database's own words. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'

export const inTransaction = <Tables, T>(
  db: Kysely<Tables>,
  begin: string,
  work: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> =>
  db.connection().execute(async (connection) => {
    await sql.raw(begin).execute(connection)
    try {
      const result = await work(connection)
      await sql`commit`.execute(connection)
      return result
    } catch (error) {
      // Where this fails too, the transaction has ended already: of itself, or with its connection. The first error says why.
      await sql`rollback`.execute(connection).catch(() => {})
      throw error
    }
  })
