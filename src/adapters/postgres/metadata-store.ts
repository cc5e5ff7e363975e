/**
 * Metadata in PostgreSQL, shared by processes of many machines. A method that writes is one transaction under a lock of the schema's,
 * so that all of them come one after another; one that reads is one statement. Durable as the server is: `inspect` says where its
 * settings weaken that.
 */
import type { MetadataStore } from '../../ports/metadata-store.ts'
import { sqlMetadataStore } from '../sql/metadata-store.ts'
import type { MetadataTables } from '../sql/metadata-tables.ts'
import { metadataMigrations } from '../sql/metadata-tables.ts'
import type { PostgresOptions } from './connection.ts'
import { openPostgres } from './connection.ts'
import { dialectOf, prepare } from './dialect.ts'
import { inspectPostgres } from './inspect.ts'

const connections = 2

export async function postgresMetadataStore(options: PostgresOptions): Promise<MetadataStore> {
  const postgres = openPostgres<MetadataTables>(options, connections)
  try {
    await prepare(postgres, metadataMigrations)
  } catch (error) {
    await postgres.close()
    throw error
  }
  return sqlMetadataStore({
    read: postgres.run,
    write: postgres.alone,
    dialect: dialectOf(options.schema),
    inspect: () => inspectPostgres(postgres, metadataMigrations.table),
    close: postgres.close,
  })
}
