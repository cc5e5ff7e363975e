/** Questions that cannot be answered: whoever asked is told what is wrong, where and what to do, and nothing has changed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Service } from './service.ts'
import { deliver, question, refused, service } from './service.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await deliver(server)
})
afterAll(() => server.close())

const predict = (body: unknown) => () => server.post('/v1/models/eta/predict', body)
const read = (body: unknown) => () => server.post('/v1/views/pace/read', body)
/** JSON in which a number is what JavaScript cannot write. */
const withKm = (km: string): string => `{"keys":{"courier":"ann"},"request":{"km":${km}}}`

describe('a question to a model', () => {
  test('that does not exist: the nearest name is told', () =>
    refused(server, () => server.post('/v1/models/etaa/predict', question), 404, 'SX_UNKNOWN_MODEL', 'etaa', "'eta'"))

  test.each([
    ['no keys', { request: { km: 1 } }, ['eta', "'keys' is missing", 'courier']],
    ['no request', { keys: { courier: 'ann' } }, ['eta', "'request' is missing", 'km']],
    ['a missing key', { keys: {}, request: { km: 1 } }, ['eta', 'keys.courier', 'missing']],
    ['an unknown key', { keys: { courier: 'ann', curier: 'x' }, request: { km: 1 } }, ['curier', "'courier'"]],
    ['a missing field', { keys: { courier: 'ann' }, request: {} }, ['request.km', 'missing', 'float64']],
    ['a misspelt field', { keys: { courier: 'ann' }, request: { km: 1, notte: 'x' } }, ['notte', "'note'"]],
    ['a key of another type', { keys: { courier: 7 }, request: { km: 1 } }, ['keys.courier', 'number 7', 'string']],
    ['a text for a number', { keys: { courier: 'ann' }, request: { km: '3' } }, ['request.km', '"3"', 'a number']],
    ['the text NaN', { keys: { courier: 'ann' }, request: { km: 'NaN' } }, ['request.km', '"NaN"']],
    ['true for a number', { keys: { courier: 'ann' }, request: { km: true } }, ['request.km', 'true']],
    ['a list for a number', { keys: { courier: 'ann' }, request: { km: [3] } }, ['request.km', 'a list']],
    ['null where it may not be', { keys: { courier: 'ann' }, request: { km: null } }, ['request.km', 'missing']],
    ['keys that are a list', { keys: ['ann'], request: { km: 1 } }, ["'keys' is no object"]],
    ['keys that are null', { keys: null, request: { km: 1 } }, ["'keys' is no object"]],
    ['a number beyond all floats', withKm('1e999'), ['request.km', 'Infinity']],
    [
      'a half for a whole number',
      { keys: { courier: 'ann' }, request: { km: 1, parcels: 1.5 } },
      ['request.parcels', '1.5'],
    ],
    [
      'an integer that lost digits on the way',
      '{"keys":{"courier":"ann"},"request":{"km":1,"parcels":9007199254740993}}',
      ['request.parcels', '2^53', 'text'],
    ],
    [
      'an integer of more than 64 bits',
      { keys: { courier: 'ann' }, request: { km: 1, parcels: '9223372036854775808' } },
      ['request.parcels', '9223372036854775808', '64 bits'],
    ],
    ['half a surrogate pair', '{"keys":{"courier":"\\ud800"},"request":{"km":1}}', ['keys.courier', 'Unicode']],
    ['a member that every object has', '{"keys":{"courier":"ann","toString":"x"},"request":{"km":1}}', ['toString']],
    ['at that is no instant', { ...question, at: 'noon' }, ["'at'", 'noon', 'ISO 8601']],
    ['at without a zone', { ...question, at: '2024-05-01T12:00:00' }, ["'at'", 'zone']],
    ['at as a bare number', { ...question, at: 1714564800 }, ["'at'", '1714564800']],
  ])('%s', (_, body, names) => refused(server, predict(body), 400, 'SX_REQUEST_INVALID', ...names))

  test('NaN is no JSON', () => refused(server, predict(withKm('NaN')), 400, 'SX_REQUEST_MALFORMED', 'JSON', 'NaN'))

  test('is counted by its code among those not answered', async () => {
    await predict({ keys: { courier: 7 }, request: { km: 1 } })()
    const { models } = await server.app.status()
    expect(models.find(({ model }) => model === 'eta')!.measures.refused['SX_REQUEST_INVALID']).toBeGreaterThan(0)
  })

  test('a key of a megabyte is refused at once, in a message that can be read', async () => {
    const long = 'k'.repeat(1_000_000)
    const began = performance.now()
    await refused(
      server,
      predict({ keys: { courier: 'ann', [long]: 1 }, request: { km: 1 } }),
      400,
      'SX_REQUEST_INVALID',
      'kkk',
    )
    await refused(
      server,
      predict({ keys: { courier: long }, request: { km: 1 } }),
      400,
      'SX_REQUEST_INVALID',
      'keys.courier',
      '8192',
    )
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})

describe('a question to a view', () => {
  test('that does not exist', () =>
    refused(server, () => server.post('/v1/views/pacee/read', question), 404, 'SX_UNKNOWN_VIEW', 'pacee', "'pace'"))
  test.each([
    ['no keys', {}, ["'keys' is missing", 'courier']],
    ['a missing key', { keys: {} }, ['keys.courier', 'missing']],
    ['an unknown key', { keys: { courier: 'ann', city: 'x' } }, ['city', 'courier']],
    ['a key of another type', { keys: { courier: ['ann'] } }, ['keys.courier', 'a list']],
  ])('%s', (_, body, names) => refused(server, read(body), 400, 'SX_REQUEST_INVALID', "view 'pace'", ...names))
})

describe('in the same process', () => {
  const wrong = async (ask: () => Promise<unknown>, ...names: readonly string[]): Promise<void> => {
    const before = await server.state()
    const error = await ask().then(
      () => null,
      (reason: { readonly code: string; readonly message: string }) => reason,
    )
    expect(error?.code).toBe('SX_REQUEST_INVALID')
    for (const name of names) expect(error!.message).toContain(name)
    expect(await server.state()).toEqual(before)
  }
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d is no number', (km) =>
    wrong(() => server.app.predict('eta', { courier: 'ann' }, { km }), 'request.km', String(km)),
  )
  test('a date that is none is no instant to ask about', async () => {
    await wrong(() => server.app.predict('eta', { courier: 'ann' }, { km: 1 }, { at: new Date('noon') }), "'at'")
    await wrong(() => server.app.features('pace', { courier: 'ann' }, { at: new Date('noon') }), "'at'")
  })
  test('a bigint is exact, up to 64 bits', async () => {
    await wrong(() => server.app.predict('eta', { courier: 'ann' }, { km: 1, parcels: 2n ** 63n }), 'request.parcels')
    const { record } = await server.app.predict('eta', { courier: 'ann' }, { km: 1, parcels: 2n ** 63n - 1n })
    await expect
      .poll(() => server.app.explain(record.id!).catch(() => null))
      .toMatchObject({ request: { parcels: 2n ** 63n - 1n } })
  })
})

test('an integer beyond 2^53 goes through as text, digit by digit', async () => {
  const body = { keys: { courier: 'ann' }, request: { km: 1, parcels: '9007199254740993' } }
  const { json } = await predict(body)()
  await expect
    .poll(async () => (await server.get(`/v1/predictions/${json.id}`)).json)
    .toMatchObject({
      request: { parcels: '9007199254740993' },
    })
})

test('a key may be null, which names nobody: features are those of no events', async () => {
  const { status, json } = await predict({ keys: { courier: null }, request: { km: 1 } })()
  expect(status).toBe(200)
  expect(json.prediction).toEqual({ minutes: 30 })
})
