/** A model that is late in real time, and a batch of last night that says what it said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { batch, gate, model, parquet, platform } from '../../src/index.ts'
import { manualClock } from '../../src/kernel/clock.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { slow } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'

/** Takes as long as it is told to by a number: 3,000 is some hundred milliseconds. */
const told = model('told', {
  inputs: { request: { n: 'int64' } },
  vector: ({ request }) => ({ n: request.n }),
  output: { same: 'number' },
  fallback: () => ({ same: -1 }),
})
const patient = gate(told, { latency: { p99Ms: 60_000 } })
const nightly = batch('nightly', {
  model: told,
  key: { n: 'int64' },
  rows: parquet('numbers.parquet'),
  publish: { ttl: '2d', standIn: true },
})

const night = Date.parse('2026-11-02T02:00:00Z')
const clock = manualClock(night)
const folder = mkdtempSync(join(tmpdir(), 'sixfold-stand-in-'))
let opened: Opened
beforeAll(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(
    `COPY (SELECT CAST(i AS BIGINT) AS n FROM range(20) t(i) UNION ALL SELECT 5000) TO '${join(folder, 'numbers.parquet')}'`,
  )
  connection.closeSync()
  writeFileSync(join(folder, 'slow.onnx'), onnx(slow))
  opened = await open(platform({ told, patient, nightly }), {
    ...{ project: folder, data: join(folder, 'data'), clock },
    models: { told: { place: 'thread' } },
  })
  const options = { description: null, to: 'production', facts: null, golden: null } as const
  const { stopped } = await opened.registry.add('told', join(folder, 'slow.onnx'), options, {
    ...{ actor: 'local:test', reason: null },
  })
  if (stopped !== null) throw new Error(JSON.stringify(stopped))
  const { id } = await opened.batches.begin('nightly', { actor: 'local:test', at: night })
  await opened.batches.run(id)
})
afterAll(async () => {
  await opened.close()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (n: number, timeoutMs: number) => opened.predict('told', { request: { n: String(n) }, timeoutMs })
const late = (by: string) => [{ stage: 'inference', by, reason: 'SX_DEADLINE_EXCEEDED' }]

test('the batch answers for a model that is late, in time, and says so', async () => {
  const began = performance.now()
  const { outputs, degraded, version } = await ask(5_000, 100)
  expect([outputs, degraded, version]).toEqual([{ same: 5_000 }, late('batch'), '1'])
  expect(performance.now() - began).toBeLessThan(150)
})

test('of what it has not said the fallback answers, and so it does once the batch is too old', async () => {
  // It is busy with the question of the test before until then.
  await ask(1, 30_000)
  expect(await ask(4_500, 100)).toMatchObject({ outputs: { same: -1 }, degraded: late('default') })
  await ask(1, 30_000)
  clock.advanceTo(night + 3 * 86_400_000)
  expect(await ask(5_000, 100)).toMatchObject({ outputs: { same: -1 }, degraded: late('default') })
})

test('a key that the model is not asked with is refused when it is defined', () => {
  const other = batch('other', {
    ...{ model: told, key: { shop: 'string' }, rows: parquet('numbers.parquet') },
    publish: { standIn: true },
  })
  expect(() => platform({ told, other })).toThrow('no shop of type string')
})

test('two for one model are refused when they are defined', () => {
  const weekly = batch('weekly', { model: told, rows: parquet('numbers.parquet'), publish: { standIn: true } })
  expect(() => platform({ told, nightly, weekly })).toThrow("'nightly' stands in for the model 'told' as well")
})
