/** Where PostgreSQL differs from other databases, and how a store's tables come to be in it. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Migrations, SqlDialect } from '../sql/migrate.ts'
import { migrate } from '../sql/migrate.ts'
import type { Postgres } from './connection.ts'

/** Opens a store: its schema and tables are created or brought to their newest form by the first of several processes. */
export const prepare = <Tables>(postgres: Postgres<Tables>, migrations: Migrations<Tables>): Promise<void> =>
  postgres.alone(async (db) => {
    const { schema, where } = postgres
    // Asked first: the right to create schemas is only needed where there is none.
    const found = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(db)
    if (found.rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(db)
    await migrate(db, migrations, dialectOf(schema), `${where} ${schema}`)
  })

export const dialectOf = (schema: string): SqlDialect => ({
  integer: 'bigint',
  text: sql`text collate "C"`,
  now: sql`((extract(epoch from clock_timestamp()) * 1000)::bigint)`,
  identity: (column) => column.primaryKey().generatedAlwaysAsIdentity(),
  exists: async (db: Kysely<never>, table: string) =>
    (await sql`select 1 from pg_tables where schemaname = ${schema} and tablename = ${table}`.execute(db)).rows.length >
    0,
  keyed: (table) => table,
  // Of the collation C, which knows the case of ASCII only; without one a backslash would escape.
  like: (column, pattern, caseSensitive) =>
    sql`${column} ${caseSensitive ? sql`like` : sql`ilike`} ${pattern} collate "C" escape ''`,
})
