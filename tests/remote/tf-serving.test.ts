/** TensorFlow Serving, by a server that answers in the shapes that its documentation of REST gives. */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAddress } from '../../src/adapters/remote/address.ts'
import { describe, remoteFile } from '../../src/adapters/remote/describe.ts'
import { remoteSession } from '../../src/adapters/remote/session.ts'

const tensorInfo = (dtype: string, ...sizes: readonly number[]): object => ({
  dtype,
  tensor_shape: { dim: sizes.map((size) => ({ size: String(size), name: '' })), unknown_rank: false },
  name: 'serving_default_x:0',
})
const metadataOf = (inputs: object, outputs: object): object => ({
  model_spec: { name: 'half', signature_name: '', version: '123' },
  metadata: {
    signature_def: {
      signature_def: {
        serving_default: { inputs, outputs, method_name: 'tensorflow/serving/predict' },
        __saved_model_init_op: { inputs: {}, outputs: {}, method_name: '' },
      },
    },
  },
})

/** By model: what it says of itself, and what it answers to inputs. */
const models: {
  readonly [name: string]: { readonly metadata: object; readonly answer: (inputs: never) => string }
} = {
  half: {
    metadata: metadataOf({ x: tensorInfo('DT_FLOAT', -1, 2) }, { y: tensorInfo('DT_FLOAT', -1, 1) }),
    // The only output has no name; what is no number is written as it is.
    answer: ({ x }: { x: readonly (readonly number[])[] }) =>
      `{"outputs":[${x.map(([a, b]) => `[${(a! + b!) / 2}]`).join(',')}]}`,
  },
  several: {
    metadata: metadataOf(
      { amount: tensorInfo('DT_DOUBLE', -1), kind: tensorInfo('DT_STRING', -1), seats: tensorInfo('DT_INT64', -1) },
      { label: tensorInfo('DT_STRING', -1), scores: tensorInfo('DT_FLOAT', -1, 2), more: tensorInfo('DT_HALF', -1) },
    ),
    answer: ({
      amount,
      kind,
      seats,
    }: {
      amount: readonly number[]
      kind: readonly string[]
      seats: readonly number[]
    }) =>
      JSON.stringify({
        outputs: {
          label: kind.map((text) => ({ b64: Buffer.from(`${text}!`).toString('base64') })),
          scores: amount.map((value, i) => [value, seats[i]]),
          more: amount,
        },
      }),
  },
}

/** NaN and Infinity are read as its parser reads them. */
const parse = (text: string): { readonly inputs?: never; readonly signature_name?: string } =>
  JSON.parse(
    text.replace(/-?\b(NaN|Infinity)\b/g, (token) =>
      token === 'NaN' ? '"NaN"' : `${token.startsWith('-') ? '-' : ''}1e999`,
    ),
    (_, value) => (value === 'NaN' ? Number.NaN : (value as unknown)),
  )

let server: Server
let url: string
beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const reply = (status: number, body: string): void =>
        void response.writeHead(status, { 'content-type': 'application/json' }).end(body)
      const [, name, version, rest] =
        /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+))?(\/metadata|:predict)?$/.exec(request.url!) ?? []
      const model = models[name ?? '']
      if (model === undefined || (version !== undefined && version !== '123'))
        return reply(404, JSON.stringify({ error: `Servable not found for request: Latest(${name})` }))
      if (rest === '/metadata' && request.method === 'GET') return reply(200, JSON.stringify(model.metadata))
      if (rest !== ':predict' || request.method !== 'POST') return reply(405, '{"error":"Method not allowed"}')
      const asked = parse(text)
      if (asked.signature_name !== 'serving_default' || asked.inputs === undefined)
        return reply(400, '{"error":"Missing \'inputs\' or \'instances\' key"}')
      try {
        return reply(200, model.answer(asked.inputs))
      } catch (error) {
        return reply(400, JSON.stringify({ error: String(error) }))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const fileOf = (path: string) => remoteFile({ url: `tfserving+${url}${path}`, inputs: [], outputs: [] }, [url])

test('what it says of a model is what is written down', async () => {
  expect(await fileOf('/v1/models/half/versions/123')).toEqual({
    ...{ protocol: 'tfserving', url, model: 'half', version: '123', form: 'json', rows: 1_024 },
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1, 1] }],
  })
  const { inputs, outputs } = await fileOf('/v1/models/several')
  expect(inputs.map(({ name, type }) => [name, type])).toEqual([
    ['amount', 'float64'],
    ['kind', 'string'],
    ['seats', 'int64'],
  ])
  expect(outputs.map(({ name, type }) => [name, type])).toEqual([
    ['label', 'string'],
    ['more', 'no tensor'],
    ['scores', 'float32'],
  ])
})

test('a model or a version that it does not have', async () => {
  await expect(fileOf('/v1/models/none')).rejects.toMatchObject({
    code: 'SX_REMOTE_INVALID',
    message: `There is no model 'none' at ${url}.`,
  })
  await expect(fileOf('/v1/models/half/versions/7')).rejects.toMatchObject({ code: 'SX_REMOTE_INVALID' })
})

test('one output comes without its name; what is no number goes and comes as what it is', async () => {
  const session = remoteSession(await fileOf('/v1/models/half'))
  const x = Float32Array.from([
    1,
    2,
    0.5,
    0.25,
    Number.NaN,
    1,
    Number.POSITIVE_INFINITY,
    1,
    1,
    Number.NEGATIVE_INFINITY,
  ])
  const { y } = await session.run({ x: { type: 'float32', shape: [5, 2], data: x } }, ['y'], 1_000)
  expect(y).toEqual({
    type: 'float32',
    shape: [5, 1],
    data: Float32Array.from([1.5, 0.375, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
  })
  await session.close()
})

test('several inputs and outputs of other types, each by name', async () => {
  const session = remoteSession(await fileOf('/v1/models/several'))
  const answer = await session.run(
    {
      amount: { type: 'float64', shape: [2], data: Float64Array.from([1e300, 0.1]) },
      kind: { type: 'string', shape: [2], data: ['a "quoted" é', ''] },
      seats: { type: 'int64', shape: [2], data: BigInt64Array.from([3n, -4n]) },
    },
    ['label', 'scores'],
    1_000,
  )
  expect(answer).toEqual({
    label: { type: 'string', shape: [2], data: ['a "quoted" é!', '!'] },
    scores: { type: 'float32', shape: [2, 2], data: Float32Array.from([Number.POSITIVE_INFINITY, 3, 0.1, -4]) },
  })
  await session.close()
})

test('its errors are told in its words', async () => {
  const session = remoteSession({ ...(await fileOf('/v1/models/half')), model: 'none' })
  const x = { type: 'float32', shape: [1, 2], data: new Float32Array(2) }
  await expect(session.run({ x }, ['y'], 1_000)).rejects.toMatchObject({
    code: 'SX_REMOTE_UNAVAILABLE',
    message: expect.stringContaining('Servable not found for request: Latest(none)'),
  })
  await session.close()
})

test('a path before that of the protocol stays', async () => {
  expect(parseAddress('tfserving+http://proxy:80/tf/v1/models/half')).toMatchObject({
    url: 'http://proxy/tf',
    model: 'half',
  })
  await expect(describe(parseAddress(`tfserving+${url}/tf/v1/models/half`))).rejects.toMatchObject({
    code: 'SX_REMOTE_INVALID',
  })
})
