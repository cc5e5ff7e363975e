/** Rates: by key and by address, said in headers, with what tells whether the server lives let through, and memory bounded. */
import { Client, credentials, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseRate } from '../../src/kernel/rate.ts'
import { buckets } from '../../src/server/gateway/buckets.ts'
import { networkOf } from '../../src/server/gateway/rates.ts'
import { serviceOf } from '../../src/server/grpc/definition.ts'
import { inference } from '../../src/server/grpc/protocol.ts'
import type { Service } from '../http/service.ts'
import { question, service } from '../http/service.ts'

describe('buckets', () => {
  test('as many at once as the burst, then as many as the rate gives', () => {
    const kept = buckets()
    const rate = { perSecond: 10, burst: 3 }
    const took = [0, 0, 0, 0].map((at) => kept.take('a', rate, at))
    expect(took.map(({ allowed }) => allowed)).toEqual([true, true, true, false])
    expect(took.map(({ left }) => left)).toEqual([2, 1, 0, 0])
    expect(took[3]!.waitMs).toBeCloseTo(100)
    expect(kept.take('a', rate, 99).allowed).toBe(false)
    expect(kept.take('a', rate, 100).allowed).toBe(true)
    expect(kept.take('b', rate, 100).allowed).toBe(true)
  })

  test('over a long time never more than the rate and one burst', () => {
    const kept = buckets()
    let allowed = 0
    for (let at = 0; at < 60_000; at += 0.5) if (kept.take('a', { perSecond: 50, burst: 5 }, at).allowed) allowed++
    expect(allowed).toBeGreaterThanOrEqual(3_000)
    expect(allowed).toBeLessThanOrEqual(3_005)
  })

  test('a million addresses take no more memory than the bound', () => {
    const kept = buckets(10_000)
    for (let i = 0; i < 1_000_000; i++) kept.take(`10.${i}`, { perSecond: 1 }, 0)
    expect(kept.size).toBe(10_000)
    expect(kept.take('10.999999', { perSecond: 1 }, 0).allowed).toBe(false)
  })

  test('a network of IPv6 is one', () => {
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0')
    expect(networkOf('2001:db8:0:0:ffff::')).toBe('2001:db8:0:0')
    expect(networkOf('::1')).toBe('0:0:0:0')
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1')
  })

  test.each([
    ['100/s', { perSecond: 100 }],
    ['100/s:500', { perSecond: 100, burst: 500 }],
    ['30/m', { perSecond: 0.5 }],
    ['0/s', null],
    ['1e9/s', null],
    ['5/s:0', null],
    ['', null],
  ])('%s', (text, rate) => expect(parseRate(text)).toEqual(rate))
})

describe('a server', () => {
  let open: Service
  let limited: { readonly url: string; close(): Promise<void> }
  beforeAll(async () => {
    open = await service()
    limited = await open.app.listen({ port: 0, rate: { perSecond: 0.5, burst: 3 } })
  })
  afterAll(async () => {
    await limited.close()
    await open.close()
  })
  const ask = (forwarded = '127.0.0.1'): Promise<Response> =>
    fetch(`${limited.url}/v1/models/late/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': forwarded },
      body: JSON.stringify(question),
    })

  test('answers a burst, then says when to come again', async () => {
    const answers = [await ask(), await ask(), await ask(), await ask()]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
    const refused = answers[3]!
    expect(await refused.json()).toMatchObject({ code: 'SX_RATE_LIMITED', retry: true })
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(refused.headers.get('ratelimit')).toMatch(/^"default";r=0;t=[12]$/)
    expect(answers[0]!.headers.get('ratelimit')).toMatch(/^"default";r=2;t=/)
    expect(answers[0]!.headers.get('ratelimit-policy')).toBe('"default";q=3;w=6')
    for (const path of ['/healthz', '/readyz', '/v2/health/live', '/metrics'])
      expect((await fetch(limited.url + path)).status).toBe(200)
    // On the other port nobody asked for a bound.
    for (let i = 0; i < 5; i++) expect((await open.post('/v1/models/late/predict', question)).status).toBe(200)
  })

  test('a key has its own rate', async () => {
    const keyed = await open.app.listen({ port: 0, rate: { perSecond: 0.001, burst: 1 } })
    try {
      const made = await fetch(`${open.url}/v1/registry/keys`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'shop', role: 'viewer', rate: '1/h:2' }),
      })
      const { key, rate } = (await made.json()) as { key: string; rate: object }
      expect(rate).toEqual({ perSecond: 1 / 3600, burst: 2 })
      const get = async (headers: Record<string, string>): Promise<number> =>
        (await fetch(`${keyed.url}/v1/platform`, { headers })).status
      const own = { authorization: `Bearer ${key}` }
      expect([await get(own), await get(own), await get(own)]).toEqual([200, 200, 429])
      // Whoever has none is known by the address, and is another.
      expect([await get({}), await get({})]).toEqual([200, 429])
    } finally {
      await keyed.close()
    }
  })

  test('what was asked over HTTP counts over gRPC', async () => {
    const both = await open.app.listen({ port: 0, grpcPort: 0, rate: { perSecond: 0.001, burst: 2 } })
    const client = new Client(both.grpc!, credentials.createInsecure())
    const call = (name: string): Promise<number> => {
      const { path, requestSerialize, responseDeserialize } = serviceOf(inference, 'inference.GRPCInferenceService')[
        name
      ]!
      return new Promise((resolve) =>
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error) =>
          resolve(error?.code ?? status.OK),
        ),
      )
    }
    try {
      expect((await fetch(`${both.url}/v1/platform`)).status).toBe(200)
      expect(await call('ServerMetadata')).toBe(status.OK)
      expect(await call('ServerMetadata')).toBe(status.RESOURCE_EXHAUSTED)
      expect((await fetch(`${both.url}/v1/platform`)).status).toBe(429)
      expect(await call('ServerLive')).toBe(status.OK)
    } finally {
      client.close()
      await both.close()
    }
  })

  test.each(['100', 'fast', 5, { perSecond: 1 }])('%j is no rate of a key', async (rate) => {
    const answer = await open.post('/v1/registry/keys', { name: 'shop', role: 'viewer', rate })
    expect([answer.status, answer.json.code]).toEqual([400, 'SX_REQUEST_INVALID'])
  })
})
