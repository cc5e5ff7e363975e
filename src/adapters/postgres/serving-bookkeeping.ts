/** What is kept beside serving tables, in the same database and so in the same transactions: which versions are there, and what a name shows. */
import type { Kysely } from 'kysely'
import type { Migrations } from '../sql/migrate.ts'

export interface ServingBooks {
  /** A version whose table is filled. */
  serving_version: {
    run: string
    environment: string
    batch: string
    version: number
    /** JSON of the columns, as the table has them. */
    columns: string
    keys: number
    at: number
    /** Its table is to go as soon as nobody reads it. */
    unwanted: boolean
  }
  /** What was made under a name of somebody else's schema. */
  serving_view: {
    schema: string
    name: string
    environment: string
    batch: string
    run: string
    version: number
    /** The greatest token by which it was set. */
    token: number
  }
}

export const servingMigrations: Migrations<ServingBooks> = {
  table: 'serving_schema',
  steps: [
    async (db: Kysely<ServingBooks>, { integer, text }) => {
      await db.schema
        .createTable('serving_version')
        .addColumn('run', text, (column) => column.primaryKey())
        .addColumn('environment', text, (column) => column.notNull())
        .addColumn('batch', text, (column) => column.notNull())
        .addColumn('version', integer, (column) => column.notNull())
        .addColumn('columns', text, (column) => column.notNull())
        .addColumn('keys', 'integer', (column) => column.notNull())
        .addColumn('at', integer, (column) => column.notNull())
        .addColumn('unwanted', 'boolean', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('serving_view')
        .addColumn('schema', text, (column) => column.notNull())
        .addColumn('name', text, (column) => column.notNull())
        .addColumn('environment', text, (column) => column.notNull())
        .addColumn('batch', text, (column) => column.notNull())
        .addColumn('run', text, (column) => column.notNull())
        .addColumn('version', integer, (column) => column.notNull())
        .addColumn('token', integer, (column) => column.notNull())
        .addPrimaryKeyConstraint('serving_view_key', ['schema', 'name'])
        .execute()
    },
  ],
}

/** Names in PostgreSQL have at most 63 bytes: this one has 40. */
export const tableOf = (run: string): string => `serving_${run}`
