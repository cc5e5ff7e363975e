/** A process that computes a model is killed, or hangs, while everybody asks: the server stays up, and answers go on. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gate, model, platform, sixfold } from '../../src/index.ts'
import { slow } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-workers-'))
const told = model('told', {
  inputs: { request: { n: 'int64' } },
  vector: ({ request }) => ({ n: request.n }),
  output: { same: 'number' },
  degrade: { cached: null },
  fallback: () => ({ same: -1 }),
})
const app = sixfold(platform({ told, lenient: gate(told, { latency: { p99Ms: 60_000 } }) }), {
  data: join(folder, 'data'),
  models: { told: { place: 'process', workers: 2 } },
})
beforeAll(async () => {
  writeFileSync(join(folder, 'slow.onnx'), onnx(slow))
  await app.addModel('told', join(folder, 'slow.onnx'))
  while ((await workers()).ready < 2) await pause(50)
}, 60_000)
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const workers = async () => (await app.status()).models[0]!.scheduling[0]!.snapshot.workers
const restarts = async () => (await app.status()).models[0]!.scheduling[0]!.snapshot.counts.restarts
/** Processes that this one started and that run a model. */
const processes = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = Number(
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1],
        )
        return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('onnx/child')
      } catch {
        return false
      }
    })

test('killed: what was in its call is computed by another, and one takes its place', { timeout: 60_000 }, async () => {
  const before = processes()
  expect(before.length).toBeGreaterThanOrEqual(2)
  let running = true
  const answers: { readonly same: number; readonly n: number }[] = []
  const asking = Array.from({ length: 4 }, async (_, i) => {
    for (let n = 200 + i; running; n++) {
      const { same } = await app.predict('told', {}, { n }, { timeoutMs: 30_000 })
      answers.push({ same, n })
    }
  })
  for (let kills = 0; kills < 4; kills++) {
    await pause(400)
    const victim = processes()[kills % 2]
    if (victim !== undefined) process.kill(victim, 'SIGKILL')
  }
  await pause(1_500)
  running = false
  await Promise.all(asking)
  // One that is killed while nothing is asked of it is missed when something is; and some only look at files.
  expect(await restarts()).toBeGreaterThanOrEqual(1)
  expect(answers.length).toBeGreaterThan(20)
  // A row that was in two calls that were killed is given up, and its fallback answers.
  const wrong = answers.filter(({ same, n }) => same !== n)
  expect(wrong.every(({ same }) => same === -1)).toBe(true)
  expect(wrong.length).toBeLessThanOrEqual(4)
  while ((await workers()).ready < 2) await pause(50)
})

test('stopped: its callers are answered by the fallback in time, and it is replaced', { timeout: 60_000 }, async () => {
  const stopped = processes()
  for (const pid of stopped) process.kill(pid, 'SIGSTOP')
  try {
    const began = performance.now()
    const late = await Promise.all([1, 2, 3].map((n) => app.predict('told', {}, { n }, { timeoutMs: 200 })))
    expect(performance.now() - began).toBeLessThan(400)
    for (const { same, record } of late) {
      expect(same).toBe(-1)
      expect(record.degraded[0]!.stage).toBe('inference')
    }
    const until = performance.now() + 30_000
    for (;;) {
      const { same } = await app.predict('told', {}, { n: 7 }, { timeoutMs: 1_000 })
      if (same === 7) break
      expect(performance.now()).toBeLessThan(until)
    }
  } finally {
    for (const pid of stopped)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It was replaced and is gone.
      }
  }
})
