/**
 * Ten thousand inferences with bytes after their JSON that are nearly right: cut off, compressed and then cut off, with headers, sizes,
 * shapes and lengths that lie. Each is answered, none with a fault of the server's, and memory stays what it was. SEED repeats a run, RUNS
 * says how many.
 */
import { Agent, request } from 'node:http'
import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Service } from '../http/service.ts'
import { service } from '../http/service.ts'
import { linear } from '../models/graphs.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2_147_483_646) || 1
const runs = Number(process.env['RUNS'] ?? 10_000)

let server: Service
beforeAll(async () => {
  server = await service()
  await server.add('eta', linear([1, 2], 3))
})
afterAll(() => server.close())

let state = seed
const next = (below: number): number => {
  state = (state * 48_271) % 2_147_483_647
  return state % below
}
const pick = <T>(list: readonly T[]): T => list[next(list.length)]!
const sometimes = <T>(usual: T, ...others: readonly T[]): T => (next(6) === 0 ? pick(others) : usual)

interface Asked {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const texts = (...given: readonly string[]): Buffer =>
  Buffer.concat(
    given.flatMap((text) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(sometimes(Buffer.byteLength(text), 0, 1, 2 ** 31, 2 ** 32 - 1))
      return [length, Buffer.from(text)]
    }),
  )
const sizes = [-1, 0, 1, 1.5, 3, 1e9, 2 ** 53, 1e300, '8', null, [], {}] as const
const huge = [[], [-1, 2], [0, 2], [2 ** 31, 2 ** 31], [1e15, 0], [2, 1], [1e9], new Array(200).fill(1), 'two', null]

function made(): Asked {
  const rows = 1 + next(4)
  const pipeline = next(3) === 0
  const blobs = pipeline
    ? [texts(...Array.from({ length: rows }, (_, i) => pick(['ann', '', 'é💥', `c${i}`]))), Buffer.alloc(8 * rows, 1)]
    : [Buffer.from(Float32Array.from({ length: rows * 2 }, () => next(100)).buffer)]
  const heads = pipeline
    ? [
        { name: 'courier', datatype: 'BYTES', shape: [rows] as unknown },
        { name: 'km', datatype: 'FP64', shape: [rows, 1] },
      ]
    : [{ name: 'x', datatype: 'FP32', shape: [rows, 2] as unknown }]
  const inputs = heads.map((head, i) => ({
    ...head,
    datatype: sometimes(head.datatype, 'BYTES', 'FP16', 'UINT64', 'BOOL', 'BF16', '', '__proto__'),
    shape: sometimes<unknown>(head.shape, ...huge),
    parameters: sometimes<unknown>({ binary_data_size: sometimes<unknown>(blobs[i]!.length, ...sizes) }, null, [], 7),
    ...(next(30) === 0 ? { data: [1, 2] } : {}),
  }))
  const json = Buffer.from(
    sometimes(
      JSON.stringify({
        inputs,
        ...(next(2) === 0
          ? { parameters: { binary_data_output: true, timeout: sometimes<unknown>(0, 1, -1, 'x', {}) } }
          : {}),
        ...(next(4) === 0
          ? { outputs: [{ name: 'score', parameters: { classification: pick([1, 9, 1e9, -1]) } }] }
          : {}),
      }),
      '['.repeat(1 + next(5_000)),
      '{"inputs":',
      '',
    ),
  )
  let body = Buffer.concat([json, ...blobs])
  if (next(8) === 0) body = body.subarray(0, next(body.length + 1))
  if (next(8) === 0 && body.length > 0) body[next(body.length)] = next(256)
  if (next(20) === 0) body = Buffer.concat([body, Buffer.alloc(1 + next(1_000))])
  const headers: Record<string, string> = {}
  if (next(12) !== 0)
    headers['inference-header-content-length'] = sometimes(
      String(json.length),
      ...[
        '0',
        '-1',
        '1e3',
        '',
        'NaN',
        '99999999999',
        '0x10',
        String(body.length),
        String(Math.max(0, json.length - 1)),
      ],
    )
  const encoding = sometimes<string | null>(null, 'gzip', 'deflate', 'br', 'zstd', 'gzip, gzip')
  if (encoding !== null) {
    headers['content-encoding'] = encoding
    if (next(3) !== 0) body = encoding === 'deflate' ? deflateSync(body) : gzipSync(body)
    if (next(3) === 0) body = body.subarray(0, next(body.length + 1))
  }
  return { path: `/v2/models/${pipeline ? 'eta.pipeline' : 'eta'}/infer`, headers, body }
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })
const post = ({ path, headers, body }: Asked): Promise<{ readonly status: number; readonly bytes: Buffer }> =>
  new Promise((resolve, reject) => {
    const asked = request(server.url + path, { method: 'POST', headers, agent }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, bytes: Buffer.concat(parts) }))
    })
    asked.on('error', reject)
    asked.setTimeout(20_000, () => asked.destroy(new Error('No answer within 20 s.')))
    asked.end(body)
  })

const right: Asked = (() => {
  const json = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]}'
  const body = Buffer.concat([Buffer.from(json), Buffer.from(Float32Array.of(5, 7).buffer)])
  return { path: '/v2/models/eta/infer', headers: { 'inference-header-content-length': String(json.length) }, body }
})()

test(`${runs} inferences`, { timeout: 600_000 }, async () => {
  const before = (await post(right)).bytes.toString()
  expect(before).toContain('"data":[22]')
  const memory = process.memoryUsage().rss
  const statuses = new Map<number, number>()
  for (let from = 0; from < runs; from += 100) {
    const group = Array.from({ length: Math.min(100, runs - from) }, (_, i) => ({ i: from + i, asked: made() }))
    await Promise.all(
      group.map(async ({ i, asked }) => {
        const said = `SEED=${seed}, inference ${i}, ${JSON.stringify(asked.headers)} ${asked.body.toString('latin1').slice(0, 500)}`
        const { status, bytes } = await post(asked).catch((error: Error) => expect.fail(`${error.message} ${said}`))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status === 200) return
        // Of some a microsecond is all the time they are given.
        expect([400, 415, 503, 504], `${status} ${bytes} ${said}`).toContain(status)
        expect(Object.keys(JSON.parse(bytes.toString()) as object), said).toEqual(['error'])
        expect(bytes.length, said).toBeLessThan(3_000)
      }),
    )
  }
  agent.destroy()
  expect((await post({ ...right, headers: { ...right.headers, connection: 'close' } })).bytes.toString()).toBe(before)
  expect(statuses.get(200)).toBeGreaterThan(runs / 20)
  expect(statuses.get(400)).toBeGreaterThan(runs / 5)
  expect((statuses.get(503) ?? 0) + (statuses.get(504) ?? 0)).toBeLessThan(runs / 20)
  expect(process.memoryUsage().rss - memory).toBeLessThan(500 * 1024 * 1024)
})
