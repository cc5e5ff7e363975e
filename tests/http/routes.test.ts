/** Paths and methods that there are not, and what is no HTTP at all: always a problem document, and the server lives on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exchange, lastAnswer, requestText } from './raw.ts'
import type { Service } from './service.ts'
import { expectProblem, question, refused, service } from './service.ts'

let server: Service
beforeAll(async () => {
  server = await service()
})
afterAll(() => server.close())

test.each(['/v1', '/v1/nothing', '/v1/models/eta/nothing', '/v1/models/eta/predict/now', '/v1/predictions'])(
  'nothing is at %s',
  (path) => refused(server, () => server.get(path), 404, 'SX_NOT_FOUND', `GET ${path}`),
)

test.each([
  ['GET', '/v1/models/eta/predict', 'POST'],
  ['PUT', '/v1/models/eta/predict', 'POST'],
  ['DELETE', '/v1/events/deliveries', 'POST'],
  ['GET', '/v1/outcomes', 'POST'],
  ['GET', '/v1/views/pace/read', 'POST'],
  ['PATCH', '/v1/status', 'GET, HEAD'],
  ['POST', '/v1/status', 'GET, HEAD'],
  ['POST', '/v1/predictions/late.1.00000000', 'GET, HEAD'],
  ['OPTIONS', '/v1/clock', 'POST'],
  ['DELETE', '/healthz', 'GET, HEAD'],
])('%s %s is not allowed; %s is', async (method, path, allowed) => {
  await refused(server, () => server.get(path, method), 405, 'SX_METHOD_NOT_ALLOWED', method, path, allowed)
  expect((await server.get(path, method)).headers.get('allow')).toBe(allowed)
})

test('a slash at the end and a query change nothing', async () => {
  expect((await server.post('/v1/models/eta/predict/', question)).status).toBe(200)
  expect((await server.post('/v1/models/eta/predict?x=1', question)).status).toBe(200)
  expect((await server.get('/v1/status?x', 'POST')).status).toBe(405)
})

test.each(['/v1/models/%/predict', '/v1/models/%E0%A4%A/predict', '/v1/predictions/%zz'])(
  '%s is encoded wrongly',
  async (path) => {
    const answer = lastAnswer(await exchange(server.url, requestText(path, '{}', 'Connection: close\r\n')))
    expectProblem(answer, 400, 'SX_REQUEST_MALFORMED', path)
  },
)

test('a name of any length', async () => {
  await refused(server, () => server.post(`/v1/models/${'m'.repeat(2_001)}/predict`, question), 404, 'SX_NOT_FOUND')
  await refused(server, () => server.get(`/v1/predictions/${'m'.repeat(5_000)}`), 404, 'SX_NOT_FOUND')
  await refused(server, () => server.post('/v1/models/e%2Fta/predict', question), 404, 'SX_UNKNOWN_MODEL', 'e/ta')
  await refused(server, () => server.post('/v1/models/__proto__/predict', question), 404, 'SX_UNKNOWN_MODEL')
  await refused(server, () => server.post('/v1/views/constructor/read', question), 404, 'SX_UNKNOWN_VIEW')
  await refused(server, () => server.get('/v1/predictions/..%2F..%2Fetc'), 404, 'SX_UNKNOWN_PREDICTION')
})

test('headers longer than the limit', async () => {
  const answer = lastAnswer(
    await exchange(server.url, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
  )
  expectProblem(answer, 413, 'SX_REQUEST_TOO_LARGE', 'headers')
})

test.each([
  'GARBAGE\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01',
  'GET / HTTP/9.9\r\n\r\n',
  'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n',
])('%j is no HTTP', async (bytes) => {
  expectProblem(lastAnswer(await exchange(server.url, bytes)), 400, 'SX_REQUEST_MALFORMED', 'HTTP')
})

test('garbage behind good requests is never taken for the answer of one of them', async () => {
  const good = requestText('/v1/models/eta/predict', JSON.stringify(question))
  const answers = await exchange(server.url, `${good}${good}GARBAGE GARBAGE\r\n\r\n`)
  const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  expect(statuses.slice(0, 2)).not.toContain('400')
  expect((await server.get('/healthz')).status).toBe(200)
})

test('the clock of a server whose time passes by itself cannot be moved', async () => {
  const other = await service({ clock: { now: () => Date.now(), monotonic: () => performance.now() } })
  const answer = await other.post('/v1/clock', { now: '2030-01-01T00:00:00Z' })
  expectProblem(answer, 404, 'SX_NOT_FOUND', '--clock manual')
  await other.close()
})
test('a clock that is moved is told an instant', async () => {
  const move = (body: unknown) => () => server.post('/v1/clock', body)
  await refused(server, move({}), 400, 'SX_REQUEST_INVALID', "'now' is missing")
  await refused(server, move({ now: 'soon' }), 400, 'SX_REQUEST_INVALID', "'now'", 'soon')
})
