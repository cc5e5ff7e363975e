/** Predictions that are taken apart, through a server: what is said, and of what nothing can be said. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Service } from '../http/service.ts'
import { deliver, expectProblem, question, service } from '../http/service.ts'
import { linear, logistic, sigmoid } from '../models/graphs.ts'
import type { Graph } from '../models/onnx.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await deliver(server)
  await server.add('eta', linear([0.5, 2], 1))
  await server.add('late', logistic([2], -1))
})
afterAll(() => server.close())

const ask = async (model: string, km: number, courier = 'ann'): Promise<string> => {
  const { json } = await server.post(`/v1/models/${model}/predict`, { keys: { courier }, request: { km } })
  return json.id
}
const apart = (id: string) => server.get(`/v1/predictions/${id}?attributions=true`)

test('what each entry added, from what the version answers to other vectors on average', async () => {
  const id = await ask('eta', 3.5)
  // Nobody else has asked: there is nothing to compare it with.
  expectProblem(await apart(id), 409, 'SX_NOT_ATTRIBUTABLE', 'eta', 'predicted more')
  for (const [km, courier] of [
    [1, 'ann'],
    [2, 'ann'],
    [2, 'ann'],
    [6, 'nobody'],
  ] as const)
    await ask('eta', km, courier)
  const { status, json } = await apart(id)
  expect(status).toBe(200)
  // The others are (20, 1), (20, 2) and (0, 6): their means are 40 / 3 and 3, the answer is 0.5 · 20 + 2 · 3.5 + 1.
  expect(json.attributions).toEqual({
    output: 'minutes',
    place: 0,
    link: 'identity',
    base: expect.closeTo(0.5 * (40 / 3) + 2 * 3 + 1, 9),
    margin: 18,
    answer: 18,
    background: 3,
    entries: { mean_1d: expect.closeTo(0.5 * (20 - 40 / 3), 9), km: expect.closeTo(2 * 0.5, 9) },
  })
  const { attributions, ...rest } = json
  const plain = (await server.get(`/v1/predictions/${id}`)).json
  expect(plain).toEqual({ ...rest, attributions: null })
  expect((await server.get(`/v1/predictions/${id}?attributions=false`)).json).toEqual(plain)
  expect((await server.app.explain(id, { attributions: true })).attributions).toEqual(attributions)
})

test('of a probability: the margin, and the answer through the link', async () => {
  const id = await ask('late', 0.25)
  await ask('late', 1.25)
  const { prediction } = (await server.post('/v1/models/late/predict', { ...question, request: { km: 0.25 } })).json
  const { attributions } = (await apart(id)).json
  expect(attributions).toMatchObject({ output: 'late', link: 'logistic', margin: -0.5, base: 1.5, entries: { km: -2 } })
  expect(attributions.answer).toBeCloseTo(sigmoid(-0.5), 12)
  expect(attributions.answer).toBeCloseTo(prediction.late, 5)
})

test('the version that answered is taken apart, not the one that does now', async () => {
  const id = await ask('eta', 3.5)
  await server.add('eta', linear([0, 100], 0))
  expect((await apart(id)).json.attributions).toMatchObject({ margin: 18 })
  expect((await apart(await ask('eta', 3.5))).json.attributions).toMatchObject({
    margin: 350,
    entries: { mean_1d: expect.closeTo(0, 12), km: expect.any(Number) },
  })
})

describe('nothing can be said', () => {
  test('of an answer of the fallback', async () => {
    const { json } = await server.post('/v1/models/vehicle/predict', { request: { km: 1, load: 1, spare: 1 } })
    expectProblem(await apart(json.id), 409, 'SX_NOT_ATTRIBUTABLE', 'not of a model')
  })

  test('of what is neither trees nor linear', async () => {
    const bent: Graph = {
      ...logistic([1], 0),
      nodes: [
        { op: 'Abs', inputs: ['x'], outputs: ['positive'] },
        { op: 'MatMul', inputs: ['positive', 'weights'], outputs: ['weighted'] },
        { op: 'Add', inputs: ['weighted', 'bias'], outputs: ['score'] },
        { op: 'Sigmoid', inputs: ['score'], outputs: ['probability'] },
      ],
    }
    await server.add('late', bent)
    expectProblem(await apart(await ask('late', 3)), 409, 'SX_NOT_ATTRIBUTABLE', "Version 2 of 'late'", 'linear')
  })

  test('where it is asked otherwise than it can be', async () => {
    const id = await ask('eta', 1)
    expectProblem(await server.get(`/v1/predictions/${id}?attributions=yes`), 400, 'SX_REQUEST_INVALID', 'attributions')
    expectProblem(await server.get(`/v1/predictions/${id}?attribution=true`), 400, 'SX_REQUEST_INVALID', 'attributions')
    expectProblem(await apart('eta.zz.00000000'), 404, 'SX_UNKNOWN_PREDICTION')
  })
})
