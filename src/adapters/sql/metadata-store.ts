/** Metadata in a SQL database: one set of queries for all of them. How a transaction is had is the adapter's. */
import type { Kysely } from 'kysely'
import type { StoreReport } from '../../ports/inspection.ts'
import type { Applied, AppliedPlatform, MetadataStore } from '../../ports/metadata-store.ts'
import { sqlBatchStore } from './batch/store.ts'
import type { BatchTables } from './batch/tables.ts'
import type { MetadataTables } from './metadata-tables.ts'
import type { SqlDialect } from './migrate.ts'
import { refer } from './registry/references.ts'
import { sqlRegistryStore } from './registry/store.ts'
import type { RegistryTables } from './registry/tables.ts'
import { sqlTrackingStore } from './tracking/store.ts'
import type { TrackingTables } from './tracking/tables.ts'

type Db = Kysely<MetadataTables>

export interface MetadataAccess {
  /** `work` asks one question, and may be called several times. */
  read<T>(work: (db: Db) => Promise<T>): Promise<T>
  /** In one transaction, with no other that writes beside it; `work` may be called several times. */
  write<T>(work: (db: Db) => Promise<T>): Promise<T>
  readonly dialect: SqlDialect
  inspect(): Promise<StoreReport>
  close(): Promise<void>
}

export function sqlMetadataStore({ read, write, dialect, inspect, close }: MetadataAccess): MetadataStore {
  return {
    applied: () => read(async (db) => (await history(db, 1))[0] ?? null),
    history: (limit) => read((db) => history(db, limit)),
    apply: (platform, at) => write((db) => apply(db, platform, at)),
    keepForm: (hash, form) =>
      write(async (db) => {
        await db
          .insertInto('form')
          .values({ hash, form })
          .onConflict((conflict) => conflict.column('hash').doNothing())
          .execute()
      }),
    form: (hash) =>
      read(
        async (db) =>
          (await db.selectFrom('form').select('form').where('hash', '=', hash).executeTakeFirst())?.form ?? null,
      ),
    tracking: sqlTrackingStore({
      read: (work) => read((db) => work(db as unknown as Kysely<TrackingTables>)),
      write: (work) => write((db) => work(db as unknown as Kysely<TrackingTables>)),
      dialect,
      refer: (db, artifacts) => refer(db as unknown as Kysely<RegistryTables>, artifacts, null),
    }),
    registry: sqlRegistryStore({
      read: (work) => read((db) => work(db as unknown as Kysely<RegistryTables>)),
      write: (work) => write((db) => work(db as unknown as Kysely<RegistryTables>)),
      dialect,
    }),
    batches: sqlBatchStore({
      read: (work) => read((db) => work(db as unknown as Kysely<BatchTables>)),
      write: (work) => write((db) => work(db as unknown as Kysely<BatchTables>)),
      dialect,
    }),
    inspect,
    close,
  }
}

async function history(db: Db, limit: number): Promise<readonly Applied[]> {
  const rows = await db.selectFrom('applied').selectAll().orderBy('id', 'desc').limit(limit).execute()
  return rows.map(({ hash, definitions, at }) => ({
    hash,
    definitions: JSON.parse(definitions) as Applied['definitions'],
    at,
  }))
}

async function apply(db: Db, { hash, definitions }: AppliedPlatform, at: number): Promise<Applied> {
  const [last] = await history(db, 1)
  if (last?.hash === hash) return last
  await db
    .insertInto('applied')
    .values({ hash, definitions: JSON.stringify(definitions), at })
    .execute()
  return { hash, definitions, at }
}
