/**
 * Ten thousand bodies that are nearly right, at every route that takes one: each is answered, none with a fault of the server's, and what
 * is right is answered as before. SEED repeats a run, RUNS says how many bodies.
 */
import { Agent, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Service } from '../http/service.ts'
import { deliver, question, service } from '../http/service.ts'
import { classifier, linear } from '../models/graphs.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2_147_483_646) || 1
const bodies = Number(process.env['RUNS'] ?? 10_000)

let open: Service
beforeAll(async () => {
  open = await service()
  await deliver(open)
  await open.add('eta', linear([1, 2], 0.5))
  await open.add('vehicle', classifier([1], { labels: ['bike', 'van'] }))
})
afterAll(() => open.close())

/** The same in every run, and another with another seed. */
function random(from: number): (below: number) => number {
  let state = from
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const tensor = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] }
const event = { order: 'f1', courier: 'fay', minutes: 3.5, parcels: 2, delivered: '2024-05-01T11:00:00Z' }
/** What each takes as it is. The clock, keys and what is loaded are left as they are. */
const targets: readonly (readonly [path: string, body: unknown, type?: string])[] = [
  ['/v1/models/eta/predict', { ...question, at: '2024-05-01T12:00:00Z' }],
  ['/v1/models/late/predict', question],
  ['/v1/models/vehicle/predict', { request: { km: 1, load: 2, spare: '9007199254740993' } }],
  ['/v1/views/pace/read', { keys: { courier: 'ann' }, at: null }],
  ['/v1/events/deliveries', { events: [event, { ...event, order: 'f2' }] }],
  ['/v1/outcomes', { id: 'eta.1.00000000', outcome: { minutes: 12 } }],
  ['/v1/outcomes', { outcomes: [{ id: 'vehicle.1.00000000', outcome: { vehicle: 'van' } }] }],
  [
    '/v1/models/eta:predict',
    {
      signature_name: 'serving_default',
      instances: [
        [1, 2],
        [3, 4],
      ],
    },
  ],
  [
    '/v1/models/eta:predict',
    {
      instances: [
        { courier: 'ann', km: 3 },
        { courier: { b64: 'YW5u' }, km: 4 },
      ],
    },
  ],
  ['/v1/models/eta/versions/1:predict', { inputs: { km: [1, 2], mean_1d: [3, 4] } }],
  [
    '/v1/models/eta/invocations',
    {
      dataframe_split: {
        columns: ['courier', 'km'],
        data: [
          ['ann', 3],
          ['bob', 4],
        ],
      },
    },
  ],
  [
    '/v1/models/eta/invocations',
    { dataframe_records: [{ mean_1d: 1, km: 2 }], params: { at: '2024-05-01T12:00:00Z' } },
  ],
  ['/invocations?model=eta', { inputs: { x: [[1, 2]] } }],
  ['/invocations?model=eta', 'courier,km,parcels\nann,3,1\n"bo""b",4,\n', 'text/csv'],
  [
    '/v2/models/eta/infer',
    { id: '7', inputs: [tensor], outputs: [{ name: 'score', parameters: { classification: 1 } }] },
  ],
  ['/v2/models/eta/infer', { inputs: [tensor], parameters: { timeout: 1_000_000, priority: 2 } }],
  [
    '/v2/models/eta.pipeline/infer',
    {
      inputs: [
        { name: 'courier', shape: [1], datatype: 'BYTES', data: ['ann'] },
        { name: 'km', shape: [1, 1], datatype: 'FP64', data: [3] },
      ],
    },
  ],
  ['/v2/repository/index', { ready: true }],
  [
    '/api/2.0/mlflow/runs/search',
    { experiment_ids: ['0'], filter: "metrics.a > 1 AND tags.`b` = 'c'", max_results: 10 },
  ],
  ['/api/2.0/mlflow/registered-models/get-latest-versions', { name: 'eta', stages: ['None'] }],
]

const strange: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1e308, -1e308, 5e-324, 0.1, 2 ** 31, 2 ** 53, 2 ** 64, 1e21],
  ...[
    '',
    ' ',
    'NaN',
    'Infinity',
    '\u0000',
    '\ud800',
    '\u202e',
    'é'.normalize('NFD'),
    '💥'.repeat(50),
    'x'.repeat(9_000),
  ],
  ...[
    '9223372036854775807',
    '-9223372036854775809',
    '2024-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '__proto__',
    "'; drop table x",
  ],
  ...[
    [],
    {},
    [[]],
    [null],
    [{}],
    { toString: 1, valueOf: 1 },
    [{ toString: 1 }],
    { toJSON: 1 },
    // biome-ignore lint/suspicious/noThenProperty: a body that looks like something to wait for
    { then: 1 },
    { b64: '' },
    { b64: '%%%' },
    { length: 1e9 },
    [[[[[[1]]]]]],
    Array.from({ length: 2_000 }, () => 0),
  ],
]
const names = [
  '__proto__x',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  'toJSON',
  '',
  ' ',
  'a.b',
  'keys',
  'x',
  'km',
  '0',
  '💥',
]

