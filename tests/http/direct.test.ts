/** Questions that are answered before the routes are looked at: as the routes would, to the byte; and whatever is unusual is theirs. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Caller, Services } from '../../src/api/index.ts'
import { SixfoldError } from '../../src/kernel/errors.ts'
import { answerDirectly } from '../../src/server/direct.ts'
import { rateLimits } from '../../src/server/gateway/rates.ts'
import { infer } from '../../src/server/open-inference/infer.ts'
import { exchange, requestText } from './raw.ts'
import type { Answer, Service } from './service.ts'
import { deliver, question, service } from './service.ts'

const rows = (km: readonly number[]) => ({
  inputs: [
    { name: 'courier', datatype: 'BYTES', shape: [km.length], data: km.map(() => 'ann') },
    { name: 'km', datatype: 'FP64', shape: [km.length], data: km },
  ],
})

describe('the same question both ways', () => {
  let open: Service
  let keyed: { readonly url: string; close(): Promise<void> }
  let key = ''

  const keyFor = async (wanted: object): Promise<string> => (await open.post('/v1/registry/keys', wanted)).json.key

  beforeAll(async () => {
    open = await service()
    await deliver(open)
    await open.add('late', {
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 1] }],
      outputs: [{ name: 'p', type: 'float32', shape: ['n', 1] }],
      nodes: [{ op: 'Sigmoid', inputs: ['x'], outputs: ['p'] }],
    })
    key = await keyFor({ name: 'asker', role: 'editor', models: ['late'] })
    keyed = await open.app.listen({ port: 0, access: 'keys', rate: { perSecond: 0.001, burst: 8 } })
  })
  afterAll(async () => {
    await keyed.close()
    await open.close()
  })

  /** By a type with a charset, the routes are asked. */
  const both = async (path: string, body: unknown, headers = {}, url = open.url): Promise<readonly Answer[]> =>
    Promise.all(
      ['application/json', 'application/json; charset=utf-8'].map(async (type) => {
        const answer = await fetch(url + path, {
          method: 'POST',
          headers: { 'content-type': type, ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        })
        const text = await answer.text()
        return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) }
      }),
    )

  /** The routes end a connection after a body that they could not read, although it was read to its end. */
  const unlike = ['date', 'content-length', 'ratelimit', 'connection', 'keep-alive']
  /** Without what differs between two askings of the same. */
  const alike = ({ status, headers, text }: Answer): object => {
    const named = [...headers.entries()].filter(([name]) => !unlike.includes(name))
    const numbers = (one: string): string =>
      one.replace(/(dur=|"(?:gateway|features|assembly|queue|inference|post|total)":)[\d.e-]+/g, '$1?')
    return {
      status,
      headers: named.map(([name, value]) => [name, numbers(value)]).sort(),
      text: numbers(text)
        .replace(/(late|eta)\.[0-9a-z-]+\.[0-9a-f]{8}/g, 'ID')
        .replace(/in \d+ ms/, ''),
    }
  }

  test.each([
    ['a prediction', '/v1/models/late/predict', question, {}, 200],
    ['of an instant', '/v1/models/late/predict', { ...question, at: '2024-05-01T12:00:00Z' }, {}, 200],
    [
      'with a deadline and a priority',
      '/v1/models/late/predict',
      question,
      { 'x-request-timeout-ms': '500', 'x-priority': 'shadow' },
      200,
    ],
    ['by the fallback', '/v1/models/eta/predict', question, {}, 200],
    ['no JSON', '/v1/models/late/predict', '{"keys":', {}, 400],
    ['no object', '/v1/models/late/predict', '[1]', {}, 400],
    ['a field too many', '/v1/models/late/predict', { ...question, request: { km: 1, miles: 2 } }, {}, 400],
    ['members that reach into prototypes', '/v1/models/late/predict', '{"__proto__":{}}', {}, 400],
    ['a deadline that is none', '/v1/models/late/predict', question, { 'x-request-timeout-ms': 'soon' }, 400],
    ['a priority that is none', '/v1/models/late/predict', question, { 'x-priority': 'first' }, 400],
    ['an instant that is none', '/v1/models/late/predict', { ...question, at: 'noon' }, {}, 400],
    ['a page elsewhere', '/v1/models/late/predict', question, { 'sec-fetch-site': 'cross-site' }, 403],
    [
      'tensors',
      '/v2/models/late/infer',
      { id: 'a', inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 1], data: [0, 1] }] },
      {},
      200,
    ],
    ['rows of the pipeline', '/v2/models/late.pipeline/infer', rows([1, 2]), {}, 200],
    [
      'tensors of another type',
      '/v2/models/late/infer',
      { inputs: [{ name: 'x', datatype: 'FP64', shape: [1, 1], data: [0] }] },
      {},
      400,
    ],
    ['a model without a version', '/v2/models/eta/infer', { inputs: [] }, {}, 404],
    ['no tensors', '/v2/models/late/infer', '{', {}, 400],
  ] as const)('%s', async (_, path, body, headers, status) => {
    const [direct, routed] = await both(path, body, headers)
    expect(direct!.status).toBe(status)
    expect(alike(direct!)).toEqual(alike(routed!))
  })

  test('where keys are needed: none, one for this model, and one for others', async () => {
    const ask = (model: string, headers: object) => both(`/v1/models/${model}/predict`, question, headers, keyed.url)
    const authorization = `Bearer ${key}`
    for (const [model, headers, status] of [
      ['late', {}, 401],
      ['late', { authorization: `${authorization}x` }, 401],
      ['eta', { authorization }, 403],
      ['late', { authorization }, 200],
    ] as const) {
      const [direct, routed] = await ask(model, headers)
      expect({ model, status: direct!.status }).toEqual({ model, status })
      expect(alike(direct!)).toEqual(alike(routed!))
    }
  })

  test('a rate counts both ways, and is said in each answer', async () => {
    const another = await keyFor({ name: 'hasty', role: 'editor', rate: '1/h:3' })
    const answers: Answer[] = []
    for (let i = 0; i < 3; i++)
      answers.push(
        ...(await both('/v1/models/late/predict', question, { authorization: `Bearer ${another}` }, keyed.url)),
      )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(3)
    for (const { status, headers } of answers) {
      expect(headers.get('ratelimit')).toMatch(/^"default";r=\d+;t=\d+$/)
      expect(headers.get('ratelimit-policy')).toMatch(/q=3/)
      expect(headers.has('retry-after')).toBe(status === 429)
    }
  })

  test('a key of idempotency is held to its answer, whichever way it came first', async () => {
    const headers = { 'idempotency-key': 'the-same' }
    const first = await open.post('/v1/models/late/predict', question, headers)
    const again = await open.post('/v1/models/late/predict', question, headers)
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  test('every answer is counted under its route, whichever way it went', async () => {
    const counted = async (status: number): Promise<number> => {
      // The text is made once a second.
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      const { text } = await open.get('/metrics')
      const line = `sixfold_http_requests_total{method="POST",route="/v1/models/:model/predict",status="${status}"}`
      return Number(
        text
          .split('\n')
          .find((one) => one.startsWith(line))
          ?.split(' ')
          .at(-1) ?? 0,
      )
    }
    const [before, refusedBefore] = [await counted(200), await counted(400)]
    await both('/v1/models/late/predict', question)
    await both('/v1/models/late/predict', { keys: {} })
    expect(await counted(200)).toBe(before + 2)
    expect(await counted(400)).toBe(refusedBefore + 2)
  })

  test('several on one connection at once are answered in their order', async () => {
    const [a, b, c] = [1, 2, 3].map((km) =>
      requestText('/v1/models/late/predict', JSON.stringify({ ...question, request: { km } })),
    )
    // The second goes to the routes.
    const between = b!.replace('application/json', 'application/json; charset=utf-8')
    const answers = await exchange(open.url, a! + between + c!.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    const scores = [...answers.matchAll(/"late":([\d.]+)/g)].map((match) => Number(match[1]))
    expect(scores).toHaveLength(3)
    expect(scores).toEqual([...scores].sort())
  })

  test('a body that comes in pieces', async () => {
    const text = requestText('/v1/models/late/predict', JSON.stringify(question), 'Connection: close\r\n')
    const socket = connect(Number(new URL(open.url).port), '127.0.0.1')
    const closed = once(socket, 'close')
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    for (const part of [text.slice(0, -20), text.slice(-20, -10), text.slice(-10)]) {
      socket.write(part)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await closed
    expect(received).toMatch(/^HTTP\/1\.1 200 /)
  })
})

test('of several rows of which one is refused none is predicted', async () => {
  const open = await service()
  try {
    const predictions = async (): Promise<number> =>
      (await open.app.status()).models.find(({ model }) => model === 'late')!.measures.predictions
    // In JSON that is null.
    expect((await open.post('/v2/models/late.pipeline/infer', rows([1, Number.NaN, 3]))).status).toBe(400)
    const instances = [
      { courier: 'ann', km: 1 },
      { courier: 'ann', km: 'far' },
    ]
    expect((await open.post('/v1/models/late:predict', { instances })).status).toBe(400)
    expect(await predictions()).toBe(0)
    expect((await open.post('/v2/models/late.pipeline/infer', rows([1, 2]))).status).toBe(200)
    expect(await predictions()).toBe(2)
  } finally {
    await open.close()
  }
})

describe('the urgency of tensors', () => {
  const asked: unknown[] = []
  const services = {
    inference: {
      infer: async (_: string, __: string | null, { priority }: { readonly priority?: unknown }) => {
        asked.push(priority)
        return { version: '1', outputs: {}, queued: 0, computed: 0 }
      },
    },
  } as unknown as Services
  const detail = { inputs: [], outputs: [] }
  const one = {
    ...{ name: 'late', model: 'late', pipeline: false },
    served: { model: 'late', answering: '1', versions: [{ version: '1', state: 'ready', reason: '', detail }] },
  } as unknown as Parameters<typeof infer>[1]

  test.each([
    [undefined, {}, 'live'],
    ['backfill', {}, 'backfill'],
    ['backfill', { priority: 0 }, 'backfill'],
    ['backfill', { priority: 2 }, 'shadow'],
    [undefined, { priority: 3 }, 'backfill'],
  ] as const)('header %s, parameters %j: %s', async (priority, parameters, wanted) => {
    await infer(
      services,
      one,
      { inputs: {}, outputs: [], parameters },
      { version: null, arrived: 0, timeoutMs: undefined, priority },
    )
    expect(asked.at(-1)).toBe(wanted)
  })
})

describe('what is answered directly', () => {
  let server: Server
  let url = ''
  const passed: string[] = []
  let stopping = false
  let allowed = true

  beforeEach(async () => {
    passed.length = 0
    ;[stopping, allowed] = [false, true]
    server = createServer((request, response) => {
      passed.push(`${request.method} ${request.url}`)
      request.resume().on('end', () => response.end('routes'))
    })
    answerDirectly(
      server,
      [
        {
          ...{ path: '/ask', route: '/:what', needs: { right: 'predict' }, model: 'm' },
          takesType: (type) => type === 'application/json',
          answer: async (body) => {
            if (body.toString() === 'fail') throw new Error('failed')
            return { status: 200, headers: ['x-way', 'direct'], body: `é${body}` }
          },
          refuse: (error) => ({ status: 418, headers: [], body: String(error) }),
        },
      ],
      {
        admit: () => {
          if (!allowed) throw new SixfoldError('SX_FORBIDDEN', 'no')
          return { rate: null, key: null } as Caller
        },
        rates: rateLimits(null),
        requests: { routes: new Map(), counter: () => () => {}, replayed: () => 0 },
        stopping: () => stopping,
      },
    )
    await once(server.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(server.address() as { readonly port: number }).port}`
  })
  afterEach(async () => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  })

  const ask = async (path: string, headers = {}, body: string | ReadableStream = '1', method = 'POST') => {
    const init = { method, headers: { 'content-type': 'application/json', ...headers }, body, duplex: 'half' }
    const answer = await fetch(url + path, init as RequestInit)
    return `${answer.status} ${answer.headers.get('x-way') ?? 'routed'} ${await answer.text()}`
  }

  test('the ordinary form, and its failures', async () => {
    expect(await ask('/ask')).toBe('200 direct é1')
    expect(await ask('/ask', {}, 'fail')).toBe('418 routed Error: failed')
    expect(passed).toEqual([])
  })

  test('everything else goes on, untouched', async () => {
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('1'))
        controller.close()
      },
    })
    for (const [path, headers, body, method] of [
      ['/ask?x=1', {}, '1', 'POST'],
      ['/other', {}, '1', 'POST'],
      ['/ask', { 'content-type': 'text/plain' }, '1', 'POST'],
      ['/ask', { 'content-encoding': 'gzip' }, '1', 'POST'],
      ['/ask', { 'idempotency-key': 'k' }, '1', 'POST'],
      ['/ask', {}, '', 'POST'],
      ['/ask', {}, '1'.repeat(70_000), 'POST'],
      ['/ask', {}, stream, 'POST'],
      ['/ask', {}, '1', 'PUT'],
    ] as const)
      expect(await ask(path, headers, body, method)).toBe('200 routed routes')
    expect(passed).toHaveLength(9)
  })

  test('who is not let in is told by the routes, and so is everybody when the server stops', async () => {
    allowed = false
    expect(await ask('/ask')).toBe('200 routed routes')
    ;[allowed, stopping] = [true, true]
    expect(await ask('/ask')).toBe('200 routed routes')
  })
})
