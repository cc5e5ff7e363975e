/** What is late is replaced, in time, and the answer says by what: a model that computes for too long, features that do not come. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { count, entity, gate, model, platform, sixfold, source, view } from '../../src/index.ts'
import { linear, slow } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import type { FaultProxy, Service } from '../services/index.ts'
import { describeWith, faultProxy, startRedis } from '../services/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-late-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Takes as long as it is told to by a number: 3,000 is some hundred milliseconds. */
const told = model('told', {
  inputs: { request: { n: 'int64' } },
  vector: ({ request }) => ({ n: request.n }),
  output: { same: 'number' },
  reuse: '1m',
  fallback: () => ({ same: -1 }),
})
const patient = gate(told, { latency: { p99Ms: 60_000 } })

describe('a model that takes too long', () => {
  const app = sixfold(platform({ told, patient }), {
    data: join(folder, 'told'),
    models: { told: { place: 'thread' } },
  })
  beforeAll(async () => {
    writeFileSync(join(folder, 'slow.onnx'), onnx(slow))
    await app.addModel('told', join(folder, 'slow.onnx'))
  })
  afterAll(() => app.close())
  const ask = async (n: number, timeoutMs: number) => {
    const began = performance.now()
    const { same, record } = await app.predict('told', {}, { n }, { timeoutMs })
    return { same, record, took: performance.now() - began }
  }

  test('is not waited for longer than the caller has time, and its fallback answers', async () => {
    const { same, record, took } = await ask(4_000, 100)
    expect(same).toBe(-1)
    expect(record.degraded).toEqual([{ stage: 'inference', by: 'default', reason: 'SX_DEADLINE_EXCEEDED' }])
    // Eighty of the hundred are the server's, five of them for what comes after.
    expect(took).toBeGreaterThan(40)
    expect(took).toBeLessThan(100)
  })

  test('what cannot be computed in time is not begun', async () => {
    // It is busy with the question of the test before.
    const { record, took } = await ask(1, 20)
    expect(['SX_OVERLOADED', 'SX_DEADLINE_EXCEEDED']).toContain(record.degraded[0]!.reason)
    expect(took).toBeLessThan(30)
  })

  test('with more time it answers; asked again, the answer is at hand', async () => {
    const first = await ask(3_000, 20_000)
    expect([first.same, first.record.degraded]).toEqual([3_000, []])
    const again = await ask(3_000, 20)
    expect([again.same, again.record.degraded, again.record.version]).toEqual([3_000, [], '1'])
    expect(again.took).toBeLessThan(15)
  })
})

describe('an answer of before stands in for one that is late', () => {
  const kept = model('kept', {
    inputs: { request: { n: 'int64', user: 'string' } },
    vector: ({ request }) => ({ n: request.n }),
    output: { same: 'number' },
    degrade: { cached: '1m' },
    fallback: () => ({ same: -1 }),
  })
  const app = sixfold(platform({ kept, keptGate: gate(kept, { latency: { p99Ms: 60_000 } }) }), {
    data: join(folder, 'kept'),
    models: { kept: { place: 'process' } },
  })
  beforeAll(async () => {
    writeFileSync(join(folder, 'kept.onnx'), onnx(slow))
    await app.addModel('kept', join(folder, 'kept.onnx'))
  })
  afterAll(() => app.close())

  test('of the same question alone', async () => {
    const first = await app.predict('kept', {}, { n: 3_000, user: 'ann' }, { timeoutMs: 30_000 })
    expect([first.same, first.record.degraded]).toEqual([3_000, []])
    const late = await app.predict('kept', {}, { n: 3_000, user: 'ann' }, { timeoutMs: 30 })
    expect(late.same).toBe(3_000)
    expect(late.record).toMatchObject({ version: '1', degraded: [{ stage: 'inference', by: 'cache' }] })
    const other = await app.predict('kept', {}, { n: 3_000, user: 'bob' }, { timeoutMs: 30 })
    expect(other.same).toBe(-1)
    expect(other.record.degraded[0]).toMatchObject({ by: 'default' })
  })
})

describeWith(['redis'], 'features that do not come', () => {
  const rider = entity('rider', { key: { rider: 'string' } })
  const rides = source('rides', { fields: { rider: 'string', km: 'float64', ended: 'timestamp' }, time: 'ended' })
  const ridden = view('ridden', { entity: rider, source: rides, features: () => ({ rides: count().over('7d') }) })
  const scored = model('scored', {
    inputs: { ridden },
    vector: ({ ridden }) => ({ rides: ridden.rides.orElse(0) }),
    output: { score: 'number' },
    fallback: () => ({ score: -1 }),
  })
  let redis: Service
  let proxy: FaultProxy
  let app: ReturnType<typeof open>
  const open = () =>
    sixfold(platform({ rider, rides, ridden, scored }), {
      data: join(folder, 'scored'),
      stores: { online: `redis://127.0.0.1:${proxy.port}` },
    })
  beforeAll(async () => {
    redis = await startRedis()
    proxy = await faultProxy(redis.port)
    app = open()
    writeFileSync(join(folder, 'linear.onnx'), onnx(linear([10], 0)))
    await app.addModel('scored', join(folder, 'linear.onnx'))
    const ended = new Date(Date.now() - 60_000)
    await app.push('rides', [
      { rider: 'ann', km: 3, ended },
      { rider: 'ann', km: 4, ended },
    ])
  })
  afterAll(async () => {
    proxy.heal()
    await app.close()
    await proxy.close()
    await redis.close()
  })

  test('are the last known of the entity, and missing for one that nobody asked about before', async () => {
    const first = await app.predict('scored', { rider: 'ann' }, {}, { timeoutMs: 30_000 })
    expect([first.score, first.record.degraded]).toEqual([20, []])
    proxy.latency(300)
    const began = performance.now()
    const [ann, bob] = await Promise.all([
      app.predict('scored', { rider: 'ann' }),
      app.predict('scored', { rider: 'bob' }),
    ])
    expect(performance.now() - began).toBeLessThan(80)
    expect([ann.score, ann.record.degraded]).toEqual([
      20,
      [{ stage: 'features', by: 'last known', reason: 'SX_DEADLINE_EXCEEDED' }],
    ])
    expect([bob.score, bob.record.degraded]).toEqual([
      0,
      [{ stage: 'features', by: 'missing', reason: 'SX_DEADLINE_EXCEEDED' }],
    ])
    proxy.latency(0)
  })
})
