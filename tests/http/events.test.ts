/** Events that cannot be taken refuse their whole push; those that are late or out of order are taken and counted right. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Answer, Service } from './service.ts'
import { deliver, minutesAgo, now, refused, service } from './service.ts'

let server: Service
beforeEach(async () => {
  server = await service()
})
afterEach(() => server.close())

const push =
  (events: unknown, source = 'deliveries') =>
  (): Promise<Answer> =>
    server.post(`/v1/events/${source}`, { events })
const order = (name: string, fields: object = {}): object => ({
  order: name,
  courier: 'ann',
  minutes: 10,
  delivered: minutesAgo(60),
  ...fields,
})
const ann = async (): Promise<Record<string, unknown>> =>
  (await server.app.features('pace', { courier: 'ann' })) as never

test('a source that does not exist, and what is no list of events', async () => {
  await refused(server, push([order('x')], 'deliverys'), 404, 'SX_UNKNOWN_SOURCE', 'deliverys', "'deliveries'")
  await refused(server, push(undefined), 400, 'SX_REQUEST_MALFORMED', "'events' is missing")
  await refused(server, push({ 0: order('x') }), 400, 'SX_REQUEST_MALFORMED', "'events' is no list")
})

test('one bad row of many: nothing of the push is taken', async () => {
  await deliver(server)
  const wrong: readonly (readonly [object, ...string[]])[] = [
    [order('b', { minutes: 'ten' }), 'row 1', "'minutes'", '"ten"', 'a number'],
    [order('b', { minutes: true }), 'row 1', "'minutes'", 'true'],
    [order('b', { courier: undefined }), 'row 1', "'courier' is missing", "'string?'"],
    [order('b', { courier: null }), 'row 1', "'courier' is missing"],
    [order('b', { parcels: 2 ** 53 }), "'parcels'", '2^53', 'text'],
    [order('b', { parcels: '99999999999999999999' }), "'parcels'", '99999999999999999999', '64 bits'],
    [order('b', { parcels: 'many' }), "'parcels'", '"many"'],
    [order('b', { delivered: '2024-05-01T10:00:00' }), "'delivered'", 'without a zone'],
    [order('b', { delivered: 1714557600 }), "'delivered'", 'seconds or milliseconds'],
    [order('b', { delivered: '2024-02-30T10:00:00Z' }), "'delivered'", '2024-02-30'],
    [order('b', { courier: 'x'.repeat(9_000) }), "'courier'", '9000 bytes', '8192'],
    [['b', 'ann'], 'row 1 is no object'],
    [null as never, 'row 1 is no object'],
  ]
  for (const [row, ...names] of wrong)
    await refused(server, push([order('a9'), row, order('c')]), 400, 'SX_EVENT_INVALID', "'deliveries'", ...names)
  const infinite = `{"events":[${JSON.stringify(order('a9'))},{"order":"b","courier":"ann","minutes":-1e999,"delivered":"${minutesAgo(5)}"}]}`
  await refused(
    server,
    () => server.post('/v1/events/deliveries', infinite),
    400,
    'SX_EVENT_INVALID',
    "'minutes'",
    '-Infinity',
  )
  // What was refused may be sent again, mended.
  expect((await push([order('a9'), order('c')])()).json).toMatchObject({ accepted: 2, duplicates: 0 })
})

test('every bad row is named, as far as a message can', async () => {
  const rows = Array.from({ length: 200 }, (_, i) => order(`b${i}`, { minutes: 'x'.repeat(1_000) }))
  const answer = await push(rows)()
  expect(answer.json.detail).toContain('and 195 more')
  expect(answer.json.details.problems).toHaveLength(100)
  expect(answer.text.length).toBeLessThan(30_000)
})

test('the far future is a wrong clock or unit; a minute is not', async () => {
  const year = new Date(now + 365 * 86_400_000).toISOString()
  await refused(
    server,
    push([order('a'), order('b', { delivered: year })]),
    400,
    'SX_EVENT_IN_FUTURE',
    "'deliveries', row 1",
    "'delivered'",
    year,
    'clock',
  )
  const soon = new Date(now + 59_000).toISOString()
  expect((await push([order('a', { delivered: soon })])()).json).toMatchObject({ accepted: 1 })
  expect(await ann()).toMatchObject({ deliveries_1d: 0 })
  server.advance(61_000)
  expect(await ann()).toMatchObject({ deliveries_1d: 1 })
})

test('late and out of order: the values are those of the events in order', async () => {
  for (const hours of [2, 9, 1, 23, 5])
    expect((await push([order(`h${hours}`, { minutes: hours, delivered: minutesAgo(hours * 60) })])()).status).toBe(200)
  expect(await ann()).toMatchObject({ deliveries_1d: 5, mean_1d: 8, latest: 1 })
  // Of yesterday: known from now on, but no part of the last day, and not the latest.
  expect((await push([order('old', { minutes: 99, delivered: minutesAgo(40 * 60) })])()).json.accepted).toBe(1)
  expect(await ann()).toMatchObject({ deliveries_1d: 5, mean_1d: 8, latest: 1 })
})

test('an id counts once, within a push and across pushes', async () => {
  expect((await push([order('a'), order('a', { minutes: 50 }), order('b')])()).json).toMatchObject({
    accepted: 2,
    duplicates: 1,
  })
  expect((await push([order('b'), order('c')])()).json).toMatchObject({ accepted: 1, duplicates: 1 })
  expect(await ann()).toMatchObject({ deliveries_1d: 3, mean_1d: 10 })
})

test('fields that the source does not have are told, whatever they are called, and not taken', async () => {
  const extra = JSON.stringify([order('a'), order('b')]).replaceAll(
    '"minutes"',
    '"toString":1,"constructor":2,"hasOwnProperty":3,"minutes"',
  )
  const { status, json } = await server.post('/v1/events/deliveries', `{"events":${extra}}`)
  expect(status).toBe(200)
  expect(json.unknownFields).toEqual({ toString: 2, constructor: 2, hasOwnProperty: 2 })
})

test('too many at once, and none', async () => {
  await refused(
    server,
    push(Array.from({ length: 10_001 }, () => ({}))),
    400,
    'SX_EVENT_INVALID',
    '10001',
    '10000',
    'several requests',
  )
  expect((await push([])()).json).toMatchObject({ accepted: 0 })
})

test('integers beyond 2^53 are summed exactly', async () => {
  const parcels = ['9007199254740993', '2']
  await push(parcels.map((count, i) => order(`p${i}`, { parcels: count })))()
  const read = await server.post('/v1/views/pace/read', { keys: { courier: 'ann' } })
  expect(read.json.features.parcels_1d).toBe('9007199254740995')
})
