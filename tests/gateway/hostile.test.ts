/** What no client would send: names that reach into prototypes, nests, bombs, trickles, floods. Others are served meanwhile. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exchange, lastAnswer, requestText } from '../http/raw.ts'
import type { Answer, Service } from '../http/service.ts'
import { deliver, question, service } from '../http/service.ts'
import { linear } from '../models/graphs.ts'

let open: Service
beforeAll(async () => {
  open = await service({ limits: { arrivalMs: 3_000 } })
  await deliver(open)
  await open.add('eta', linear([1, 2], 0.5))
})
afterAll(() => open.close())

const takers = [
  '/v1/models/eta/predict',
  '/v1/views/pace/read',
  '/v1/events/deliveries',
  '/v1/outcomes',
  '/v1/models/eta:predict',
  '/v1/models/eta/invocations',
  '/v2/models/eta/infer',
  '/v2/repository/index',
  '/api/2.0/mlflow/runs/search',
]
const refused = ({ status, text }: Answer): void => {
  expect(status, text).toBeGreaterThanOrEqual(400)
  expect(status, text).toBeLessThan(500)
}

describe('prototypes', () => {
  const bad = { polluted: 'yes' }
  const text = JSON.stringify(bad)
  test.each(takers)('members of %s', async (path) => {
    for (const body of [
      `{"__proto__": ${text}}`,
      `{"\\u005f_proto__": ${text}}`,
      `{"keys": {"__proto__": ${text}}, "request": {"km": 1, "__proto__": ${text}}}`,
      `{"constructor": {"prototype": ${text}}}`,
      `{"inputs": {"__proto__": [[1, 2]]}, "instances": [{"__proto__": ${text}}]}`,
      `{"events": [{"__proto__": ${text}}], "outcomes": [{"__proto__": ${text}}]}`,
    ])
      refused(await open.post(path, body))
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']
  test.each(inherited)('%s as a name', async (name) => {
    for (const [path, body] of [
      [`/v1/models/${name}/predict`, question],
      [`/v1/models/${name}:predict`, { instances: [[1, 2]] }],
      [`/v1/models/eta/versions/${name}:predict`, { instances: [[1, 2]] }],
      [`/v1/models/${name}/invocations`, { inputs: [[1, 2]] }],
      [`/invocations?model=${name}`, { inputs: [[1, 2]] }],
      [`/v1/views/${name}/read`, { keys: {} }],
      [`/v1/events/${name}`, { events: [{}] }],
      [`/v1/outcomes`, { id: `${name}.1.00000000`, outcome: { [`${name} `]: 1 } }],
      [`/v2/models/${name}/infer`, { inputs: [] }],
      [`/v2/models/eta/versions/${name}/infer`, { inputs: [] }],
      ['/v1/models/eta:predict', { inputs: `{"${name}": 1}` }],
      ['/v1/models/eta/invocations', { dataframe_split: { columns: [name], data: [[1]] } }],
      ['/v1/models/eta/invocations', { dataframe_split: { columns: ['courier', 'km', name], data: [['ann', 1, 1]] } }],
      ['/v2/models/eta/infer', { inputs: [{ name, shape: [1, 2], datatype: 'FP32', data: [1, 2] }] }],
      ['/v2/models/eta.pipeline/infer', { inputs: [{ name, shape: [1], datatype: 'BYTES', data: ['ann'] }] }],
      ['/v2/models/eta/infer', { inputs: [{ name: 'x', shape: [1, 2], datatype: name, data: [1, 2] }] }],
      [
        '/v2/models/eta/infer',
        { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }], outputs: [{ name }] },
      ],
    ] as const)
      refused(await open.post(path, body))
    refused(await open.post('/v1/models/eta/invocations', `${name},km\n1,2\n`, { 'content-type': 'text/csv' }))
    for (const path of [
      `/v1/models/${name}`,
      `/v1/models/${name}/metadata`,
      `/v2/models/${name}`,
      `/v1/predictions/${name}`,
      `/v1/registry/models/${name}/versions/${name}`,
    ])
      refused(await open.get(path))
    refused(await open.post(takers[0]!, question, { 'content-encoding': name }))
  })
})

test.each(takers)('nests at %s', async (path) => {
  for (const body of [
    '['.repeat(200_000),
    '{"a":'.repeat(100_000),
    `{"keys":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  ]) {
    const answer = await open.post(path, body)
    refused(answer)
    expect(answer.text.length).toBeLessThan(2_000)
    const unpacking = ['/api', '/v1/registry'].some((prefix) => path.startsWith(prefix)) ? [] : [gzipSync(body)]
    for (const packed of unpacking) refused(await open.post(path, packed, { 'content-encoding': 'gzip' }))
  }
})

describe('bombs', () => {
  const zeros = Buffer.alloc(256 * 1024 * 1024)
  const bombs: readonly (readonly [string, Buffer])[] = [
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['br', brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
    // As many members one after another, each small.
    ['gzip', Buffer.concat(Array.from({ length: 100 }, () => gzipSync(zeros.subarray(0, 1024 * 1024))))],
  ]
  test.each(bombs)('%s', async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(2 * 1024 * 1024)
    const paths = takers.filter((path) => !path.startsWith('/api'))
    await open.post(paths[0]!, question)
    const before = process.memoryUsage().rss
    let most = 0
    const look = setInterval(() => (most = Math.max(most, process.memoryUsage().rss - before)), 5)
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => open.post(paths[i % paths.length]!, bomb, { 'content-encoding': encoding })),
    )
    clearInterval(look)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413]))
    // 60 whole ones would be 15 GiB; eight at once, of at most 8 MiB and what zlib takes besides, and the bodies as they came.
    expect(most).toBeLessThan(600 * 1024 * 1024)
    expect((await open.post(paths[0]!, question)).status).toBe(200)
  })
})

describe('on the connection', () => {
  const port = (): number => Number(new URL(open.url).port)
  const dial = async (): Promise<Socket> => {
    const socket = connect(port(), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const timed = async (count: number): Promise<readonly number[]> => {
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const began = performance.now()
      expect((await open.post('/v1/models/eta/predict', question)).status).toBe(200)
      times.push(performance.now() - began)
    }
    return times.sort((a, b) => a - b)
  }

  test('slow heads and slow bodies, a thousand of each: others are served, and they are ended', {
    timeout: 60_000,
  }, async () => {
    const before = process.memoryUsage().rss
    const slow = await Promise.all(Array.from({ length: 2_000 }, dial))
    // A reset is an end too: of a byte that arrives after the server has closed, the answer is one.
    const ended = Promise.all(
      slow.map((socket) => new Promise<void>((resolve) => socket.on('error', () => {}).once('close', () => resolve()))),
    )
    slow.forEach((socket, i) => {
      socket.resume()
      socket.write(
        i % 2 === 0
          ? 'POST /v1/models/eta/predict HTTP/1.1\r\nHost: localhost\r\nX-A: '
          : 'POST /v1/models/eta/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{',
      )
    })
    const trickle = setInterval(() => {
      for (const socket of slow) if (socket.writable) socket.write('a')
    }, 500)
    const began = performance.now()
    const times = await timed(200)
    expect(times[Math.floor(times.length * 0.95)]).toBeLessThan(100)
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024)
    await ended
    clearInterval(trickle)
    // Three seconds are what each has, and they are looked for every second and a half.
    expect(performance.now() - began).toBeLessThan(15_000)
    expect((await open.post('/v1/models/eta/predict', question)).status).toBe(200)
  })

  test('large bodies that stall: no more are let in than memory is kept for, and small ones pass', {
    timeout: 60_000,
  }, async () => {
    const size = 8 * 1024 * 1024
    const head = `POST /v1/events/deliveries HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${size}\r\n\r\n`
    const stalled = await Promise.all(Array.from({ length: 32 }, dial))
    for (const socket of stalled) socket.write(`${head}{`)
    await sleep(300)
    const turned = lastAnswer(await exchange(open.url, `${head}{`))
    expect([turned.status, turned.json.code]).toEqual([503, 'SX_OVERLOADED'])
    expect(turned.headers.get('retry-after')).toBe('1')
    expect((await open.post('/v1/models/eta/predict', question)).status).toBe(200)
    for (const socket of stalled) socket.destroy()
    await sleep(300)
    const events = [{ order: 'big', courier: 'x'.repeat(1_000), delivered: '2024-05-01T11:00:00Z' }]
    expect((await open.post('/v1/events/deliveries', JSON.stringify({ events }) + ' '.repeat(200_000))).status).toBe(
      200,
    )
  })

  test('bodies that do not say how long they are: many small ones pass, and of large ones no more than memory is kept for', {
    timeout: 60_000,
  }, async () => {
    const head = 'Host: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
    const small = await Promise.all(Array.from({ length: 200 }, dial))
    const body = JSON.stringify(question)
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n`
    for (const socket of small) socket.write(`POST /v1/models/eta/predict HTTP/1.1\r\n${head}${chunk}`)
    await sleep(300)
    const answered = small.map(async (socket) => String(((await once(socket, 'data')) as [Buffer])[0]).slice(0, 12))
    for (const socket of small) socket.write('0\r\n\r\n')
    expect(new Set(await Promise.all(answered))).toEqual(new Set(['HTTP/1.1 200']))
    for (const socket of small) socket.destroy()

    // 60 times 7 MiB are more than 32 times 8.
    const large = await Promise.all(Array.from({ length: 60 }, dial))
    let given = 0
    for (const socket of large) socket.once('close', () => given++)
    const megabyte = `100000\r\n${' '.repeat(1024 * 1024)}\r\n`
    for (const socket of large) socket.write(`POST /v1/events/deliveries HTTP/1.1\r\n${head}${megabyte.repeat(7)}`)
    while (given === 0) await sleep(20)
    expect((await open.post('/v1/models/eta/predict', question)).status).toBe(200)
    expect(given).toBeLessThan(60)
    for (const socket of large) socket.destroy()
  })

  test('two thousand requests at once on one connection, each answered in its turn', async () => {
    const socket = await dial()
    let received = ''
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()))
    const wanted = Array.from({ length: 2_000 }, (_, i) => i)
    // Two thousand take longer than one has: the last would be answered by the fallback.
    const patient = 'X-Request-Timeout-Ms: 50000\r\n'
    socket.write(
      wanted
        .map((km) =>
          requestText('/v1/models/eta/predict', JSON.stringify({ keys: { courier: null }, request: { km } }), patient),
        )
        .join(''),
    )
    const answers = (): RegExpMatchArray[] => [...received.matchAll(/"prediction":\{"minutes":([\d.]+)\}/g)]
    while (answers().length < wanted.length) await once(socket, 'data')
    expect(answers().map(([, minutes]) => Number(minutes))).toEqual(wanted.map((km) => 2 * km + 0.5))
    socket.destroy()
  })

  test.each<[string, string, number]>([
    ['a head of 20 KiB', `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 413],
    [
      'ten thousand headers',
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${'some: thing\r\n'.repeat(10_000)}\r\n`,
      413,
    ],
    ['a path of 20 KiB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 413],
    ['two lengths', `${requestText('/v1/outcomes', '{}').replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\n')}`, 400],
    [
      'a length and chunks',
      `POST /v1/outcomes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['no HTTP', '\u0016\u0003\u0001\u0002\u0000\u0001', 400],
  ])('%s', async (_, bytes, status) => {
    expect(lastAnswer(await exchange(open.url, bytes)).status).toBe(status)
    expect((await open.post('/v1/models/eta/predict', question)).status).toBe(200)
  })

  test('a chunk that is longer than any: the connection is ended', async () => {
    const head =
      'POST /v1/outcomes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked'
    expect(await exchange(open.url, `${head}\r\n\r\nffffffffffffffffff\r\n`)).toBe('')
    expect((await open.post('/v1/models/eta/predict', question)).status).toBe(200)
  })

  test('bytes that are no UTF-8', async () => {
    for (const path of takers)
      refused(await open.post(path, Buffer.from('{"keys": {"courier": "\xff\xfe"}}', 'latin1')))
    refused(
      await open.post('/v1/models/eta/invocations', Buffer.from('courier,km\n\xff,1\n', 'latin1'), {
        'content-type': 'text/csv',
      }),
    )
    const raw = lastAnswer(
      await exchange(open.url, 'GET /v1/models/%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    )
    expect(raw.status).toBe(400)
  })
})

test('headers that say nothing that can be meant', async () => {
  for (const [name, value] of [
    ['x-request-timeout-ms', 'soon'],
    ['x-request-timeout-ms', '-1'],
    ['x-request-timeout-ms', '0'],
    ['x-request-timeout-ms', '1e9'],
    ['x-request-timeout-ms', 'NaN'],
    ['x-priority', 'now'],
    ['idempotency-key', 'é'],
  ] as const)
    for (const path of ['/v1/models/eta/predict', '/v1/models/eta:predict', '/v1/models/eta/invocations']) {
      const body = path.endsWith('/predict') ? question : { instances: [[1, 2]] }
      expect((await open.post(path, body, { [name]: value })).status, `${name}: ${value} at ${path}`).toBe(400)
    }
})
