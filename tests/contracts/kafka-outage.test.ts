/**
 * Kafka that is slow, breaks off, falls silent, or is killed, while entries are appended: what was acknowledged is there once, what was
 * not is there once or not at all, in the order of the appends, and the log that was open goes on by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { kafkaEventLog } from '../../src/adapters/kafka/event-log.ts'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import type { FaultProxy, Service } from '../services/index.ts'
import { describeWith, faultProxy, freePort, startKafka } from '../services/index.ts'

const topic = 'events'

describeWith(['kafka'], 'kafka, while it fails', () => {
  let kafka: Service
  let proxy: FaultProxy
  beforeAll(async () => {
    const port = await freePort()
    proxy = await faultProxy(port)
    kafka = await startKafka({ port, advertisedPort: proxy.port })
  }, 120_000)
  afterAll(async () => {
    await kafka.close()
    await proxy.close()
  })

  let prefixes = 0
  const prefixOf = (): string => {
    prefixes += 1
    return `outage-${prefixes}`
  }
  const opened = (prefix: string, options: { patienceMs?: number; bufferBytes?: number } = {}): Promise<EventLog> =>
    kafkaEventLog({
      ...{ brokers: [`127.0.0.1:${proxy.port}`], prefix, partitions: 2, replication: 1, tls: false, sasl: null },
      ...{ bufferBytes: 4 * 1024 * 1024, patienceMs: 10_000, ...options },
    })

  /** Appends until the body has ended, and compares what the log holds with what was acknowledged. */
  async function appendingWhile(
    name: string,
    body: (log: EventLog) => Promise<void>,
    options: { patienceMs?: number; everyMs?: number } = {},
  ): Promise<{ acknowledged: number; rejected: number; refused: number }> {
    const prefix = prefixOf()
    const log = await opened(prefix, options)
    const acknowledged: number[] = []
    const rejected: number[] = []
    const waiting: Promise<void>[] = []
    let [refused, count, going] = [0, 0, true]
    const appending = (async () => {
      for (; going; count += 1, await sleep(options.everyMs ?? 2)) {
        const number = count
        try {
          const { durable } = log.append(topic, [bytesOf(`${number}a`), bytesOf(`${number}b`)], {
            partition: number % 2,
          })
          const outcome = durable.then(
            () => acknowledged.push(number),
            (error) => {
              expect(isSixfoldError(error) && error.code).toBe('SX_STORE_UNAVAILABLE')
              rejected.push(number)
            },
          )
          waiting.push(outcome.then(() => {}))
        } catch (error) {
          expect(isSixfoldError(error) && error.code).toBe('SX_OVERLOADED')
          refused += 1
        }
      }
    })()
    try {
      await body(log)
      // The same log, which was never opened again, takes and gives entries.
      await log.append(topic, [bytesOf('-1a'), bytesOf('-1b')], { partition: 0 }).durable
    } finally {
      going = false
      await appending
      await Promise.all(waiting)
    }
    await log.close()

    const seen = new Map<number, number>()
    const reader = await opened(prefix)
    for (const partition of [0, 1]) {
      const texts = await whole(reader, partition)
      let latest = -1
      for (let index = 0; index < texts.length; index += 2) {
        const number = Number.parseInt(texts[index]!, 10)
        expect(texts.slice(index, index + 2), 'the entries of one append').toEqual([`${number}a`, `${number}b`])
        seen.set(number, (seen.get(number) ?? 0) + 1)
        if (number < 0) continue
        expect(number, 'the order of the appends').toBeGreaterThan(latest)
        latest = number
      }
    }
    await reader.close()
    const lost = acknowledged.filter((number) => !seen.has(number)).length
    const doubled = [...seen.values()].filter((times) => times > 1).length
    const silently = rejected.filter((number) => seen.has(number)).length
    const counts = {
      appended: count,
      acknowledged: acknowledged.length,
      rejected: rejected.length,
      refused,
      lost,
      doubled,
    }
    process.stdout.write(`kafka, ${name}: ${JSON.stringify({ ...counts, 'rejected and there': silently })}\n`)
    expect(lost, 'acknowledged entries that are gone').toBe(0)
    expect(doubled, 'entries that are there twice').toBe(0)
    return { acknowledged: acknowledged.length, rejected: rejected.length, refused }
  }

  it('takes entries over a slow network', { timeout: 60_000 }, async () => {
    proxy.latency(200)
    const { acknowledged, rejected } = await appendingWhile('a round trip of 400 ms', () => sleep(4_000))
    proxy.heal()
    expect(rejected).toBe(0)
    expect(acknowledged).toBeGreaterThan(500)
  })

  it('stores once what it sent again because the answer was lost', { timeout: 120_000 }, async () => {
    const { rejected } = await appendingWhile('30 connections broken off, at any moment', async () => {
      for (let round = 0; round < 30; round += 1) {
        proxy.latency(20)
        await sleep(100 + ((round * 37) % 90))
        proxy.reset()
        await sleep(50)
        proxy.heal()
      }
    })
    expect(rejected).toBe(0)
  })

  it('goes on after connections that were refused for a while', { timeout: 60_000 }, async () => {
    const { rejected } = await appendingWhile('refused for 4 s', async () => {
      await sleep(500)
      proxy.reset()
      await sleep(4_000)
      proxy.heal()
      await sleep(500)
    })
    expect(rejected).toBe(0)
  })

  it('goes on after connections that fell silent', { timeout: 60_000 }, async () => {
    const { rejected } = await appendingWhile('silent for 5 s', async (log) => {
      await sleep(500)
      proxy.halfOpen()
      await sleep(5_000)
      proxy.heal()
      await sleep(500)
      expect((await log.read(topic, 0, 0, 1)).length).toBe(1)
    })
    expect(rejected).toBe(0)
  })

  it('rejects what waited too long, and goes on after a broker that was killed came back', {
    timeout: 180_000,
  }, async () => {
    const { rejected, refused } = await appendingWhile('killed for 20 s', async (log) => {
      await sleep(1_000)
      await kafka.kill()
      const began = performance.now()
      await expect(log.read(topic, 0, 0, 1)).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
      await expect(log.ends(topic)).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
      await sleep(Math.max(0, 20_000 - (performance.now() - began)))
      await kafka.start()
      for (;;)
        try {
          await log.append(topic, [bytesOf('-2a'), bytesOf('-2b')], { partition: 1 }).durable
          break
        } catch {
          // The broker takes some seconds to be back.
        }
      await sleep(500)
    })
    expect(rejected + refused).toBeGreaterThan(0)
  })

  it('holds no more than its buffer while nothing can be sent', { timeout: 60_000 }, async () => {
    const log = await opened(prefixOf(), { patienceMs: 3_000 })
    await log.append(topic, [bytesOf('before')]).durable
    proxy.reset()
    const before = process.memoryUsage().rss
    let [taken, refused, most] = [0, 0, 0]
    const outcomes: Promise<boolean>[] = []
    for (let round = 0; round < 400; round += 1) {
      for (let index = 0; index < 100; index += 1)
        try {
          const { durable } = log.append(topic, [new Uint8Array(1_000)])
          outcomes.push(
            durable.then(
              () => true,
              () => false,
            ),
          )
          taken += 1
        } catch {
          refused += 1
        }
      most = Math.max(most, process.memoryUsage().rss - before)
      await sleep(10)
    }
    const stored = (await Promise.all(outcomes)).filter(Boolean).length
    process.stdout.write(
      `kafka, 40 MB offered while away: ${JSON.stringify({ taken, refused, stored, grownMB: Math.round(most / 2 ** 20) })}\n`,
    )
    expect(refused).toBeGreaterThan(0)
    expect(stored).toBe(0)
    expect(most).toBeLessThan(128 * 2 ** 20)
    proxy.heal()
    await log.append(topic, [bytesOf('after')]).durable
    await log.close()
  })

  it('closes soon, also where the broker is silent, and tells of what it could not send', {
    timeout: 60_000,
  }, async () => {
    const log = await opened(prefixOf())
    await log.append(topic, [bytesOf('before')]).durable
    const following = await log.follow([topic], 'group', async () => 0)
    await sleep(1_000)
    proxy.halfOpen()
    const { durable } = log.append(topic, [bytesOf('never')])
    const outcome = expect(durable).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
    const began = performance.now()
    await log.close()
    expect(performance.now() - began).toBeLessThan(8_000)
    await outcome
    await following.close()
    proxy.heal()
  })

  it('goes on following after a broker that was killed came back', { timeout: 120_000 }, async () => {
    const log = await opened(prefixOf())
    let taken = 0
    const following = await log.follow([topic], 'group', async (_, partition) => {
      const end = (await log.ends(topic))[partition]!
      taken = Math.max(taken, end)
      return end
    })
    await log.append(topic, [bytesOf('before')], { partition: 0 }).durable
    await expect.poll(() => taken, { timeout: 20_000 }).toBe(1)
    await kafka.kill()
    await sleep(2_000)
    await kafka.start()
    await log.append(topic, [bytesOf('after')], { partition: 0 }).durable
    await expect.poll(() => taken, { timeout: 30_000 }).toBe(2)
    await following.close()
    await log.close()
  })
})

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

async function whole(log: EventLog, partition: number): Promise<string[]> {
  const texts: string[] = []
  for (let from = 0; ; ) {
    const entries = await log.read(topic, partition, from, 1_000)
    if (entries.length === 0) return texts
    for (const { bytes } of entries) texts.push(new TextDecoder().decode(bytes))
    from = entries.at(-1)!.position + 1
  }
}
