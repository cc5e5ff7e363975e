/** Open Inference over HTTP, as bytes on the wire: what clients send, and what they are told. */
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Service } from '../http/service.ts'
import { deliver, question, service } from '../http/service.ts'
import { linear, logistic } from '../models/graphs.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await deliver(server)
  await server.add('eta', linear([1, 2], 3, ['mean_1d', 'km']))
  await server.add('late', logistic([1], 0))
})
afterAll(() => server.close())

const bytesOf = (answer: Response): Promise<Buffer> => answer.arrayBuffer().then((buffer) => Buffer.from(buffer))
const ask = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers,
    ...(body === undefined
      ? {}
      : { body: (Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)) as string }),
  })
const jsonOf = async (path: string, body?: unknown, headers?: Record<string, string>) => {
  const answer = await ask(path, body, headers)
  // biome-ignore lint/suspicious/noExplicitAny: what a stranger's JSON holds is for the test to say
  return { status: answer.status, json: (await answer.json()) as any, headers: answer.headers }
}
const x = (...rows: readonly number[]) => ({ name: 'x', shape: [rows.length, 1], datatype: 'FP32', data: rows })
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))

describe('what there is', () => {
  test('health and the server itself', async () => {
    for (const path of [
      '/v2/health/live',
      '/v2/health/ready',
      '/v2/models/late/ready',
      '/v2/models/late/versions/1/ready',
    ]) {
      const answer = await ask(path)
      expect([path, answer.status, await answer.text()]).toEqual([path, 200, ''])
    }
    const { json } = await jsonOf('/v2')
    expect(json).toMatchObject({ name: 'sixfold', version: expect.stringMatching(/^\d+\./) })
    expect(json.extensions).toContain('binary_tensor_data')
  })

  test('a model as its file has it, and its pipeline', async () => {
    expect((await jsonOf('/v2/models/late')).json).toEqual({
      name: 'late',
      versions: ['1'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
      outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
    })
    expect((await jsonOf('/v2/models/eta.pipeline')).json).toMatchObject({
      platform: 'ensemble',
      inputs: [
        { name: 'courier', datatype: 'BYTES', shape: [-1] },
        { name: 'km', datatype: 'FP64', shape: [-1] },
        { name: 'parcels', datatype: 'INT64', shape: [-1] },
        { name: 'note', datatype: 'BYTES', shape: [-1] },
      ],
      outputs: [
        { name: 'minutes', datatype: 'FP64', shape: [-1] },
        { name: 'prediction_id', datatype: 'BYTES', shape: [-1] },
      ],
    })
    expect((await jsonOf('/v2/models/late/config')).json).toMatchObject({
      name: 'late',
      backend: 'onnxruntime',
      max_batch_size: 1024,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [1] }],
    })
  })

  test('what is unknown or not ready is told as Triton tells it', async () => {
    const told = async (path: string, body?: unknown) => {
      const { status, json } = await jsonOf(path, body)
      return [status, json.error as string]
    }
    expect(await told('/v2/models/nope')).toEqual([
      404,
      expect.stringContaining("Request for unknown model: 'nope' is not found"),
    ])
    expect(await told('/v2/models/nope/ready')).toEqual([404, expect.stringContaining('unknown model')])
    expect(await told('/v2/models/late/versions/9')).toEqual([404, expect.stringContaining('version 9 is not found')])
    expect(await told('/v2/models/late/versions/9/ready')).toEqual([400, expect.stringContaining('not ready')])
    expect(await told('/v2/models/vehicle')).toEqual([404, expect.stringContaining('no available versions')])
    expect(await told('/v2/nothing/here')).toEqual([404, expect.stringContaining('Nothing is at')])
    expect(await told('/v2/trace/setting')).toEqual([501, expect.any(String)])
    expect((await ask('/v2/models/late/infer')).status).toBe(405)
  })

  test('the repository lists all, and loads and unloads for this protocol alone', async () => {
    const list = (await jsonOf('/v2/repository/index', '')).json as { name: string; state?: string }[]
    expect(list).toContainEqual({ name: 'late', version: '1', state: 'READY' })
    expect(list).toContainEqual({ name: 'vehicle' })
    expect((await ask('/v2/repository/models/late/unload', { parameters: { unload_dependents: false } })).status).toBe(
      200,
    )
    expect((await ask('/v2/models/late/ready')).status).toBe(400)
    expect((await jsonOf('/v2/models/late/infer', { inputs: [x(1)] })).status).toBe(404)
    expect(
      (await server.post('/v1/models/late/predict', { keys: question.keys, request: { km: 1 } })).json.degraded,
    ).toEqual([])
    expect((await ask('/v2/repository/models/late/load', {})).status).toBe(200)
    expect((await ask('/v2/models/late/ready')).status).toBe(200)
    expect((await jsonOf('/v2/models/late/infer', { inputs: [x(1)] })).status).toBe(200)
    expect(
      (await jsonOf('/v2/repository/models/late/load', { parameters: { 'file:1/model.onnx': 'AA==' } })).status,
    ).toBe(501)
    const wanted = { parameters: { config: JSON.stringify({ version_policy: { specific: { versions: [7] } } }) } }
    expect((await jsonOf('/v2/repository/models/late/load', wanted)).status).toBe(404)
  })
})

