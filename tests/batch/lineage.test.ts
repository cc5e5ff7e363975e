/** Lineage of runs: valid by the published schemas of OpenLineage, and told by HTTP without ever breaking a run. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { afterEach, expect, test } from 'vitest'
import { lineageSender } from '../../src/adapters/http/lineage-sender.ts'
import type { PlanDocument, Verdict } from '../../src/batch/documents.ts'
import type { LineageEvent } from '../../src/batch/lineage.ts'
import { lineageOf } from '../../src/batch/lineage.ts'
import type { Batches } from '../../src/batch/service.ts'
import { telling } from '../../src/batch/telling.ts'
import type { Batch } from '../../src/definition/batch.ts'
import { batch, count, entity, model, parquet, query, source, view } from '../../src/index.ts'
import type { BatchRun, Partition } from '../../src/ports/batch-store.ts'
import { newRun, outputOf } from '../../src/testing/batch-store-tools.ts'

const shop = entity('shop', { key: { shop: 'int64' } })
const sales = source('sales', {
  fields: { shop: 'int64', at: 'timestamp', amount: { type: 'float64?', range: [0, 9] } },
  time: 'at',
  history: parquet('s3://lake/sales/*.parquet'),
})
const busy = view('busy', { entity: shop, source: sales, features: () => ({ n: count().over('1d') }) })
const risk = model('risk', {
  inputs: { busy, request: { weight: 'float64' } },
  vector: ({ busy: { n }, request }) => ({ n, weight: request.weight }),
  output: { risk: 'probability', kind: { label: ['a', 'b'] } },
  fallback: () => ({ risk: 0.5, kind: 'a' }),
})
const nightly = batch('nightly', {
  model: risk,
  rows: query('SELECT shop, 1.0 AS weight FROM shops', { shops: parquet('shops.parquet') }),
  decision: ({ output }) => output.risk.gt(0.5),
}) as Batch

const plan: PlanDocument = {
  rows: 20,
  files: [
    { path: 's3://lake/shops/1.parquet', bytes: 9, mark: '"etag"', rows: 20 },
    { path: 'shops.parquet', bytes: 1, mark: '17', rows: 0 },
  ],
  newest: { sales: Date.parse('2026-11-24T19:59:00Z') },
  previous: 2,
  incremental: false,
}
const verdict = (passed: boolean): Verdict => ({
  passed,
  at: 5,
  checks: [
    {
      kind: 'coverage',
      of: null,
      segment: null,
      against: null,
      measure: null,
      outcome: passed ? 'passed' : 'refused',
      value: 0.5,
      bound: 0.99,
      p: null,
      words: 'Half the rows have no answer.',
    },
    {
      kind: 'distance',
      of: 'risk',
      segment: 'shop = 1',
      against: 'previous',
      measure: 'psi',
      outcome: 'not enough data',
      value: null,
      bound: 0.2,
      p: null,
      words: 'Too few.',
    },
  ],
  overlays: [],
  realised: [],
  memory: { distances: null, others: {} },
  override: null,
})
const partitions = [0, 1].map((index) => ({ index, rows: 10, output: outputOf(`${index}`) }) as Partition)
const runIn = (state: BatchRun['state'], more: Partial<BatchRun> = {}): BatchRun => ({
  ...newRun({ batch: 'nightly', model: 'risk', at: Date.parse('2026-11-24T20:00:00Z') }),
  ...{ version: 3, state, plan, verdict: null, cost: null, error: null, artifacts: {} },
  ...{ beganAt: 1_000, updatedAt: 2_000, publishedAt: state === 'published' ? 3_000 : null, retired: false },
  ...more,
})
const told = (run: BatchRun) => lineageOf({ batch: nightly, run, partitions, version: '1.2.3' })

const folder = join(import.meta.dirname, 'openlineage')
const ajv = new Ajv2020({ strict: false, allErrors: true })
;(formats as never as (ajv: Ajv2020) => void)(ajv)
const documents = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as { $id: string })
for (const document of documents) ajv.addSchema(document)

/** The event by the specification, and each facet by the schema that it says it is of. */
function valid(event: LineageEvent): void {
  const check = (schema: string, value: unknown): void => {
    const validate = ajv.getSchema(schema)
    expect(validate, schema).toBeDefined()
    expect(validate!(value) ? [] : validate!.errors, JSON.stringify(value)).toEqual([])
  }
  check(event.schemaURL, event)
  const facets = [event.run, event.job, ...event.inputs, ...event.outputs].flatMap((one) =>
    ['facets', 'outputFacets'].flatMap((name) =>
      Object.values((one[name] ?? {}) as Record<string, { _schemaURL: string }>),
    ),
  )
  expect(facets.length).toBeGreaterThan(5)
  for (const facet of facets) check(facet._schemaURL, facet)
}