/** A value with one place in it changed. */
function changed(value: unknown, next: (below: number) => number): unknown {
  const here = next(3) === 0 || typeof value !== 'object' || value === null
  if (here) {
    const kind = next(6)
    if (kind === 0) return [value]
    if (kind === 1) return { [names[next(names.length)]!]: value }
    if (kind === 2 && typeof value === 'string')
      return value.slice(0, next(value.length + 1)) + String.fromCharCode(next(0x3000))
    if (kind === 3 && typeof value === 'number') return value * [-1, 0.5, 1e10, 1e-10][next(4)]!
    return strange[next(strange.length)]
  }
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])]
    const at = next(list.length + 1)
    const kind = next(4)
    if (kind === 0) list.splice(at, 1)
    else if (kind === 1) list.splice(at, 0, list[next(list.length + 1)] ?? strange[next(strange.length)])
    else list[Math.min(at, Math.max(0, list.length - 1))] = changed(list[at], next)
    return list
  }
  const members = Object.entries(value)
  const [name = 'x', member] = members[next(Math.max(1, members.length))] ?? []
  const { [name]: _, ...rest } = value as { readonly [member: string]: unknown }
  const kind = next(5)
  if (kind === 0) return rest
  if (kind === 1) return { ...value, [names[next(names.length)]!]: strange[next(strange.length)] }
  if (kind === 2) return { ...rest, [names[next(names.length)]!]: member }
  return { ...value, [name]: changed(member, next) }
}

function bodyOf(whole: unknown, next: (below: number) => number): Buffer {
  let value = whole
  if (typeof value !== 'string') for (let i = next(4); i >= 0; i--) value = changed(value, next)
  const bytes = Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
  const kind = next(typeof whole === 'string' ? 2 : 8)
  if (kind !== 0 || bytes.length === 0) return bytes
  // Text that is nearly JSON, or not UTF-8 any more.
  const broken = Buffer.from(bytes)
  const at = next(broken.length)
  if (next(3) === 0) return broken.subarray(0, at)
  broken[at] = next(256)
  return broken
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })
const post = (path: string, type: string, body: Buffer): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': body.length }
    const asked = request(open.url + path, { method: 'POST', headers, agent }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }))
    })
    asked.on('error', reject)
    asked.end(body)
  })

test(`${bodies} bodies`, { timeout: 600_000 }, async () => {
  const next = random(seed)
  const right = async (): Promise<unknown> => (await open.post('/v1/models/eta/predict', question)).json.prediction
  const before = await right()
  const statuses = new Map<number, number>()
  const one = async (i: number, path: string, type: string, body: Buffer): Promise<void> => {
    const { status, text } = await post(path, type, body)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    const said = `SEED=${seed}, body ${i}, ${path}\n${body.toString().slice(0, 1_000)}\n${status} ${text.slice(0, 1_000)}`
    if (![200, 400, 404, 409, 413, 503, 504].includes(status)) expect.fail(said)
    if (text.length > 5_000 && status !== 200) expect.fail(`as long as what was sent: ${said}`)
    if (status !== 200) expect(Object.keys(JSON.parse(text) as object).length, said).toBeGreaterThan(0)
  }
  for (let from = 0; from < bodies; from += 500) {
    const group: Promise<void>[] = []
    for (let i = from; i < Math.min(from + 500, bodies); i++) {
      const [path, whole, type = 'application/json'] = targets[next(targets.length)]!
      group.push(one(i, path, type, bodyOf(whole, next)))
    }
    await Promise.all(group)
  }
  agent.destroy()
  expect(await right()).toEqual(before)
  expect((await open.get('/healthz')).status).toBe(200)
  // Both kinds came: a fuzzer whose bodies are all refused at the door tries nothing behind it.
  expect(statuses.get(200)).toBeGreaterThan(bodies / 20)
  expect(statuses.get(400)).toBeGreaterThan(bodies / 10)
  expect((statuses.get(503) ?? 0) + (statuses.get(504) ?? 0)).toBeLessThan(bodies / 100)
  expect(Object.keys(Object.prototype)).toEqual([])
})
