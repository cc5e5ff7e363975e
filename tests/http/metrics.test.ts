/** GET /metrics: text that Prometheus reads, with figures that move, also while a store does not answer. */
import { expect, test } from 'vitest'
import { stagesOfTime } from '../../src/inference/index.ts'
import { linear } from '../models/graphs.ts'
import { describeWith, startRedis } from '../services/index.ts'
import type { Service } from './service.ts'
import { deliver, question, service } from './service.ts'

type Samples = ReadonlyMap<string, number>

/**
 * A family is its help, its type and its samples, in this order and once; what a sample is, is checked to the character. Prometheus
 * reads NaN in whatever case.
 */
function parse(text: string): Samples {
  const samples = new Map<string, number>()
  const seen = new Set<string>()
  let [helped, family, type] = ['', '', '']
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.split('\n')) {
    if (line === '') continue
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*$/.exec(line)
    if (help !== null) {
      helped = help[1]!
      expect(seen.has(helped), `${helped} comes twice`).toBe(false)
      seen.add(helped)
      continue
    }
    const typed = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary)$/.exec(line)
    if (typed !== null) {
      ;[, family, type] = typed as unknown as [string, string, string]
      expect(family).toBe(helped)
      continue
    }
    const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`
    const sample = new RegExp(
      String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:${label}(?:,${label})*)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|N[aA][nN]|[+-]Inf)$`,
    ).exec(line)
    expect(sample, `no sample: ${line}`).not.toBeNull()
    const [, name, labels = '', value] = sample!
    const parts = type === 'histogram' ? /^(_bucket|_sum|_count)$/ : type === 'summary' ? /^(|_sum|_count)$/ : /^$/
    expect(name!.startsWith(family) && parts.test(name!.slice(family.length)), `${name} is no part of ${family}`).toBe(
      true,
    )
    // Triton's counters have the names that Triton gave them.
    if (type === 'counter' && !name!.startsWith('nv_')) expect(name).toMatch(/_total$/)
    expect(samples.has(name + labels), `${name}${labels} comes twice`).toBe(false)
    samples.set(name + labels, Number(value))
  }
  expectHistograms(samples)
  return samples
}

/** Buckets never fall as their bound rises, and the last holds all. */
function expectHistograms(samples: Samples): void {
  const last = new Map<string, { readonly bound: number; readonly value: number }>()
  for (const [name, value] of samples) {
    const bucket = /^(\w+)_bucket\{(?:(.*),)?le="([^"]+)"\}$/.exec(name)
    if (bucket === null) continue
    const [, family, labels = '', le] = bucket as unknown as [string, string, string | undefined, string]
    const series = `${family}{${labels}}`
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
    const before = last.get(series) ?? { bound: Number.NEGATIVE_INFINITY, value: 0 }
    expect(bound, name).toBeGreaterThan(before.bound)
    expect(value, name).toBeGreaterThanOrEqual(before.value)
    last.set(series, { bound, value })
  }
  for (const [series, { bound, value }] of last) {
    const part = (of: string): number | undefined => samples.get(series.replace(/\{\}$/, '').replace(/(?=\{)|$/, of))
    expect(bound, series).toBe(Number.POSITIVE_INFINITY)
    expect(part('_count'), series).toBe(value)
    expect(part('_sum'), series).toBeGreaterThanOrEqual(0)
  }
}

async function scrape(server: Pick<Service, 'get'>): Promise<Samples> {
  const { status, headers, text } = await server.get('/metrics')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parse(text)
}

/** A text is made once a second at most. */
const aSecond = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_100))

test('is what Prometheus reads, and moves with what is done', async () => {
  const server = await service()
  const before = await scrape(server)
  expect(before.get('sixfold_queue_rows{model="late"}')).toBe(0)
  expect(before.get('sixfold_predictions_total{model="late",version="none",degraded="false"}')).toBe(0)
  expect(before.get('sixfold_store_up{port="log",technology="files"}')).toBe(1)
  expect(before.get('process_resident_memory_bytes')).toBeGreaterThan(10e6)
  expect(before.has('nodejs_eventloop_lag_seconds')).toBe(true)
  expect([...before.keys()].some((name) => name.includes('version_info{model="late"'))).toBe(false)

  // At once the same text: whoever asks often costs nothing.
  const [one, other] = await Promise.all([server.get('/metrics'), server.get('/metrics')])
  expect(one.text).toBe(other.text)

  const version = await server.add('late', linear([0.1], 0))
  await deliver(server)
  for (let i = 0; i < 3; i++) await server.post('/v1/models/late/predict', question)
  for (let i = 0; i < 2; i++) await server.post('/v1/models/eta/predict', question)
  await server.post('/v1/models/eta/predict', { keys: { courier: 'ann' } })
  await aSecond()
  const after = await scrape(server)
  const of = `model="late",version="${version}"`
  const says = (name: string): number | undefined => after.get(name)
  expect(says(`sixfold_model_version_info{model="late",version="${version}"}`)).toBe(1)
  expect(says(`sixfold_predictions_total{${of},degraded="false"}`)).toBe(3)
  expect(says('sixfold_predictions_total{model="eta",version="none",degraded="true"}')).toBe(2)
  const degradation = 'sixfold_degradations_total{model="eta",stage="inference",by="rule",reason="no version"}'
  expect(says(degradation)).toBe(2)
  expect(says('sixfold_predictions_refused_total{model="eta",code="SX_REQUEST_INVALID"}')).toBe(1)
  expect(says('sixfold_log_lag_entries{view="pace"}')).toBe(0)
  expect(says('sixfold_log_entries{topic="events.deliveries"}')).toBeGreaterThan(0)
  for (const stage of stagesOfTime) {
    const labels = `{${of},stage="${stage}"}`
    expect(says(`sixfold_stage_seconds_count${labels}`)).toBe(3)
    expect(says(`sixfold_stage_seconds_sum${labels}`)).toBeLessThan(3)
  }
  const sum = (stage: string): number => says(`sixfold_stage_seconds_sum{${of},stage="${stage}"}`)!
  const parts = stagesOfTime.filter((stage) => stage !== 'total').reduce((all, stage) => all + sum(stage), 0)
  expect(sum('total')).toBeGreaterThan(0)
  expect(parts).toBeCloseTo(sum('total'), 6)
  expect(says('sixfold_event_loop_utilization')).toBeGreaterThan(0)
  expect(says('sixfold_event_loop_utilization')).toBeLessThanOrEqual(1)
  expect(says('sixfold_budget_seconds{model="late",stage="total"}')).toBe(0.1)
  for (const port of ['online', 'metadata'])
    expect([...after.keys()].some((name) => name.startsWith(`sixfold_store_round_trip_seconds{port="${port}",`))).toBe(
      true,
    )
  await server.close()
})

