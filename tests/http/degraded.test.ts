/** What fails on the way to an answer is replaced, and the answer says by what and why: the caller gets 200 and a number. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linear, logarithm, table } from '../models/graphs.ts'
import type { Answer, Service } from './service.ts'
import { deliver, question, service } from './service.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await deliver(server)
})
afterAll(() => server.close())

const late = (km: number): Promise<Answer> =>
  server.post('/v1/models/late/predict', { keys: question.keys, request: { km } })
const vehicle = (load: number | string, spare: number | string): Promise<Answer> =>
  server.post('/v1/models/vehicle/predict', { keys: {}, request: { km: 3, load, spare } })

test('without a version the fallback answers', async () => {
  const { status, json } = await server.post('/v1/models/eta/predict', question)
  expect(status).toBe(200)
  expect(json).toMatchObject({
    prediction: { minutes: 20 },
    version: null,
    degraded: [{ stage: 'inference', by: 'rule', reason: 'no version' }],
  })
  expect(await server.app.predict('eta', { courier: 'ann' }, { km: 1 })).toMatchObject({
    minutes: 20,
    record: { version: null, degraded: [{ stage: 'inference', by: 'rule', reason: 'no version' }] },
  })
})

test('a model that gives NaN, an infinity, or no probability', async () => {
  await server.add('late', logarithm)
  for (const km of [-1, 0, 100]) {
    const { status, json } = await late(km)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      prediction: { late: 0.25 },
      version: '1',
      degraded: [{ stage: 'post', by: 'default', reason: 'the model gave no usable number' }],
    })
  }
  expect((await late(Math.exp(0.5))).json).toMatchObject({ prediction: { late: expect.closeTo(0.5, 5) }, degraded: [] })
})

describe('a model that fails for some rows', () => {
  beforeAll(async () => {
    // Labels by their place: 0 is the bike, 1 the van, and anything else is not in the table.
    const { inputs, nodes } = table([0, 1])
    const graph = {
      inputs,
      nodes: nodes.map((node) => ({ ...node, outputs: ['place of label'] })),
      outputs: [{ name: 'place of label', type: 'int64', shape: ['rows', 1] }],
      constants: [{ name: 'values', type: 'int64', shape: [2], data: [0, 1] }],
    } as const
    // It is validated on rows that it has an answer to: on others it would not pass.
    await server.add('vehicle', graph, [{ place: 0 }, { place: 1 }])
  })

  test('answers by its fallback, for that row alone, also of those that went together', async () => {
    const loads = [0, 1, 7, 1, 0, 9, 1]
    const asked = loads.map((load) => server.app.predict('vehicle', {}, { km: 3, load, spare: 1 }))
    const answers = await Promise.all(asked)
    expect(answers.map(({ vehicle }) => vehicle)).toEqual(['bike', 'van', 'bike', 'van', 'bike', 'bike', 'van'])
    expect(answers.map(({ record }) => record.degraded.length)).toEqual([0, 0, 1, 0, 0, 1, 0])
    expect(answers[2]!.record.degraded).toEqual([{ stage: 'inference', by: 'rule', reason: 'SX_MODEL_FAILED' }])
  })

  test('an entry of the vector that overflows has no value that an integer could have', async () => {
    const answers = await Promise.all([vehicle('9223372036854775807', 2), vehicle(1, 1)])
    expect(answers[0]!.status).toBe(200)
    expect(answers[0]!.json).toMatchObject({
      prediction: { vehicle: 'bike' },
      degraded: [{ stage: 'assembly', by: 'rule' }],
    })
    expect(answers[1]!.json).toMatchObject({ prediction: { vehicle: 'van' }, degraded: [] })
  })
})

test('more than the queue holds: those beyond it are answered by the fallback, and say so', async () => {
  const small = await service({ limits: { queueRows: 4, batchRows: 2 } })
  await small.add('eta', linear([0, 1], 0))
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => small.app.predict('eta', { courier: 'ann' }, { km: 7 })),
  )
  const degraded = answers.filter(({ record }) => record.degraded.length > 0)
  expect(degraded).toHaveLength(8)
  for (const { minutes, record } of degraded) {
    expect(minutes).toBe(30)
    expect(record.degraded).toEqual([{ stage: 'inference', by: 'rule', reason: 'SX_OVERLOADED' }])
  }
  for (const { minutes } of answers.filter(({ record }) => record.degraded.length === 0)) expect(minutes).toBe(7)
  const { models } = await small.app.status()
  expect(models.find(({ model }) => model === 'eta')!.measures).toMatchObject({
    predictions: 12,
    degradedPredictions: 8,
    degraded: { 'inference: SX_OVERLOADED': 8 },
  })
  await small.close()
})

test('outcomes of degraded answers are kept apart from the figures of the model', async () => {
  const { json } = await late(-1)
  await expect.poll(async () => (await server.get(`/v1/predictions/${json.id}`)).status).toBe(200)
  await server.post('/v1/outcomes', { id: json.id, outcome: { late: true } })
  const { models } = await server.app.status()
  expect(models.find(({ model }) => model === 'late')!.quality).toMatchObject({
    outcomes: 1,
    ofDegraded: 1,
    outputs: { late: { total: { examples: 0 } } },
  })
})
