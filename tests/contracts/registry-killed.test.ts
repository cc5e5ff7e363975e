/**
 * The process that changes the registry is killed at each failure point: the change, its entry and what webhooks are to be told are then there
 * together or not at all, and asking again under the same id brings about what was asked for, once.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import type { Change } from '../../src/ports/registry-store.ts'
import { hashOfEntry, noEntry } from '../../src/ports/registry-store.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { addVersion, author } from './versions.ts'

const program = ['../../node_modules/jiti/lib/jiti-cli.mjs', './registry-killed.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)
const points = {
  'change: begun': false,
  'change: condition checked': false,
  'change: effect made': false,
  'change: before commit': false,
  'change: after commit': true,
}

const promotion = (version: number, replaces: number | null): Change => ({
  ...{ kind: 'stage.changed', model: 'm', version, environment: 'default', from: 'registered', to: 'production' },
  ...{ exclusive: true, replaces, archives: [], evidence: [], preconditions: [], rollback: false },
})

/** What one sees of a change: the stages, the entries and what waits for the webhook. */
async function seen({ registry }: MetadataStore) {
  const entries = await registry.audit({ after: 0, limit: 100 })
  let previous = noEntry
  for (const [index, entry] of entries.entries()) {
    expect([entry.number, entry.previous, entry.hash]).toEqual([index + 1, previous, hashOfEntry(entry)])
    previous = entry.hash
  }
  return {
    entries: entries.length,
    told: (await registry.deliveries({ webhook: 'w', limit: 100 })).map(({ entry }) => entry.number).reverse(),
    places: (await registry.versions('m')).map(({ places }) => places['default']?.stage ?? null).reverse(),
    production: (await registry.production('default')).map(({ version }) => version),
  }
}

function survives(open: (name: string) => Promise<MetadataStore>, place: (name: string) => readonly string[]): void {
  for (const [index, [point, made]] of Object.entries(points).entries())
    it(point, { timeout: 120_000 }, async () => {
      const name = `killed${index}`
      const store = await open(name)
      const webhook = { id: 'w', name: 'w', url: 'https://receiver.example', events: ['stage.changed'], models: [] }
      const more = { secret: null, description: null, active: true, form: 'sixfold' } as const
      await store.registry.change({ kind: 'webhook.created', webhook: { ...webhook, ...more } }, author(1))
      for (const manifest of ['a', 'b']) await addVersion(store, manifest, 1)
      await store.registry.change(promotion(1, null), author(2))
      const before = { entries: 4, told: [4], places: ['production', null], production: [1] }
      const after = { entries: 5, told: [4, 5], places: ['archived', 'production'], production: [2] }
      expect(await seen(store)).toEqual(before)

      const asked = { change: promotion(2, 1), by: author(3) }
      const child = spawnSync(process.execPath, [...program, point, JSON.stringify(asked), ...place(name)])
      expect([child.signal, child.stdout.toString()], child.stderr.toString()).toEqual(['SIGKILL', ''])
      // By whoever had it open all along, and by one who opens it then.
      expect(await seen(store)).toEqual(made ? after : before)
      await store.close()
      const again = await open(name)
      expect(await seen(again)).toEqual(made ? after : before)
      const entry = await again.registry.change(asked.change, asked.by)
      expect(entry.number).toBe(5)
      expect(await seen(again)).toEqual(after)
      await again.close()
    })
}

describe('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-killed-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const place = (name: string): [string] => [join(folder, `${name}.sqlite`)]
  survives((name) => sqliteMetadataStore(...place(name)), place)
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  survives(
    (schema) => postgresMetadataStore({ url: service.url, password: null, schema, patienceMs: 10_000 }),
    (schema) => [service.url, schema],
  )
})