test('how a version is computed, under our names and under those of Triton', async () => {
  const server = await service()
  const version = await server.add('late', linear([0.1], 0))
  for (let i = 0; i < 5; i++) await server.post('/v1/models/late/predict', question)
  const of = `model="late",version="${version}"`
  const said = await scrape(server)
  const says = (name: string, more = ''): number | undefined => said.get(`${name}{${of}${more}}`)
  expect(says('sixfold_model_requests_total', ',outcome="succeeded"')).toBe(5)
  for (const outcome of ['failed', 'expired', 'full', 'late', 'limit'])
    expect(says('sixfold_model_requests_total', `,outcome="${outcome}"`)).toBe(0)
  expect(says('sixfold_batch_rows_count')).toBe(5)
  expect(says('sixfold_batch_rows_sum')).toBe(5)
  expect(says('sixfold_batch_rows_bucket', ',le="1"')).toBe(5)
  expect(says('sixfold_pending_rows')).toBe(0)
  expect(says('sixfold_workers', ',state="ready"')).toBe(1)
  expect(says('sixfold_model_place_info', ',place="inline"')).toBe(1)
  const released = ['idle', 'busy', 'full'].map((why) => says('sixfold_batches_released_total', `,reason="${why}"`)!)
  expect(released.reduce((sum, count) => sum + count)).toBe(5)

  expect(says('nv_inference_request_success')).toBe(5)
  expect(says('nv_inference_count')).toBe(5)
  expect(says('nv_inference_exec_count')).toBe(5)
  expect(says('nv_inference_request_failure', ',reason="REJECTED"')).toBe(0)
  expect(says('nv_inference_pending_request_count')).toBe(0)
  const [queued, computed] = [says('nv_inference_queue_duration_us')!, says('nv_inference_compute_infer_duration_us')!]
  expect(computed).toBeGreaterThan(0)
  expect(Math.abs(says('nv_inference_request_duration_us')! - queued - computed)).toBeLessThanOrEqual(1)
  await server.close()
})

test('requests are counted by route and status, never by what callers write into a path', async () => {
  const server = await service()
  await server.add('late', linear([0.1], 0))
  await server.post('/v1/models/late/predict', question)
  await server.post('/v1/models/late/predict', { keys: {} })
  const once = { 'idempotency-key': 'one' }
  for (let i = 0; i < 3; i++) await server.post('/v1/models/late/predict', question, once)
  for (let i = 0; i < 20; i++) await server.get(`/no/such/path-${i}`)
  for (let i = 0; i < 20; i++) await server.get(`/v1/predictions/late-${i}`)
  const said = await scrape(server)
  expect(said.get('sixfold_idempotent_replays_total')).toBe(2)
  const counted = [...said].filter(([name]) => name.startsWith('sixfold_http_requests_total'))
  const predict = 'sixfold_http_requests_total{method="POST",route="/v1/models/:model/predict"'
  expect(new Map(counted).get(`${predict},status="200"}`)).toBe(4)
  expect(new Map(counted).get(`${predict},status="400"}`)).toBe(1)
  expect(new Map(counted).get('sixfold_http_requests_total{method="GET",route="none",status="404"}')).toBe(20)
  expect(counted).toHaveLength(4)
  await server.close()
})

describeWith(['redis'], 'with Redis', () => {
  test('while Redis is away, it says what the server knows by itself, soon, and that Redis is away', async () => {
    const redis = await startRedis()
    const server = await service({
      limits: { storePatienceMs: 2_000 },
      stores: {
        online: { technology: 'redis', url: redis.url, username: null, password: null, prefix: 'metrics' },
        log: null,
        metadata: null,
        artifacts: null,
        offline: null,
      },
    })
    try {
      const up = 'sixfold_store_up{port="online",technology="Redis"}'
      const before = await scrape(server)
      expect(before.get(up)).toBe(1)
      expect(before.get('sixfold_store_round_trip_seconds{port="online",technology="Redis"}')).toBeGreaterThan(0)
      await redis.kill()
      await server.post('/v1/models/eta/predict', question)
      let after = before
      for (const end = performance.now() + 40_000; after.get(up) === 1 && performance.now() < end; ) {
        await aSecond()
        const began = performance.now()
        after = await scrape(server)
        expect(performance.now() - began).toBeLessThan(2_000)
      }
      expect(after.get(up)).toBe(0)
      expect(after.has('sixfold_store_round_trip_seconds{port="online",technology="Redis"}')).toBe(false)
      expect(after.get('sixfold_queue_rows{model="eta"}')).toBe(0)
      expect(after.get('sixfold_predictions_total{model="eta",version="none",degraded="true"}')).toBe(1)
    } finally {
      await server.close()
      await redis.close()
    }
  })
})
