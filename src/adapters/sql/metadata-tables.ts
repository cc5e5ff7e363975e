/** The tables of metadata, the same in every database. */
import type { Generated, Kysely } from 'kysely'
import type { BatchTables } from './batch/tables.ts'
import { batchStep, holdStep } from './batch/tables.ts'
import type { Migrations } from './migrate.ts'
import type { RegistryTables } from './registry/tables.ts'
import { registryStep } from './registry/tables.ts'
import type { TrackingTables } from './tracking/tables.ts'
import { trackingStep } from './tracking/tables.ts'

export interface MetadataTables extends TrackingTables {
  schema: { version: number }
  applied: { id: Generated<number>; hash: string; definitions: string; at: number }
  form: { hash: string; form: string; at: Generated<number> }
}

export const metadataMigrations: Migrations<MetadataTables> = {
  table: 'schema',
  steps: [
    async (db, { integer, identity }) => {
      await db.schema
        .createTable('applied')
        .addColumn('id', integer, identity)
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('definitions', 'text', (column) => column.notNull())
        .addColumn('at', integer, (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('model_version')
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('version', integer, (column) => column.notNull())
        .addColumn('artifact', 'text', (column) => column.notNull())
        .addColumn('bytes', integer, (column) => column.notNull())
        .addColumn('definition', 'text', (column) => column.notNull())
        .addColumn('signature', 'text', (column) => column.notNull())
        .addColumn('note', 'text')
        .addColumn('at', integer, (column) => column.notNull())
        // No number comes twice, whatever the code does.
        .addPrimaryKeyConstraint('model_version_key', ['model', 'version'])
        .execute()
    },
    async (db, { integer, now }) => {
      await db.schema
        .createTable('form')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('form', 'text', (column) => column.notNull())
        .addColumn('at', integer, (column) => column.notNull().defaultTo(now))
        .execute()
    },
    (db, dialect) => trackingStep(db as unknown as Kysely<TrackingTables>, dialect),
    (db, dialect) => registryStep(db as unknown as Kysely<RegistryTables>, dialect),
    (db, dialect) => batchStep(db as unknown as Kysely<BatchTables>, dialect),
    (db, dialect) => holdStep(db as unknown as Kysely<BatchTables>, dialect),
  ],
}
