/** The laws of the tracking store, held by each adapter; and what is left of a batch whose writer was killed. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import { trackingStoreCases } from '../../src/testing/tracking-store.ts'
import { idOf, newRun } from '../../src/testing/tracking-store-tools.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { places } from './places.ts'

const logger = ['../../node_modules/jiti/lib/jiti-cli.mjs', './logger.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/** Kills a process that logs batch after batch, again and again, and looks at what is there. */
async function killed(open: () => Promise<MetadataStore>, place: readonly string[], times: number): Promise<void> {
  const store = await open()
  try {
    for (let round = 0; round < times; round += 1) {
      const id = idOf(round)
      await store.tracking.createRun(newRun(round))
      const child = spawn(process.execPath, [...logger, id, ...place], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = new Promise((done) => child.once('exit', done))
      let answered = 0
      for await (const line of createInterface({ input: child.stdout })) {
        answered = Number(line)
        if (answered === 1) setTimeout(() => child.kill('SIGKILL'), 1 + ((round * 37) % 60))
      }
      await ended
      const run = (await store.tracking.run(id))!
      const batches = Number(run.tags['batch'])
      // What was answered is there; the one that was under way is there whole, or not at all.
      expect([answered, answered + 1]).toContain(batches)
      expect(Object.keys(run.parameters)).toHaveLength(batches)
      expect(run.metrics).toHaveLength(1_000)
      expect(run.metrics.every(({ value, step }) => value === batches && step === batches)).toBe(true)
      for (const key of ['metric 0', 'metric 999'])
        expect((await store.tracking.metricHistory(id, key, 10_000, 0)).items).toHaveLength(batches)
    }
  } finally {
    await store.close()
  }
}

describe('SQLite', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-tracking-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const openAt = (place: string) => sqliteMetadataStore(join(root, place, 'metadata.sqlite'))
  const { open, again } = places(openAt)
  for (const { name, run } of trackingStoreCases(open, again)) it(name, run)

  it('has all of a batch or nothing of it where its writer is killed', { timeout: 120_000 }, () =>
    killed(() => openAt('killed'), [join(root, 'killed', 'metadata.sqlite')], 12),
  )
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  const openAt = (schema: string) =>
    postgresMetadataStore({ url: service.url, password: null, schema, patienceMs: 10_000 })
  const { open, again } = places(openAt)
  for (const { name, run } of trackingStoreCases(open, again)) it(name, run)

  it('has all of a batch or nothing of it where its writer is killed', { timeout: 120_000 }, () =>
    killed(() => openAt('killed'), [service.url, 'killed'], 8),
  )
})
