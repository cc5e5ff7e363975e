/** GET /metrics: text that Prometheus reads, with figures that move, also while a store does not answer. */
import { expect, test } from 'vitest'
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
    if (type === 'counter') expect(name).toMatch(/_total$/)
    expect(samples.has(name + labels), `${name}${labels} comes twice`).toBe(false)
    samples.set(name + labels, Number(value))
  }
  return samples
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
  expect(before.get('sixfold_predictions_total{model="late",degraded="false"}')).toBe(0)
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
  const says = (name: string): number | undefined => after.get(name)
  expect(says(`sixfold_model_version_info{model="late",version="${version}"}`)).toBe(1)
  expect(says('sixfold_predictions_total{model="late",degraded="false"}')).toBe(3)
  expect(says('sixfold_predictions_total{model="eta",degraded="true"}')).toBe(2)
  expect(says('sixfold_degradations_total{model="eta",reason="inference: no version"}')).toBe(2)
  expect(says('sixfold_predictions_refused_total{model="eta",code="SX_REQUEST_INVALID"}')).toBe(1)
  expect(says('sixfold_log_lag_entries{view="pace"}')).toBe(0)
  expect(says('sixfold_log_entries{topic="events.deliveries"}')).toBeGreaterThan(0)
  const total = says('sixfold_stage_seconds_total{model="late",stage="total"}')!
  expect(total).toBeGreaterThan(0)
  expect(total).toBeLessThan(3)
  expect(says('sixfold_stage_quantile_seconds{model="late",stage="total",quantile="0.99"}')).toBeGreaterThan(0)
  for (const port of ['online', 'metadata'])
    expect([...after.keys()].some((name) => name.startsWith(`sixfold_store_round_trip_seconds{port="${port}",`))).toBe(
      true,
    )
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
      expect(after.get('sixfold_predictions_total{model="eta",degraded="true"}')).toBe(1)
    } finally {
      await server.close()
      await redis.close()
    }
  })
})