describe('inference', () => {
  test('JSON in and out, flat or nested, with an id', async () => {
    const { status, json } = await jsonOf('/v2/models/late/infer', { id: 'mine', inputs: [x(0, 1, -1)] })
    expect(status).toBe(200)
    expect(json).toEqual({
      id: 'mine',
      model_name: 'late',
      model_version: '1',
      outputs: [
        {
          name: 'probability',
          datatype: 'FP32',
          shape: [3, 1],
          data: [0, 1, -1].map((v) => expect.closeTo(sigmoid(v), 6)),
        },
      ],
    })
    const nested = { inputs: [{ name: 'x', shape: [2, 1], datatype: 'FP32', data: [[0], [1]] }] }
    expect((await jsonOf('/v2/models/late/versions/1/infer', nested)).json.outputs[0].data[1]).toBeCloseTo(
      sigmoid(1),
      6,
    )
  })

  const binary = (rows: readonly number[], extra: object = {}): { body: Buffer; length: number } => {
    const blob = Buffer.from(Float32Array.from(rows).buffer)
    const json = JSON.stringify({
      inputs: [{ name: 'x', shape: [rows.length, 1], datatype: 'FP32', parameters: { binary_data_size: blob.length } }],
      ...extra,
    })
    return { body: Buffer.concat([Buffer.from(json), blob]), length: Buffer.byteLength(json) }
  }
  const read = (body: Buffer, length: number): number[] =>
    Array.from(new Float32Array(Uint8Array.from(body.subarray(length)).buffer))

  test('bytes in and out, without a content type, compressed as one piece', async () => {
    const { body, length } = binary([0, 1], { parameters: { binary_data_output: true } })
    for (const [encoding, packed] of [
      [null, body],
      ['gzip', gzipSync(body)],
      ['deflate', deflateSync(body)],
    ] as const) {
      const answer = await fetch(`${server.url}/v2/models/late/infer`, {
        method: 'POST',
        headers: {
          'inference-header-content-length': String(length),
          ...(encoding === null ? {} : { 'content-encoding': encoding }),
        },
        body: packed as Uint8Array<ArrayBuffer>,
      })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('application/octet-stream')
      const bytes = await bytesOf(answer)
      const head = Number(answer.headers.get('inference-header-content-length'))
      expect(JSON.parse(bytes.subarray(0, head).toString()).outputs).toEqual([
        { name: 'probability', datatype: 'FP32', shape: [2, 1], parameters: { binary_data_size: 8 } },
      ])
      expect(read(bytes, head)).toEqual([0, 1].map((v) => expect.closeTo(sigmoid(v), 6)))
    }
  })

  test('an answer is compressed where that is asked for and of use', async () => {
    const rows = Array.from({ length: 900 }, (_, i) => i / 900)
    const plain = await jsonOf('/v2/models/late/infer', { inputs: [x(...rows)] })
    const answer = await new Promise<{ encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
      import('node:http').then(({ request }) => {
        const sent = request(
          `${server.url}/v2/models/late/infer`,
          { method: 'POST', headers: { 'accept-encoding': 'gzip' } },
          (got) => {
            const parts: Buffer[] = []
            got.on('data', (part: Buffer) => parts.push(part))
            got.on('end', () => resolve({ encoding: got.headers['content-encoding'], bytes: Buffer.concat(parts) }))
          },
        )
        sent.on('error', reject)
        sent.end(JSON.stringify({ inputs: [x(...rows)] }))
      }, reject)
    })
    expect(answer.encoding).toBe('gzip')
    expect(JSON.parse(gunzipSync(answer.bytes).toString())).toEqual(plain.json)
  })

  test('the pipeline: keys and fields as columns, features from here, each row in the log', async () => {
    const { status, json } = await jsonOf('/v2/models/eta.pipeline/infer', {
      inputs: [
        { name: 'courier', shape: [2], datatype: 'BYTES', data: ['ann', 'nobody'] },
        { name: 'km', shape: [2, 1], datatype: 'FP64', data: [3.5, 1] },
      ],
    })
    expect(status).toBe(200)
    const [minutes, ids] = json.outputs
    const { json: same } = await server.post('/v1/models/eta/predict', {
      keys: { courier: 'ann' },
      request: { km: 3.5 },
    })
    expect(minutes).toMatchObject({ name: 'minutes', datatype: 'FP64', shape: [2] })
    expect(minutes.data[0]).toBeCloseTo(same.prediction.minutes, 9)
    const { json: explained } = await server.get(`/v1/predictions/${ids.data[1]}`)
    expect(explained).toMatchObject({ keys: { courier: 'nobody' }, request: { km: 1 } })
  })

  test('a pipeline without a version answers by its fallback, and says so', async () => {
    const { json } = await jsonOf('/v2/models/vehicle.pipeline/infer', {
      inputs: [
        { name: 'km', shape: [1], datatype: 'FP64', data: [9] },
        { name: 'load', shape: [1], datatype: 'INT64', data: [1] },
        { name: 'spare', shape: [1], datatype: 'INT64', data: ['1'] },
      ],
    })
    expect(json.outputs[0].data).toEqual(['van'])
    expect(json.parameters).toMatchObject({ degraded: true, fallback: 'rule', reason: 'no version' })
  })

  test('classification', async () => {
    const { json } = await jsonOf('/v2/models/late/infer', {
      inputs: [x(0)],
      outputs: [{ name: 'probability', parameters: { classification: 3 } }],
    })
    expect(json.outputs).toEqual([{ name: 'probability', datatype: 'BYTES', shape: [1, 1], data: ['0.500000:0'] }])
  })

  test('statistics count rows and calls', async () => {
    const before = (await jsonOf('/v2/models/late/stats')).json.model_stats[0]
    await jsonOf('/v2/models/late/infer', { inputs: [x(1, 2, 3, 4, 5)] })
    const after = (await jsonOf('/v2/models/late/stats')).json.model_stats[0]
    expect(after.inference_count - before.inference_count).toBe(5)
    expect(after.execution_count - before.execution_count).toBe(1)
    expect(after.inference_stats.success.count - before.inference_stats.success.count).toBe(1)
    expect((await jsonOf('/v2/models/stats')).json.model_stats.length).toBeGreaterThan(3)
  })
})

