/** The happy contract: what an answer holds, that it is the same in process and over HTTP, and how good the answers were. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { linear, logistic, sigmoid } from '../models/graphs.ts'
import type { couriers, Service } from './service.ts'
import { deliver, now, question, service } from './service.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await deliver(server)
  await server.add('eta', linear([0.5, 2], 1))
  await server.add('late', logistic([1], 0))
})
afterAll(() => server.close())

test('the answer says what, by whom, when, with what missing, and how long each stage took', async () => {
  const { status, headers, json } = await server.post('/v1/models/eta/predict', question)
  expect(status).toBe(200)
  expect(headers.get('content-type')).toMatch(/^application\/json/)
  expect(json).toEqual({
    // 0.5 · 20, the mean of 10, 20 and 30, and 2 · 3.5, and 1.
    prediction: { minutes: 18 },
    model: 'eta',
    version: '1',
    id: expect.stringMatching(/^eta\.[0-9a-z]+\.[0-9a-f]{8}$/),
    at: new Date(now).toISOString(),
    degraded: [],
    milliseconds: {
      gateway: expect.any(Number),
      features: expect.any(Number),
      assembly: expect.any(Number),
      queue: expect.any(Number),
      inference: expect.any(Number),
      post: expect.any(Number),
      total: expect.any(Number),
    },
  })
  const timings = Object.fromEntries(
    headers
      .get('server-timing')!
      .split(', ')
      .map((entry) => [entry.split(';dur=')[0], Number(entry.split(';dur=')[1])]),
  )
  expect(timings).toEqual(json.milliseconds)
  const { total, ...stages } = json.milliseconds
  const sum = Object.values(stages as Record<string, number>).reduce((a, b) => a + b, 0)
  expect(Math.abs(total - sum)).toBeLessThan(0.01)
})

test('in process, over HTTP and through the client it is the same answer', async () => {
  const { json } = await server.post('/v1/models/eta/predict', question)
  const inProcess = await server.app.predict('eta', { courier: 'ann' }, { km: 3.5 })
  const client = await connect<typeof couriers>(server.url).eta.predict({ courier: 'ann' }, { km: 3.5 })
  for (const answer of [inProcess, client]) {
    expect(answer.minutes).toBe(json.prediction.minutes)
    expect(answer.record).toMatchObject({ version: '1', at: new Date(now), degraded: [] })
    expect(answer.record.id).not.toBe(json.id)
  }
  const features = await connect<typeof couriers>(server.url).features.pace.read({ courier: 'ann' })
  expect(features).toEqual(await server.app.features('pace', { courier: 'ann' }))
})

test('errors reach the client as what they are', async () => {
  const client = connect<typeof couriers>(server.url)
  const asked = client.eta.predict({ courier: 'ann' }, { km: 'far' as never })
  await expect(asked).rejects.toMatchObject({
    code: 'SX_REQUEST_INVALID',
    message: expect.stringContaining('request.km'),
  })
  await expect(client.outcome('late.1.00000000', 'late', { late: true })).rejects.toMatchObject({
    code: 'SX_UNKNOWN_PREDICTION',
  })
  await expect(
    connect<typeof couriers>('http://127.0.0.1:1').eta.predict({ courier: 'ann' }, { km: 1 }),
  ).rejects.toThrow()
})

test('an answer is explained by its id: features with their age, the vector, the outcome', async () => {
  const { json } = await server.post('/v1/models/eta/predict', question)
  await expect.poll(async () => (await server.get(`/v1/predictions/${json.id}`)).status).toBe(200)
  await server.post('/v1/outcomes', { id: json.id, outcome: { minutes: 21.5 } })
  const explained = (await server.get(`/v1/predictions/${json.id}`)).json
  expect(explained).toMatchObject({
    id: json.id,
    model: 'eta',
    version: '1',
    keys: { courier: 'ann' },
    request: { km: 3.5, parcels: null, note: null },
    groups: [
      { view: 'pace', entity: 'known', ageMs: 3_600_000, features: { deliveries_1d: 3, mean_1d: 20, latest: 30 } },
    ],
    vector: { mean_1d: 20, km: 3.5 },
    outputs: { minutes: 18 },
    degraded: [],
    outcome: { values: { minutes: 21.5 } },
  })
  expect(JSON.parse(JSON.stringify(await server.app.explain(json.id)))).toEqual(explained)
})

test('the running figures are those computed from scores and outcomes', async () => {
  const scored: { readonly p: number; readonly late: boolean; readonly id: string }[] = []
  for (let i = 0; i < 60; i++) {
    const km = ((i * 37) % 60) / 10 - 3
    const { late: p, record } = await server.app.predict('late', { courier: 'ann' }, { km })
    expect(p).toBeCloseTo(sigmoid(km), 6)
    scored.push({ p, late: (i * 7919) % 10 < 10 * sigmoid(km), id: record.id! })
  }
  const tell = async (list: typeof scored): Promise<void> => {
    const outcomes = list.map(({ id, late }) => ({ id, outcome: { late } }))
    await expect.poll(async () => (await server.post('/v1/outcomes', { outcomes })).json.unknown).toEqual([])
  }
  await tell(scored.slice(0, 20))
  await tell(scored.slice(20))
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
  const positives = scored.filter(({ late }) => late)
  const negatives = scored.filter(({ late }) => !late)
  const wins = positives.flatMap(({ p }) => negatives.map((other) => (p > other.p ? 1 : p === other.p ? 0.5 : 0)))
  const rate = positives.length / scored.length
  const { models } = (await server.get('/v1/status')).json
  const { quality } = models.find(({ model }: { readonly model: string }) => model === 'late')
  const { total } = quality.outputs.late
  expect(quality.outcomes).toBe(60)
  expect(total.examples).toBe(60)
  expect(total.baseRate).toBeCloseTo(rate, 12)
  expect(total.logLoss).toBeCloseTo(mean(scored.map(({ p, late }) => -Math.log(late ? p : 1 - p))), 9)
  expect(total.baseLogLoss).toBeCloseTo(-rate * Math.log(rate) - (1 - rate) * Math.log(1 - rate), 12)
  expect(total.brier).toBeCloseTo(mean(scored.map(({ p, late }) => (p - (late ? 1 : 0)) ** 2)), 12)
  expect(total.auc).toBeCloseTo(mean(wins), 2)
})

test('health and readiness', async () => {
  expect((await server.get('/healthz')).json).toEqual({ status: 'ok' })
  expect((await server.get('/readyz')).json).toEqual({ status: 'ok' })
})
