/** Idempotency keys: a request that is sent again is answered as the first was. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Answer, Service } from '../http/service.ts'
import { deliver, question, service } from '../http/service.ts'
import { linear } from '../models/graphs.ts'

let open: Service
beforeAll(async () => {
  open = await service({ limits: { idempotencyKeys: 50, bodyBytes: 100_000 } })
  await deliver(open)
})
afterAll(() => open.close())

const path = '/v1/models/late/predict'
const ask = (key: string, body: unknown = question, at = path): Promise<Answer> =>
  open.post(at, body, { 'idempotency-key': key })

test('the same request has the same answer, to the byte', async () => {
  const [first, second] = [await ask('a'), await ask('a')]
  expect(first.status).toBe(200)
  expect(second.text).toBe(first.text)
  expect(second.headers.get('idempotency-replayed')).toBe('true')
  expect(second.headers.get('server-timing')).toBe(first.headers.get('server-timing'))
  expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
  expect((await open.post(path, question)).json.id).not.toBe(first.json.id)
})

test('also while the first is under way', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('at-once')))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers.filter(({ headers }) => headers.has('idempotency-replayed'))).toHaveLength(19)
})

test('another request with the same key is refused', async () => {
  await ask('b')
  for (const [body, at] of [
    [{ ...question, request: { km: 4 } }, path],
    [question, '/v1/models/eta/predict'],
  ] as const) {
    const answer = await ask('b', body, at)
    expect([answer.status, answer.json.code]).toEqual([409, 'SX_IDEMPOTENCY_CONFLICT'])
  }
})

test('what failed is tried again, and who waited for it is told the same', async () => {
  const wrong = await ask('c', { keys: {}, request: {} })
  expect(wrong.status).toBe(400)
  expect((await ask('c')).status).toBe(200)
  const both = await Promise.all([ask('c2', { keys: {} }), ask('c2', { keys: {} })])
  expect(both.map(({ status }) => status)).toEqual([400, 400])
  expect(both[0]!.text).toBe(both[1]!.text)
})

test('as many keys are kept as the limit says', async () => {
  const first = await ask('kept?')
  expect((await ask('kept?')).text).toBe(first.text)
  for (let i = 0; i < 60; i++) await ask(`other ${i}`.replace(' ', '-'))
  expect((await ask('kept?')).json.id).not.toBe(first.json.id)
})

test.each(['', ' ', 'a b', 'x'.repeat(256)])('%j is no key', async (key) => {
  const answer = await ask(key)
  expect([answer.status, answer.json.code]).toEqual([400, 'SX_REQUEST_INVALID'])
})

test('bodies come compressed, and no larger than the limit', async () => {
  const zip = (body: unknown): Promise<Answer> =>
    open.post(path, gzipSync(JSON.stringify(body)), { 'content-encoding': 'gzip' })
  expect((await zip(question)).status).toBe(200)
  const bomb = await zip(' '.repeat(50_000_000))
  expect([bomb.status, bomb.json.code]).toEqual([413, 'SX_REQUEST_TOO_LARGE'])
  const not = await open.post(path, question, { 'content-encoding': 'gzip' })
  expect([not.status, not.json.code]).toEqual([400, 'SX_REQUEST_MALFORMED'])
  const unknown = await open.post(path, question, { 'content-encoding': 'zstd' })
  expect([unknown.status, unknown.json.code]).toEqual([415, 'SX_MEDIA_TYPE'])
})

test('tensors are answered once as well', async () => {
  await open.add('late', linear([0.1], 0))
  const body = { inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [2] }] }
  const [first, second] = [
    await ask('v2', body, '/v2/models/late/infer'),
    await ask('v2', body, '/v2/models/late/infer'),
  ]
  expect(first.status).toBe(200)
  expect(second.text).toBe(first.text)
  expect(second.headers.get('idempotency-replayed')).toBe('true')
})
