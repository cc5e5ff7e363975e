/** Workers of a run are killed, or stopped for longer than their leases, again and again: every partition is done once, by whoever had it last. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import { parts, scoring } from '../../src/testing/batch-store-tools.ts'
import { describeWith, startPostgres } from '../services/index.ts'

const program = ['../../node_modules/jiti/lib/jiti-cli.mjs', './batch-worker.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)
const count = Number(process.env['RUNS'] ?? 120)
const workers = 3

async function killed(store: MetadataStore, place: readonly string[]): Promise<void> {
  const { batches } = store
  const { run } = await scoring(batches, parts(count))
  const lines: string[] = []
  let [ended, kills] = [false, 0]
  const worker = async (name: string): Promise<void> => {
    for (let life = 0; !ended; life += 1) {
      const child = spawn(process.execPath, [...program, `${name}.${life}`, run.id, ...place], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (some: string) => {
        // Its life ends a while after its first partition, at any instant of its work; the last of each lives on.
        if (said === '' && life < 2) setTimeout(() => child.kill('SIGKILL'), 50 + Math.random() * 400)
        said += some
      })
      await new Promise((done) => child.once('close', done))
      if (child.signalCode !== null) kills += 1
      lines.push(...said.split('\n').filter((line) => line !== ''))
      if (said.endsWith('all done\n')) ended = true
      else if (child.signalCode === null) throw new Error(`${name} ended by itself: ${said.slice(-200)}`)
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, index) => worker(`w${index}`)))

  const told = lines.map((line) => line.split(' ') as [what: string, index: string, token: string])
  const partitions = await batches.partitions(run.id)
  expect(partitions.map(({ state }) => state)).toEqual(Array.from({ length: count }, () => 'done'))
  for (const { index, output, holder, attempts } of partitions) {
    const of = (what: string) =>
      told.filter((line) => line[0] === what && line[1] === String(index)).map(([, , token]) => Number(token))
    const token = Number(output!.sha256.split(' ')[1])
    expect(output!.sha256.split(' ')[0]).toBe(holder)
    // One who was killed before it could say so may have been the one who finished.
    expect(of('finished').filter((one) => one !== token)).toEqual([])
    expect(of('finished').length).toBeLessThanOrEqual(1)
    expect(of('lost').every((one) => one < token)).toBe(true)
    expect(Math.max(...of('taken'), 0)).toBeLessThanOrEqual(token)
    expect(attempts).toBeGreaterThanOrEqual(of('taken').length)
  }
  const lost = told.filter(([what]) => what === 'lost').length
  process.stdout.write(
    `${count} partitions by ${workers} workers: ${kills} killed, ${lost} times too late, none twice\n`,
  )
  expect(kills).toBeGreaterThan(0)
  expect(lost).toBeGreaterThan(0)
}

it('in SQLite', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-batch-killed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'metadata.sqlite')
  const store = await sqliteMetadataStore(path)
  onTestFinished(() => store.close())
  await killed(store, [path])
})

describeWith(['postgres'], 'PostgreSQL', () => {
  it('in PostgreSQL', { timeout: 120_000 }, async () => {
    const service = await startPostgres()
    onTestFinished(() => service.close())
    const options = { url: service.url, password: null, schema: 'killed', patienceMs: 10_000 }
    const store = await postgresMetadataStore(options)
    onTestFinished(() => store.close())
    await killed(store, [service.url, 'killed'])
  })
})
