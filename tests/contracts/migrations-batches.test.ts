/** A metadata store from before there were batches: what was there is there still, its audit goes on, and batches can be run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import { author, ended, publishing } from '../../src/testing/batch-store-tools.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { addVersion } from './versions.ts'

const tables = [
  ...['batches_run', 'batches_partition', 'batches_lease', 'batches_token', 'batches_live', 'batches_use'],
  'batches_hold',
]
/** Makes of a store's tables those of schema 4. */
const asBefore = (schema: string): string =>
  `drop index ${schema}audit_by_subject_action_number; ${tables.map((table) => `drop table ${schema}${table}`).join('; ')}; update ${schema}schema set version = 4`

async function goesOn(open: () => Promise<MetadataStore>, age: () => Promise<unknown>): Promise<void> {
  const before = await open()
  await addVersion(before, 'file', 1, { model: 'late' })
  await before.keepForm('hash', 'form')
  const entries = await before.registry.audit({ after: 0, limit: 9 })
  await before.close()
  await age()
  // Two at once, as when servers are replaced.
  const [store, other] = await Promise.all([open(), open()])
  onTestFinished(async () => {
    await Promise.all([store.close(), other.close()])
  })
  expect(await store.registry.audit({ after: 0, limit: 9 })).toEqual(entries)
  expect(await store.form('hash')).toBe('form')
  const run = await ended(store.batches, 'passed')
  const entry = await other.registry.change(publishing(run, null), author(5))
  expect([entry.number, entry.previous]).toEqual([2, entries[0]!.hash])
  expect(await store.batches.live('here')).toMatchObject([{ version: 1, run: run.id }])
  expect((await store.registry.references()).has('file')).toBe(true)
}

it('goes on with a file of SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-migrations-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'metadata.sqlite')
  const inFile = <T>(work: (file: Database.Database) => T): T => {
    const file = new Database(path)
    try {
      return work(file)
    } finally {
      file.close()
    }
  }
  await goesOn(
    () => sqliteMetadataStore(path),
    async () => inFile((file) => file.exec(asBefore(''))),
  )
  expect(inFile((file) => file.prepare('pragma integrity_check').all())).toEqual([{ integrity_check: 'ok' }])
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  let admin: pg.Pool
  beforeAll(async () => {
    service = await startPostgres()
    admin = new pg.Pool({ connectionString: service.url, max: 1 })
    // The server ends before the last of its connections has.
    admin.on('error', () => {})
  })
  afterAll(async () => {
    await admin.end()
    await service.close()
  })

  it('goes on with tables of PostgreSQL', () =>
    goesOn(
      () => postgresMetadataStore({ url: service.url, password: null, schema: 'before', patienceMs: 5_000 }),
      () => admin.query(asBefore('before.')),
    ))
})
