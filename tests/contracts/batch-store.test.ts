/** The laws of the batch store, held by each adapter; also where the clocks of processes differ. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqlBatchStore } from '../../src/adapters/sql/batch/store.ts'
import type { BatchTables } from '../../src/adapters/sql/batch/tables.ts'
import { inTransaction } from '../../src/adapters/sql/transaction.ts'
import { sqliteDialect, sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import { batchStoreCases } from '../../src/testing/batch-store.ts'
import { long, newRun, parts, scoring } from '../../src/testing/batch-store-tools.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { places } from './places.ts'

const timeout = 60_000

/** What is had stays so for a process whose clock is an hour ahead: nobody's clock counts but the database's. */
async function clocksDiffer(open: () => Promise<MetadataStore>): Promise<void> {
  const store = await open()
  try {
    const { batches } = store
    const { run } = await scoring(batches, parts(1))
    expect(await batches.take(run.id, 'worker', 60_000)).toMatchObject({ index: 0 })
    expect(await batches.lease('scheduler', 'worker', 60_000)).not.toBeNull()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    expect(await batches.take(run.id, 'ahead', long)).toBeNull()
    expect(await batches.lease('scheduler', 'ahead', long)).toBeNull()
    const { beganAt } = await batches.begin(newRun())
    expect(beganAt).toBeLessThan(Date.now() - 3_000_000)
    expect((await batches.holder('scheduler'))!.leftMs).toBeLessThanOrEqual(60_000)
  } finally {
    vi.useRealTimers()
    await store.close()
  }
}

describe('SQLite', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-batches-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const { open, again } = places((place) => sqliteMetadataStore(join(root, place, 'metadata.sqlite')))
  for (const { name, run } of batchStoreCases(open, again)) it(name, { timeout }, run)
  it('goes by the clock of the database', () => clocksDiffer(open))
})

/** What is written is committed, its answer lost, and asked for again: as where a connection breaks off, but every time. */
async function losingAnswers(path: string): Promise<MetadataStore> {
  const store = await sqliteMetadataStore(path)
  const database = new Database(path)
  const db = new Kysely<BatchTables>({ dialect: new SqliteDialect({ database: database as never }) })
  const begin = async (): Promise<void> => {
    for (;;)
      try {
        database.exec('begin immediate')
        return
      } catch (error) {
        if (!String(error).includes('locked')) throw error
        await pause(1)
      }
  }
  const once = <T>(work: (db: Kysely<BatchTables>) => Promise<T>): Promise<T> => inTransaction(db, begin, work)
  return {
    ...store,
    batches: sqlBatchStore({
      read: (work) => work(db),
      write: async (work) => {
        await once(work)
        return once(work)
      },
      dialect: sqliteDialect,
    }),
    close: async () => {
      await db.destroy()
      await store.close()
    },
  }
}

describe('SQLite, every answer of which is lost once', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-batches-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const { open, again } = places((place) => losingAnswers(join(root, place, 'metadata.sqlite')))
  for (const { name, run } of batchStoreCases(open, again))
    if (!name.startsWith('stays fast')) it(name, { timeout }, run)
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  const { open, again } = places((schema) =>
    postgresMetadataStore({ url: service.url, password: null, schema, patienceMs: 10_000 }),
  )
  for (const { name, run } of batchStoreCases(open, again)) it(name, { timeout }, run)
  it('goes by the clock of the database', () => clocksDiffer(open))
})