test('what is wrong is a 400 that names it', async () => {
  const wrong: readonly (readonly [body: unknown, says: string, headers?: Record<string, string>])[] = [
    ['{', 'not JSON'],
    ['', 'empty'],
    ['[]', 'no JSON object'],
    [{}, "'inputs' is missing"],
    [{ inputs: [] }, "input 'x' of model 'late' is missing"],
    [{ inputs: [{ ...x(1), name: 'y' }] }, "unexpected inference input 'y' for model 'late'"],
    [{ inputs: [{ ...x(1), datatype: 'FP64' }] }, "data-type is 'float64', but model 'late' expects 'float32'"],
    [{ inputs: [{ ...x(1), datatype: 'FP33' }] }, "the datatype 'FP33'"],
    [{ inputs: [{ ...x(1, 2), shape: [1, 2] }] }, 'Expected [-1,1], got [1,2]'],
    [{ inputs: [{ ...x(1), shape: [2, 1] }] }, 'has 1 elements, its shape says 2'],
    [{ inputs: [{ ...x(1), shape: [1e9, 1e9] }] }, 'more elements than can be counted'],
    [{ inputs: [{ ...x(1), shape: [-1, 1] }] }, 'which is none'],
    [{ inputs: [{ ...x(1), data: ['one'] }] }, 'is no FP32'],
    [{ inputs: [{ ...x(1), data: undefined }] }, 'has no data'],
    [{ inputs: [x(1), x(1)] }, 'is there twice'],
    [{ inputs: [x(...new Array(1025).fill(0))] }, 'batch-size must be <= 1024'],
    [{ inputs: [{ ...x(), shape: [0, 1] }] }, 'has no rows'],
    [{ inputs: [x(1)], outputs: [{ name: 'z' }] }, "unexpected inference output 'z'"],
    [{ inputs: [x(1)], parameters: { timeout: 'soon' } }, "the parameter 'timeout'"],
    [{ inputs: [{ ...x(1), data: undefined, parameters: { binary_data_size: 4 } }] }, 'and 0 are left'],
    [{ inputs: [{ ...x(1), parameters: { binary_data_size: 0 } }] }, 'not both'],
    [
      JSON.stringify({ inputs: [x(1)] }),
      'The header inference-header-content-length',
      { 'inference-header-content-length': '9999' },
    ],
    [JSON.stringify({ inputs: [x(1)] }), 'not JSON', { 'inference-header-content-length': '3' }],
    ['not packed', 'is not gzip', { 'content-encoding': 'gzip' }],
    [{ inputs: [{ ...x(1), name: '__proto__' }] }, 'unexpected inference input'],
  ]
  for (const [body, says, headers] of wrong) {
    const { status, json } = await jsonOf('/v2/models/late/infer', body, headers)
    expect([status, json.error]).toEqual([400, expect.stringContaining(says)])
  }
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  expect((await ask('/v2/models/late/infer', bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
})
