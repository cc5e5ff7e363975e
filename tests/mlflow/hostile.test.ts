/**
 * What strangers send over MLflow's API, to the built program: damaged models, and bodies and queries of any shape at every route. Each is
 * answered with what is wrong with it; nothing is the server's fault, and predictions go on meanwhile. RUNS says how many times.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mlflowTable } from '../../src/server/mlflow/index.ts'
import { classifier, logistic } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import type { TrackingServer } from './server.ts'
import { trackingServer } from './server.ts'

const runs = process.env['RUNS'] === undefined ? null : Number(process.env['RUNS'])
const seed = Number(process.env['SEED'] ?? Date.now() % 2_147_483_646) || 1
let state = seed
/** The same for the same SEED. */
const next = (below: number): number => {
  state = (state * 48_271) % 2_147_483_647
  return state % below
}
const one = <T>(of: readonly T[]): T => of[next(of.length)]!

let server: TrackingServer
beforeAll(async () => {
  server = await trackingServer()
})
afterAll(() => server.close())

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: for the test to say
  readonly json: any
}
async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(60_000),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? null : JSON.parse(text) }
}
const mlflow = (method: string, path: string, body?: unknown): Promise<Answer> =>
  ask(method, `/api/2.0/mlflow/${path}`, body)
const put = async (path: string, body: string | Uint8Array): Promise<number> =>
  (await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT', body: body as string }))
    .status
const predict = (): Promise<Answer> =>
  ask('POST', '/v1/models/late/predict', { keys: {}, request: { a: 1, b: 1, c: 1, d: 1 } })

/** As the onnx flavour logs it. */
const described = `flavors:
  onnx:
    data: model.onnx
    onnx_version: 1.19.0
    providers: [CPUExecutionProvider]
mlflow_version: 3.17.2
`
async function register(bytes: Uint8Array): Promise<Answer> {
  const { json } = await mlflow('POST', 'logged-models', { experiment_id: '0', name: 'model' })
  const id: string = json.model.info.model_id
  expect(await put(`0/models/${id}/artifacts/MLmodel`, described)).toBe(200)
  expect(await put(`0/models/${id}/artifacts/model.onnx`, bytes)).toBe(200)
  await mlflow('PATCH', `logged-models/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' })
  return mlflow('POST', 'model-versions/create', { name: 'late', source: `models:/${id}`, model_id: id })
}

test('damaged models are refused, or valid; predictions go on', { timeout: 1_200_000 }, async () => {
  const originals = [onnx(logistic([1, -1, 0.5, 0], 0)), onnx(classifier([1, -1, 0.5, 0]))]
  await mlflow('POST', 'registered-models/create', { name: 'late' })
  const good = await register(originals[0]!)
  expect(good.status, JSON.stringify(good.json)).toBe(200)
  const version = good.json.model_version.version as string
  expect((await ask('POST', `/v1/registry/models/late/versions/${version}/validate`, {})).json.passed).toBe(true)
  for (const stage of ['Staging', 'Production'])
    expect((await mlflow('POST', 'model-versions/transition-stage', { name: 'late', version, stage })).status).toBe(200)
  await expect.poll(async () => (await predict()).json.version, { timeout: 10_000 }).toBe(version)

  const variant = (i: number): Buffer => {
    const original = originals[i % originals.length]!
    if (next(3) === 0) return original.subarray(0, next(original.length))
    const flipped = Buffer.from(original)
    for (let n = 1 + next(4); n > 0; n--) flipped[next(flipped.length)]! ^= 1 << next(8)
    return flipped
  }
  const before = (await server.memory()).now
  const began = performance.now()
  let going = true
  const took: number[] = []
  const asking = (async () => {
    while (going) {
      const from = performance.now()
      const { status, json } = await predict()
      took.push(performance.now() - from)
      expect({ status, version: json.version, degraded: json.degraded }).toEqual({ status: 200, version, degraded: [] })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  const outcomes: { [what: string]: number } = {}
  const count = runs ?? 150
  const indices = Array.from({ length: count }, (_, i) => i)
  await Promise.all(
    [0, 1].map(async () => {
      for (let i = indices.shift(); i !== undefined; i = indices.shift()) {
        const { status, json } = await register(variant(i))
        const what = status === 200 ? `registered ${json.model_version.current_stage}` : `${status} ${json.error_code}`
        outcomes[what] = (outcomes[what] ?? 0) + 1
        if (status === 400) expect(json.message.length).toBeLessThan(2_500)
      }
    }),
  )
  going = false
  await asking
  took.sort((a, b) => a - b)
  const after = (await server.memory()).now
  const at = (part: number): string => took[Math.floor((took.length - 1) * part)]!.toFixed(1)
  process.stderr.write(
    `seed ${seed}: ${count} damaged models: ${JSON.stringify(outcomes)} in ${Math.round((performance.now() - began) / 1000)} s; ` +
      `${took.length} predictions meanwhile, ms p50 ${at(0.5)} p99 ${at(0.99)} most ${at(1)}; memory ${before >> 20} to ${after >> 20} MiB\n`,
  )
  expect(
    Object.keys(outcomes).filter((what) => !['registered None', '400 INVALID_PARAMETER_VALUE'].includes(what)),
  ).toEqual([])
  expect(outcomes['400 INVALID_PARAMETER_VALUE']).toBeGreaterThan(count / 3)
  expect(after - before).toBeLessThan(200 * 1024 ** 2)
  expect((await predict()).json.version).toBe(version)
})

describe('bodies and queries of any shape', () => {
  const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const names = [
    'name',
    'new_name',
    'version',
    'stage',
    'alias',
    'key',
    'value',
    'tags',
    'params',
    'metrics',
    'run_id',
    'run_uuid',
    'experiment_id',
    'experiment_ids',
    'experiment_name',
    'artifact_location',
    'filter',
    'order_by',
    'max_results',
    'page_token',
    'source',
    'model_id',
    'run_link',
    'description',
    'step',
    'timestamp',
    'start_time',
    'end_time',
    'status',
    'view_type',
    'run_view_type',
    'metric_key',
    'run_ids',
    'start_step',
    'end_step',
    'datasets',
    'models',
    'model_json',
    'path',
    'archive_existing_versions',
    'expected_version',
    'stages',
    'url',
    'events',
    'entity',
    'action',
    'secret',
    'user_id',
    'run_name',
    'source_run_id',
    'model_type',
    'event',
    'id',
    '__proto__',
    'constructor',
    'toString',
    'dataset',
    'dataset_name',
    'dataset_digest',
    'field_name',
    'ascending',
    'extra',
  ]
  const scalars: readonly (() => unknown)[] = [
    () => null,
    () => true,
    () => '',
    () =>
      one([
        'late',
        '0',
        '1',
        'NaN',
        'Infinity',
        '-Infinity',
        'champion',
        'Production',
        'ACTIVE_ONLY',
        'FINISHED',
        'models:/late/1',
      ]),
    () =>
      one([
        '__proto__',
        'constructor',
        'hasOwnProperty',
        'toString',
        'valueOf',
        '\u0000',
        '\ud800',
        '💥',
        "' OR 1=1 --",
        '%',
        '../..',
        'x'.repeat(70_000),
      ]),
    () =>
      one(['9223372036854775807', '-9223372036854775808', '9223372036854775808', '1e400', '0x10', '1.5', '-0', ' 1 ']),
    () => one([0, -1, 1, 1.5, 1e21, -1e21, 2 ** 53, -(2 ** 53), 2 ** 63, 1e308, 5e-324, 2 ** 31]),
    () =>
      one([
        'runs:/x/y',
        'mlflow-artifacts:/../../etc/passwd',
        'file:///etc/passwd',
        'models:/m-0',
        'models:/late@champion',
        'models:/__proto__/1',
        's3://a/b',
        'http://[::1',
        'dbfs:/x',
        'a'.repeat(5_000),
      ]),
    () =>
      one([
        "name = 'late'",
        'metrics.a > NaN',
        "tags.`a` = 'b'",
        "params.__proto__ = 'x'",
        '((((',
        "name LIKE '%",
        'metrics.x DESC',
        'attributes.start_time ASC',
        "run_id IN ('a','b')",
        'x'.repeat(20_000),
        'metrics."a" > 1e999',
      ]),
  ]
  const anything = (depth: number): unknown => {
    const kind = next(10)
    if (depth === 0 || kind < 6) return one(scalars)()
    if (kind < 8) return Array.from({ length: next(4) }, () => anything(depth - 1))
    return object(depth - 1)
  }
  const object = (depth: number): { [name: string]: unknown } => {
    const made: { [name: string]: unknown } = Object.create(null)
    for (let n = next(7); n > 0; n--) made[one(names)] = anything(depth)
    return made
  }
  /** Names that the route's own handler reads, as often as not: what it does not know it does not look at. */
  const bodyFor = (path: string, known: { readonly [name: string]: unknown }): unknown => {
    const made = object(3)
    for (const [name, value] of Object.entries(known)) if (next(3) > 0) made[name] = value
    if (path.includes('logged-models') && next(2) === 0) made['name'] = one(scalars)()
    return made
  }

  test('never the fault of the server, and never without an answer', { timeout: 1_200_000 }, async () => {
    const { json } = await mlflow('POST', 'runs/create', { experiment_id: '0', start_time: 1 })
    const known = {
      ...{
        name: 'late',
        version: '1',
        run_id: json.run.info.run_id,
        experiment_id: '0',
        experiment_ids: ['0'],
        key: 'k',
        value: 1,
      },
      ...{ timestamp: 1, alias: 'champion', stage: 'None' },
    }
    const failed: string[] = []
    const statuses: { [status: number]: number } = {}
    const times = runs ?? 60
    let slowest = { ms: 0, what: '' }
    for (let i = 0; i < times; i++)
      for (const route of mlflowTable) {
        // Tests send to whatever address they are told.
        if (route.path.endsWith('/test')) continue
        const path = route.path.replace(/:\w+/g, () =>
          encodeURIComponent(String(one(['m-0', '__proto__', '%00', json.run.info.run_id, '..%2f', 'late']))),
        )
        const body = bodyFor(route.path, known)
        const query = new URLSearchParams()
        for (const [name, value] of Object.entries(body as object))
          for (const each of Array.isArray(value) ? value.slice(0, 3) : [value])
            query.append(name, String(typeof each === 'object' ? JSON.stringify(each) : each).slice(0, 2_000))
        const text =
          next(30) === 0
            ? deep(1 + next(5_000))
            : next(30) === 0
              ? one(['', '[]', '"{}"', 'null', '1', '{', '\u0000', '{"a":1e999}', '{"__proto__":{"name":"late"}}'])
              : JSON.stringify(body)
        const from = performance.now()
        const response = await fetch(
          `${server.url}/${next(2) === 0 ? 'api' : 'ajax-api'}/${path}${route.method === 'GET' ? `?${query}` : ''}`,
          {
            method: route.method,
            ...(route.method === 'GET' ? {} : { body: text, headers: { 'content-type': 'application/json' } }),
            signal: AbortSignal.timeout(30_000),
          },
        )
        const answer = await response.text()
        const ms = performance.now() - from
        if (ms > slowest.ms) slowest = { ms, what: `${route.method} ${path}` }
        statuses[response.status] = (statuses[response.status] ?? 0) + 1
        if (response.status >= 500 && response.status !== 501)
          failed.push(
            `seed ${seed}: ${response.status} ${route.method} ${path} ${text.slice(0, 600)} ?${String(query).slice(0, 300)} → ${answer.slice(0, 300)}`,
          )
        else if (response.status >= 400 && typeof JSON.parse(answer).error_code !== 'string')
          failed.push(`no error_code: ${answer}`)
      }
    process.stderr.write(
      `seed ${seed}: ${times} bodies at each of ${mlflowTable.length} routes: ${JSON.stringify(statuses)}; slowest ${slowest.ms.toFixed(0)} ms, ${slowest.what}\n`,
    )
    expect(failed.slice(0, 10)).toEqual([])
    expect(({} as { name?: string }).name).toBeUndefined()
    expect((await predict()).status).toBe(200)
    expect(server.alive()).toBe(true)
  })

  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))
  const pairs = many(50_000).map((key) => ({ key, value: 'x' }))
  test.each([
    ['runs/search', { experiment_ids: many(100_000) }],
    [
      'runs/search',
      {
        experiment_ids: ['0'],
        filter: many(10_000)
          .map((i) => `tags.k${i} = '1'`)
          .join(' and '),
      },
    ],
    [
      'runs/search',
      {
        experiment_ids: ['0'],
        filter: many(60)
          .map((i) => `tags.k${i} = '1'`)
          .join(' and '),
      },
    ],
    ['runs/search', { experiment_ids: ['0'], order_by: many(10_000).map((i) => `tags.k${i}`) }],
    ['logged-models/search', { experiment_ids: many(100_000) }],
    ['experiments/search-datasets', { experiment_ids: many(100_000) }],
    ['experiments/create', { name: 'many tags', tags: pairs }],
    ['runs/create', { experiment_id: '0', tags: pairs }],
    ['logged-models', { experiment_id: '0', tags: pairs, params: pairs }],
    ['registered-models/create', { name: 'many tags', tags: pairs }],
    ['model-versions/create', { name: 'late', source: 's3://bucket/x', tags: pairs }],
  ])('%s with more than anybody means is refused at once', async (path, body) => {
    const began = performance.now()
    const { status, json } = await mlflow('POST', path, body)
    expect({ status, code: json.error_code }).toEqual({ status: 400, code: 'INVALID_PARAMETER_VALUE' })
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})
