/** Two processes promote at once, a thousand times: one wins each time, the other is told, and the database holds one in production. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import { hashOfEntry, noEntry } from '../../src/ports/registry-store.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { addVersion } from './versions.ts'

const program = ['../../node_modules/jiti/lib/jiti-cli.mjs', './promoter.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)
const races = 1_000

async function race(store: MetadataStore, ...place: readonly string[]): Promise<void> {
  const promoters = [0, 1].map(() => {
    const child = spawn(process.execPath, [...program, ...place], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    onTestFinished(() => void child.kill('SIGKILL'))
    return { child, next: async (): Promise<string> => String((await lines.next()).value) }
  })
  for (const { next } of promoters) expect(await next()).toBe('ready')
  const wins = [0, 0]
  let replaces: number | null = null
  for (let round = 0; round < races; round++) {
    const versions = [await addVersion(store, `a${round}`, round), await addVersion(store, `b${round}`, round)]
    for (const [index, { child }] of promoters.entries())
      child.stdin.write(`${JSON.stringify({ version: versions[index], replaces })}\n`)
    const said = await Promise.all(promoters.map(({ next }) => next()))
    expect([...said].sort(), `round ${round}`).toEqual(['SX_REGISTRY_CONFLICT', 'won'])
    const winner = said.indexOf('won')
    wins[winner]!++
    replaces = versions[winner]!
    expect((await store.registry.production('default')).map(({ version }) => version)).toEqual([replaces])
  }
  process.stdout.write(`${races} races: ${wins.join(' and ')} won\n`)
  const entries = await store.registry.audit({ after: 0, limit: 10 * races })
  let previous = noEntry
  for (const entry of entries) {
    expect(entry.previous).toBe(previous)
    expect(entry.hash).toBe(hashOfEntry(entry))
    previous = entry.hash
  }
  // Two registrations a round, and one promotion.
  expect(entries.length).toBe(3 * races)
}

describe('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-promotions-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  it('has one winner each', { timeout: 180_000 }, async () => {
    const path = join(folder, 'metadata.sqlite')
    const store = await sqliteMetadataStore(path)
    onTestFinished(() => store.close())
    await race(store, path)
  })
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  it('has one winner each', { timeout: 180_000 }, async () => {
    const store = await postgresMetadataStore({ url: service.url, password: null, schema: 'races', patienceMs: 10_000 })
    onTestFinished(() => store.close())
    await race(store, service.url, 'races')
  })
})
