/** Metadata in a SQL database: one set of queries for all of them. How a transaction is had is the adapter's. */
import type { Kysely } from 'kysely'
import type { StoreReport } from '../../ports/inspection.ts'
import type { Applied, AppliedPlatform, MetadataStore, ModelVersion, NewVersion } from '../../ports/metadata-store.ts'
import type { MetadataTables } from './metadata-tables.ts'
import type { SqlDialect } from './migrate.ts'
import { sqlTrackingStore } from './tracking-store.ts'
import type { TrackingTables } from './tracking-tables.ts'

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
    addVersion: (version, at) => write((db) => addVersion(db, version, at)),
    versions: (model) => read((db) => versions(db, model)),
    live: (model) => read(async (db) => (await versions(db, model, 1))[0] ?? null),
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
      refer: async () => {},
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

async function versions(db: Db, model: string, limit = 10_000): Promise<readonly ModelVersion[]> {
  const rows = await db
    .selectFrom('model_version')
    .selectAll()
    .where('model', '=', model)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

async function addVersion(db: Db, version: NewVersion, at: number): Promise<ModelVersion> {
  const [newest] = await versions(db, version.model, 1)
  // An older one again is a new version: whoever adds a file wants it to answer.
  if (newest?.artifact === version.artifact && newest.definition === version.definition) return newest
  const { model, artifact, bytes, definition, inputs, outputs, opset, note } = version
  const row = {
    model,
    version: (newest?.version ?? 0) + 1,
    artifact,
    bytes,
    definition,
    signature: JSON.stringify({ inputs, outputs, opset }),
    note,
    at,
  }
  await db.insertInto('model_version').values(row).execute()
  return fromRow(row)
}

function fromRow({ signature, ...row }: MetadataTables['model_version']): ModelVersion {
  return { ...row, ...(JSON.parse(signature) as Pick<ModelVersion, 'inputs' | 'outputs' | 'opset'>) }
}
