/** Bodies that are no JSON object of the documented form: refused before anything looks into them. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exchange, lastAnswer } from './raw.ts'
import type { Service } from './service.ts'
import { deliver, expectProblem, question, refused, service } from './service.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await deliver(server)
})
afterAll(() => server.close())

const paths = ['/v1/models/eta/predict', '/v1/views/pace/read', '/v1/events/deliveries', '/v1/outcomes']
const everywhere = async (body: string | Uint8Array, ...names: readonly string[]): Promise<void> => {
  for (const path of paths) await refused(server, () => server.post(path, body), 400, 'SX_REQUEST_MALFORMED', ...names)
}

test('empty', () => everywhere('', 'empty'))
test('no body at all', async () => {
  for (const path of paths)
    await refused(server, () => server.get(path, 'POST'), 400, 'SX_REQUEST_MALFORMED', 'no body')
})
test.each(['[1]', '"text"', '7', 'null', 'true'])('%s is no object', (body) => everywhere(body, 'no JSON object'))
test.each(['{', '{"keys":}', "{'keys':1}", '{"keys":{}}}', 'keys=ann', '<keys/>', '{"a":"\n"}'])(
  '%s is no JSON',
  (body) => everywhere(body, 'not JSON'),
)
test('not UTF-8', async () => {
  await everywhere(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'not UTF-8')
  await everywhere(Buffer.from('{"keys":1}', 'utf16le'), 'JSON')
})
test('compressed in a way that is not known', async () => {
  const body = gzipSync(JSON.stringify(question))
  const post = () => server.post(paths[0]!, body, { 'content-encoding': 'compress' })
  await refused(server, post, 415, 'SX_MEDIA_TYPE', 'compress')
})

test('nested ten thousand deep', async () => {
  await everywhere('['.repeat(10_000) + ']'.repeat(10_000), 'deeper than 32')
  await everywhere(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 'deeper than 32')
  await everywhere('['.repeat(10_000), 'deeper than 32')
  // Brackets in a string are text.
  const { status } = await server.post(paths[0]!, { keys: { courier: '[{'.repeat(100) }, request: { km: 1 } })
  expect(status).toBe(200)
})

test('members that reach into prototypes', async () => {
  const names = ['"__proto__"', '"\\u005f_proto__"']
  for (const name of names)
    for (const body of [`{${name}:{"x":1}}`, `{"keys":{${name}:{"courier":"ann"}},"request":{"km":1}}`])
      await everywhere(body, '__proto__')
  await everywhere('{"constructor":{"prototype":{"x":1}}}', 'constructor')
  expect(({} as { readonly x?: unknown }).x).toBeUndefined()
})

test('of members of one name the last counts, as everywhere else in JavaScript', async () => {
  const { json } = await server.post(
    paths[0]!,
    '{"keys":{"courier":"nobody"},"keys":{"courier":"bob","courier":"ann"},"request":{"km":1}}',
  )
  expect(json.prediction).toEqual({ minutes: 20 })
})

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense'])(
  'declared as %s',
  async (type) => {
    for (const path of paths)
      await refused(
        server,
        () => server.post(path, JSON.stringify(question), { 'content-type': type }),
        415,
        'SX_MEDIA_TYPE',
        'application/json',
      )
  },
)
test('with parameters to its type', async () => {
  const { status } = await server.post(paths[0]!, question, { 'content-type': 'Application/JSON; charset=utf-8' })
  expect(status).toBe(200)
})

/** The most that is held while `act` runs, beyond what was held before. */
async function grownBy(act: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 5)
  await act().finally(() => clearInterval(timer))
  return Math.max(most, process.memoryUsage().rss) - before
}
const megabyte = Buffer.alloc(1024 * 1024, 0x20)

test('fifty megabytes are refused when their length is told, and are not held', async () => {
  const head = `POST ${paths[2]} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n`
  const before = await server.state()
  const grown = await grownBy(async () => {
    const told = await exchange(server.url, `${head}Content-Length: ${50 * megabyte.length}\r\n\r\n`, megabyte)
    expectProblem(lastAnswer(told), 413, 'SX_REQUEST_TOO_LARGE', '8388608 bytes')
  })
  expect(grown).toBeLessThan(40 * megabyte.length)
  expect(await server.state()).toEqual(before)
})

test('fifty megabytes whose length is not told are refused when they pass the limit', async () => {
  const head = `POST ${paths[2]} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  const chunk = Buffer.concat([Buffer.from(`${megabyte.length.toString(16)}\r\n`), megabyte, Buffer.from('\r\n')])
  const before = await server.state()
  const chunked = await exchange(
    server.url,
    `${head}Transfer-Encoding: chunked\r\n\r\n`,
    ...new Array<Buffer>(50).fill(chunk),
    '0\r\n\r\n',
  )
  expectProblem(lastAnswer(chunked), 413, 'SX_REQUEST_TOO_LARGE', '8388608 bytes')
  expect(await server.state()).toEqual(before)
  expect((await server.post(paths[0]!, question)).status).toBe(200)
})

test('exactly the limit is read', async () => {
  const body = JSON.stringify(question).padEnd(8 * 1024 * 1024)
  expect((await server.post(paths[0]!, body)).status).toBe(200)
  await refused(server, () => server.post(paths[0]!, `${body} `), 413, 'SX_REQUEST_TOO_LARGE')
})