test('every event is valid, whatever became of the run', () => {
  const all = [
    ...told(runIn('planning', { plan: null })),
    ...told(runIn('scoring')),
    ...told(runIn('published', { verdict: verdict(true) })),
    ...told(runIn('refused', { verdict: verdict(false) })),
    ...told(runIn('failed', { error: { code: 'SX_ROWS_INVALID', message: 'no "shop"' } })),
    ...told(runIn('cancelled', { engine: 'spark' })),
  ]
  for (const event of all) valid(event)
  expect(all.map(({ eventType }) => eventType)).toEqual([
    'START',
    'START',
    'START',
    'COMPLETE',
    'START',
    'FAIL',
    'START',
    'FAIL',
    'START',
    'ABORT',
  ])
})

test('what is no event is not valid by them', () => {
  const validate = ajv.getSchema('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent')!
  const [event] = told(runIn('scoring'))
  expect(validate({ ...event, run: { runId: 'no uuid' } })).toBe(false)
  expect(validate({ ...event, eventType: 'PUBLISHED' })).toBe(false)
})

test('it says what went in, with its state, and what came out', () => {
  const [, end] = told(runIn('published', { verdict: verdict(true) }))
  expect(end!.eventTime).toBe('1970-01-01T00:00:03.000Z')
  expect(end!.inputs).toMatchObject([
    { namespace: 's3://lake', name: 'shops/1.parquet', facets: { version: { datasetVersion: '"etag"' } } },
    { namespace: 'file', name: 'shops.parquet' },
    {
      namespace: 's3://lake',
      name: 'sales/*.parquet',
      facets: { version: { datasetVersion: '2026-11-24T19:59:00.000Z' } },
    },
    { name: 'model/risk', facets: { version: { datasetVersion: '3' }, sixfold_model: { sha256: newRun().modelFile } } },
  ])
  expect(end!.outputs).toMatchObject([
    {
      namespace: 'sixfold/here',
      name: 'batch/nightly',
      facets: {
        version: { datasetVersion: '3' },
        dataQualityAssertions: { assertions: [{ assertion: 'coverage', success: true }] },
      },
      outputFacets: { outputStatistics: { rowCount: 20, fileCount: 2 } },
    },
  ])
  expect(end!.job).toMatchObject({ facets: { sql: { query: 'SELECT shop, 1.0 AS weight FROM shops' } } })
  const [, refused] = told(runIn('refused', { verdict: verdict(false) }))
  expect(refused!.run).toMatchObject({
    facets: { errorMessage: { message: expect.stringContaining('Half the rows') } },
  })
})

let server: Server | null = null
afterEach(() => new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve))))

async function receiver(
  answer: (n: number) => number,
): Promise<{ url: string; got: { path: string; key: string | undefined; event: LineageEvent }[] }> {
  const got: { path: string; key: string | undefined; event: LineageEvent }[] = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      got.push({ path: request.url!, key: request.headers.authorization, event: JSON.parse(body) as LineageEvent })
      response.writeHead(answer(got.length)).end()
    })
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, got }
}

test('a receiver that is away for a moment is told all the same, in order', async () => {
  const { url, got } = await receiver((n) => (n <= 2 ? 503 : 201))
  const log: string[] = []
  await lineageSender({ url, key: 'secret', log: (_, words) => log.push(words) }).tell(told(runIn('cancelled')))
  expect(got.map(({ event }) => event.eventType)).toEqual(['START', 'START', 'START', 'ABORT'])
  expect(got[0]).toMatchObject({ path: '/api/v1/lineage', key: 'Bearer secret' })
  expect(log).toEqual([])
})

test('one that refuses, or is not there, is said in the log and breaks nothing', async () => {
  const log: string[] = []
  const { url, got } = await receiver(() => 400)
  await lineageSender({ url: `${url}/own`, key: null, log: (_, words) => log.push(words) }).tell(
    told(runIn('cancelled')),
  )
  expect(got).toHaveLength(1)
  expect(got[0]).toMatchObject({ path: '/own', key: undefined })
  await lineageSender({
    url: 'http://127.0.0.1:9',
    key: null,
    patienceMs: 100,
    log: (_, words) => log.push(words),
  }).tell(told(runIn('cancelled')))
  expect(log).toHaveLength(2)
})

test('a run is told of when it begins and when it ends, also with an error', async () => {
  const events: string[] = []
  let run = runIn('planning', { plan: null })
  const to = (state: BatchRun['state']) => async () => {
    run = { ...run, state, verdict: state === 'refused' ? verdict(false) : null }
    return { run } as never
  }
  const failing = async () => {
    await to('failed')()
    throw new Error('broke off')
  }
  const batches = telling(
    {
      lineage: async () => told(run),
      plan: to('scoring'),
      audit: to('refused'),
      run: to('published'),
      resume: failing,
    } as never as Batches,
    { run: async () => run },
    { tell: async (some) => void events.push(...some.map(({ eventType }) => eventType)) },
  )
  await batches.plan(run.id)
  await batches.audit(run.id)
  expect(events.splice(0)).toEqual(['START', 'FAIL'])
  run = runIn('scoring')
  await batches.run(run.id)
  expect(events.splice(0)).toEqual(['START', 'COMPLETE'])
  await expect(batches.resume(run.id)).rejects.toThrow('broke off')
  expect(events).toEqual(['START', 'FAIL'])
})
