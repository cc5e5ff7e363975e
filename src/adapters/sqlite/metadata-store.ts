/** The embedded metadata store: SQLite in write-ahead mode, which several processes of one machine may share. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Generated, Transaction } from 'kysely'
import { Kysely, SqliteDialect, sql } from 'kysely'
import Database from 'libsql'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Applied, MetadataStore, ModelVersion, NewVersion } from '../../ports/metadata-store.ts'

interface Tables {
  schema: { version: number }
  applied: { id: Generated<number>; hash: string; definitions: string; at: number }
  model_version: {
    model: string
    version: number
    artifact: string
    bytes: number
    definition: string
    signature: string
    note: string | null
    at: number
  }
}

/** Each brings the schema one version further; none is ever changed once released. */
const migrations: readonly ((db: Transaction<Tables>) => Promise<unknown>)[] = [
  async (db) => {
    await db.schema
      .createTable('applied')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('definitions', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('model_version')
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('artifact', 'text', (column) => column.notNull())
      .addColumn('bytes', 'integer', (column) => column.notNull())
      .addColumn('definition', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
      .addColumn('note', 'text')
      .addColumn('at', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('model_version_key', ['model', 'version'])
      .execute()
  },
]

export async function sqliteMetadataStore(path: string): Promise<MetadataStore> {
  mkdirSync(dirname(path), { recursive: true })
  const database = new Database(path)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON',
  )
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: database as never }) })
  /** Takes the right to write at once, so that what it reads cannot change before it writes. */
  const write = async <T>(work: (db: Transaction<Tables>) => Promise<T>): Promise<T> =>
    db.connection().execute(async (connection) => {
      await sql`BEGIN IMMEDIATE`.execute(connection)
      try {
        const result = await work(connection as Transaction<Tables>)
        await sql`COMMIT`.execute(connection)
        return result
      } catch (error) {
        await sql`ROLLBACK`.execute(connection)
        throw storageError(error, path)
      }
    })
  await write((connection) => migrate(connection, path))

  return {
    applied: async () => (await history(db, 1))[0] ?? null,
    history: (limit) => history(db, limit),
    apply: async ({ hash, definitions }, at) => {
      await write((connection) =>
        connection
          .insertInto('applied')
          .values({ hash, definitions: JSON.stringify(definitions), at })
          .execute(),
      )
      return { hash, definitions, at }
    },
    addVersion: (version, at) => write((connection) => addVersion(connection, version, at)),
    versions: async (model) => (await selectVersions(db, model)).map(fromRow),
    live: async (model) => {
      const [row] = await selectVersions(db, model, 1)
      return row === undefined ? null : fromRow(row)
    },
    close: async () => {
      await db.destroy()
    },
  }
}

async function migrate(db: Transaction<Tables>, path: string): Promise<void> {
  await db.schema
    .createTable('schema')
    .ifNotExists()
    .addColumn('version', 'integer', (column) => column.notNull())
    .execute()
  const found = await db.selectFrom('schema').select('version').executeTakeFirst()
  const version = found?.version ?? 0
  if (version > migrations.length)
    throw new SixfoldError(
      'SX_STORE_CORRUPT',
      `'${path}' has schema ${version}; this version of Sixfold knows ${migrations.length}.`,
      {
        fix: 'Use the version of Sixfold that wrote it, or a newer one. Nothing was changed.',
      },
    )
  for (const step of migrations.slice(version)) await step(db)
  if (found === undefined) await db.insertInto('schema').values({ version: migrations.length }).execute()
  else await db.updateTable('schema').set({ version: migrations.length }).execute()
}

async function history(db: Kysely<Tables>, limit: number): Promise<readonly Applied[]> {
  const rows = await db.selectFrom('applied').selectAll().orderBy('id', 'desc').limit(limit).execute()
  return rows.map(({ hash, definitions, at }) => ({
    hash,
    definitions: JSON.parse(definitions) as Applied['definitions'],
    at,
  }))
}

async function selectVersions(
  db: Kysely<Tables>,
  model: string,
  limit = 10_000,
): Promise<readonly Tables['model_version'][]> {
  return db
    .selectFrom('model_version')
    .selectAll()
    .where('model', '=', model)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute()
}

async function addVersion(db: Transaction<Tables>, version: NewVersion, at: number): Promise<ModelVersion> {
  const existing = await selectVersions(db, version.model)
  const newest = existing[0]
  // An older one again is a new version: whoever adds a file wants it to answer.
  if (newest?.artifact === version.artifact && newest.definition === version.definition) return fromRow(newest)
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

function fromRow({ signature, ...row }: Tables['model_version']): ModelVersion {
  return { ...row, ...(JSON.parse(signature) as Pick<ModelVersion, 'inputs' | 'outputs' | 'opset'>) }
}

function storageError(error: unknown, path: string): unknown {
  const message = error instanceof Error ? error.message : String(error)
  return /database or disk is full|SQLITE_FULL/i.test(message)
    ? new SixfoldError('SX_STORAGE_FULL', `No space is left for '${path}'.`, { cause: error })
    : error
}
