/** Outcomes that do not fit: nothing of a request is taken, and the figures stay what they were. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { label, model, platform, sixfold } from '../../src/index.ts'
import { logistic } from '../models/graphs.ts'
import type { Service } from './service.ts'
import { question, refused, service } from './service.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await server.add('late', logistic([1], 0))
})
afterAll(() => server.close())

const predicted = async (name = 'late'): Promise<string> => {
  const { json } = await server.post(`/v1/models/${name}/predict`, question)
  await expect.poll(async () => (await server.get(`/v1/predictions/${json.id}`)).status).toBe(200)
  return json.id
}
const tell = (body: unknown) => () => server.post('/v1/outcomes', body)
const invalid = (body: unknown, ...names: readonly string[]) =>
  refused(server, tell(body), 400, 'SX_OUTCOME_INVALID', ...names)

test('a misspelt output, a value of another type, or none', async () => {
  const id = await predicted()
  await invalid({ id, outcome: { lat: true } }, id, "no output 'lat'", "'late'")
  await invalid({ id, outcome: { late: 0.5 } }, id, "'late' is 0.5", 'true or false')
  await invalid({ id, outcome: { late: 'yes' } }, id, '"yes"', 'true or false')
  await invalid({ id, outcome: { late: null } }, id, 'null')
  await invalid({ id, outcome: {} }, id, 'no values')
  await invalid({ id }, id, 'no values')
  await invalid({ id, outcome: [true] }, id, 'no values')
  await invalid({ outcome: { late: true } }, 'no id')
  await invalid({ id: 7, outcome: { late: true } }, 'no id')
  await invalid({ id, outcome: { toString: true } }, id, "no output 'toString'")
  const number = await predicted('eta')
  await invalid({ id: number, outcome: { minutes: '12' } }, number, '"12"', 'a number')
  await invalid(`{"id":"${number}","outcome":{"minutes":1e999}}`, number, 'Infinity', 'a number')
})

test('one that does not fit refuses all of its request', async () => {
  const ids = [await predicted(), await predicted()]
  await invalid(
    {
      outcomes: [
        { id: ids[0], outcome: { late: true } },
        { id: ids[1], outcome: { late: 2 } },
      ],
    },
    'Outcome 1',
    ids[1]!,
    "'late' is 2",
  )
  expect((await tell({ id: ids[0], outcome: { late: true } })()).json).toMatchObject({ accepted: 1 })
})

test('of a prediction that is not in the log', async () => {
  const id = await predicted()
  const otherSalt = id.replace(/.{8}$/, (salt) => (salt === '00000000' ? '11111111' : '00000000'))
  const ids = ['late.0.00000000', 'late.zzzz.00000000', 'nobody.1.00000000', 'x', '', otherSalt]
  for (const unknown of ids)
    await refused(server, tell({ id: unknown, outcome: { late: true } }), 404, 'SX_UNKNOWN_PREDICTION', `'${unknown}'`)
  expect((await tell({ outcomes: ids.map((one) => ({ id: one, outcome: { late: true } })) })()).json).toMatchObject({
    accepted: 0,
    unknown: expect.arrayContaining(ids),
  })
  await tell({ id, outcome: { late: true } })()
  await refused(server, tell({ id: otherSalt, outcome: { late: true } }), 404, 'SX_UNKNOWN_PREDICTION', otherSalt)
})

test('the same again is a duplicate, another one a conflict', async () => {
  const id = await predicted()
  expect((await tell({ id, outcome: { late: true } })()).json).toMatchObject({ accepted: 1, duplicates: 0 })
  expect((await tell({ id, outcome: { late: true } })()).json).toMatchObject({ accepted: 0, duplicates: 1 })
  expect((await tell({ id, outcome: { late: 1 } })()).json).toMatchObject({ accepted: 0, duplicates: 1 })
  await refused(server, tell({ id, outcome: { late: false } }), 409, 'SX_OUTCOME_CONFLICT', id)
  const other = await predicted()
  const { status, json } = await tell({
    outcomes: [
      { id: other, outcome: { late: false } },
      { id: other, outcome: { late: true } },
      { id: other, outcome: { late: false } },
      { id, outcome: { late: false } },
    ],
  })()
  expect(status).toBe(200)
  expect(json).toEqual({ accepted: 1, duplicates: 1, unknown: [], conflicts: [other, id] })
})

test('too many at once, or none', async () => {
  const many = Array.from({ length: 10_001 }, () => ({ id: 'late.1.00000000', outcome: { late: true } }))
  await invalid({ outcomes: many }, '10001', '10000', 'several')
  await refused(server, tell({ outcomes: 'all' }), 400, 'SX_REQUEST_MALFORMED', "'outcomes' is no list")
  expect((await tell({ outcomes: [] })()).json).toMatchObject({ accepted: 0 })
})

test('a value of a megabyte is refused in a message that can be read', async () => {
  const id = await predicted()
  const long = 'x'.repeat(1_000_000)
  await invalid({ id, outcome: { late: long } }, "'late'")
  await invalid({ id, outcome: { [long]: true } }, 'xxx')
  await refused(server, tell({ id: long, outcome: { late: true } }), 404, 'SX_UNKNOWN_PREDICTION', 'xxx')
  expect((await server.post('/v1/outcomes', { outcomes: [{ id: long, outcome: { late: true } }] })).status).toBe(200)
})

test('labels that are called as what every object has are counted like others', async () => {
  const mood = model('mood', {
    inputs: { request: { km: 'float64' } },
    vector: ({ request }) => ({ km: request.km }),
    output: { mood: label('constructor', 'toString') },
    fallback: () => ({ mood: 'constructor' }),
  })
  const app = sixfold(platform({ mood }), { data: `${server.folder}/mood` })
  const { record } = await app.predict('mood', {}, { km: 1 })
  await expect.poll(() => app.explain(record.id!).catch(() => null)).not.toBeNull()
  await expect(app.outcomes([{ id: record.id!, outcome: { mood: 'valueOf' } }])).rejects.toThrow('valueOf')
  expect(await app.outcomes([{ id: record.id!, outcome: { mood: 'toString' } }])).toMatchObject({ accepted: 1 })
  await app.close()
})
