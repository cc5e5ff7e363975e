/** The laws of the batch store, held by each adapter; also where the clocks of processes differ. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
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
