/**
 * PostgreSQL goes away in the midst of appends and changes, and comes back: slow, broken off, silent, killed. What was acknowledged is
 * there, once; nobody opens anything again; memory stays bounded. Each test prints what it counted.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { lockOf } from '../../src/adapters/postgres/connection.ts'
import { postgresEventLog } from '../../src/adapters/postgres/event-log.ts'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import type { FaultProxy, Service } from '../services/index.ts'
import { describeWith, faultProxy, startPostgres } from '../services/index.ts'
import { addVersion, versionsOf } from './versions.ts'

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error)
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Appends and adds versions, each as fast as the answers come, until it is stopped. */
function work(log: EventLog, metadata: MetadataStore) {
  const appended = { acknowledged: new Set<string>(), rejected: [] as string[], refused: 0 }
  const added = { acknowledged: new Map<string, number>(), rejected: [] as string[] }
  const open = new Set<Promise<void>>()
  let stopped = false
  let largest = 0
  const appending = (async () => {
    for (let index = 0; !stopped; index += 1) {
      const name = `entry-${index}`
      try {
        const { durable } = log.append('events', [bytesOf(name), bytesOf(`${name}+`)])
        const one: Promise<void> = durable
          .then(
            () => void appended.acknowledged.add(name),
            (error: unknown) => void appended.rejected.push(codeOf(error)),
          )
          .finally(() => open.delete(one))
        open.add(one)
        largest = Math.max(largest, open.size)
      } catch (error) {
        expect(codeOf(error)).toBe('SX_OVERLOADED')
        appended.refused += 1
      }
      await sleep(2)
    }
    await Promise.all(open)
  })()
  const adding = (async () => {
    for (let index = 0; !stopped; index += 1) {
      const artifact = `file-${index}`
      await addVersion(metadata, artifact, index).then(
        (version) => void added.acknowledged.set(artifact, version),
        (error: unknown) => void added.rejected.push(codeOf(error)),
      )
      await sleep(5)
    }
  })()
  return {
    appended,
    added,
    get largest() {
      return largest
    },
    stop: async (): Promise<void> => {
      stopped = true
      await Promise.all([appending, adding])
    },
  }
}

/** Counts what is there against what was acknowledged. */
async function count(name: string, log: EventLog, metadata: MetadataStore, done: ReturnType<typeof work>) {
  const entries: string[] = []
  for (let from = 0; ; ) {
    const some = await log.read('events', 0, from, 500)
    if (some.length === 0) break
    for (const { position, bytes } of some) {
      expect(position).toBe(from)
      entries.push(new TextDecoder().decode(bytes))
      from += 1
    }
  }
  const versions = await versionsOf(metadata)
  const { appended, added } = done
  const there = new Set(entries)
  const artifacts = new Set(versions.map(({ manifest }) => manifest))
  const counts = {
    outage: name,
    appends: appended.acknowledged.size,
    rejected: appended.rejected.length,
    refused: appended.refused,
    lost: [...appended.acknowledged].filter((entry) => !there.has(entry)).length,
    doubled: entries.length - there.size,
    'out of order': entries.filter((entry, index) => index % 2 === 1 && entry !== `${entries[index - 1]}+`).length,
    versions: added.acknowledged.size,
    'versions rejected': added.rejected.length,
    'versions lost': [...added.acknowledged].filter(
      ([artifact, version]) => versions.find(({ manifest }) => manifest === artifact)?.version !== version,
    ).length,
    'versions doubled': versions.length - artifacts.size,
    'most appends waiting': done.largest,
  }
  process.stdout.write(`${JSON.stringify(counts)}\n`)
  expect(counts).toMatchObject({ lost: 0, doubled: 0, 'out of order': 0, 'versions lost': 0, 'versions doubled': 0 })
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => versions.length - index))
  for (const code of [...appended.rejected, ...added.rejected]) expect(code).toBe('SX_STORE_UNAVAILABLE')
  return counts
}

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  let proxy: FaultProxy
  let schemas = 0
  beforeAll(async () => {
    service = await startPostgres()
  })
  beforeEach(async () => {
    proxy = await faultProxy(service.port)
  })
  afterAll(() => service.close())

  async function opened({ patienceMs = 10_000, bufferBytes = 16 * 1024 * 1024 } = {}) {
    schemas += 1
    const options = { password: null, schema: `outage_${schemas}`, patienceMs }
    const url = service.url.replace(String(service.port), String(proxy.port))
    const log = await postgresEventLog({ ...options, url, bufferBytes })
    const metadata = await postgresMetadataStore({ ...options, url })
    onTestFinished(async () => {
      await Promise.all([log.close(), metadata.close()])
      await proxy.close()
    })
    return { log, metadata }
  }
  /** Works for a second, lets the fault be, and works on for a second after it. */
  async function outage(name: string, fault: () => Promise<unknown>, options = {}) {
    const { log, metadata } = await opened(options)
    const working = work(log, metadata)
    await sleep(1_000)
    const before = working.appended.acknowledged.size
    expect(before).toBeGreaterThan(0)
    await fault()
    const back = performance.now()
    const [appends, versions] = [working.appended.acknowledged.size, working.added.acknowledged.size]
    while (working.appended.acknowledged.size === appends || working.added.acknowledged.size === versions) {
      expect(performance.now() - back, 'the time until it works again').toBeLessThan(12_000)
      await sleep(10)
    }
    const recoveredMs = Math.round(performance.now() - back)
    await sleep(1_000)
    await working.stop()
    const counts = await count(`${name}, worked again after ${recoveredMs} ms`, log, metadata, working)
    return { counts, recoveredMs }
  }

  it('is slow', async () => {
    const { counts } = await outage('200 ms each way for 4 s', async () => {
      proxy.latency(200)
      await sleep(4_000)
      proxy.heal()
    })
    expect([counts.rejected, counts['versions rejected']]).toEqual([0, 0])
  })

  it('breaks connections off, and refuses new ones', async () => {
    const { counts } = await outage('reset for 3 s', async () => {
      proxy.reset()
      await sleep(3_000)
      proxy.heal()
    })
    expect([counts.rejected, counts['versions rejected']]).toEqual([0, 0])
  })

  it('breaks connections off again and again, wherever they are', async () => {
    const { counts } = await outage('40 resets', async () => {
      for (let round = 0; round < 40; round += 1) {
        proxy.reset()
        await sleep(Math.random() * 10)
        proxy.heal()
        await sleep(20 + Math.random() * 80)
      }
    })
    expect([counts.rejected, counts['versions rejected']]).toEqual([0, 0])
  })

  it('breaks a connection off after the commit, before the answer', async () => {
    const { log, metadata } = await opened()
    const direct = { url: service.url, password: null, schema: `outage_${schemas}`, patienceMs: 10_000 }
    const seen = {
      log: await postgresEventLog({ ...direct, bufferBytes: 1024 }),
      metadata: await postgresMetadataStore(direct),
    }
    onTestFinished(async () => {
      await Promise.all([seen.log.close(), seen.metadata.close()])
    })
    const breakOff = async (committed: () => Promise<boolean>): Promise<void> => {
      while (!(await committed())) await sleep(2)
      proxy.reset()
      await sleep(20)
      proxy.heal()
    }
    for (let round = 0; round < 3; round += 1) {
      proxy.latency(100)
      const { durable, reference } = log.append('events', [bytesOf(`${round}`), bytesOf('beside')])
      await breakOff(async () => (await seen.log.ends('events'))[0] === round * 2 + 2)
      await durable
      expect((await log.lookup('events', reference))?.position).toBe(round * 2)
      proxy.latency(100)
      const added = addVersion(metadata, `file-${round}`, round)
      await breakOff(async () => (await versionsOf(seen.metadata)).length === round + 1)
      expect(await added).toBe(round + 1)
      proxy.latency(100)
      const applied = metadata.apply({ hash: `${round}`, definitions: [] }, round)
      await breakOff(async () => (await seen.metadata.history(99)).length === round + 1)
      expect(await applied).toEqual({ hash: `${round}`, definitions: [], at: round })
    }
    expect(await log.ends('events')).toEqual([6])
    expect([(await versionsOf(metadata)).length, (await metadata.history(99)).length]).toEqual([3, 3])
  })

  it('falls silent with its connections open', async () => {
    const { recoveredMs } = await outage('half-open for 4 s', async () => {
      proxy.halfOpen()
      await sleep(4_000)
      proxy.heal()
    })
    expect(recoveredMs).toBeLessThan(9_000)
  })

  it('is killed, and started again after 3 s', async () => {
    const { counts } = await outage('killed', async () => {
      await service.kill()
      await sleep(3_000)
      await service.start()
    })
    expect([counts.rejected, counts['versions rejected']]).toEqual([0, 0])
  })

  it('is stopped in order, and started again', async () => {
    await outage('stopped', async () => {
      await service.stop()
      await sleep(1_000)
      await service.start()
    })
  })

  it('is away for longer than the patience: what waits is bounded, and rejected', async () => {
    const bufferBytes = 32 * 1024
    const { counts } = await outage(
      'reset for 5 s, with a patience of 2 s and room for 32 kB',
      async () => {
        proxy.reset()
        await sleep(5_000)
        proxy.heal()
      },
      { patienceMs: 2_000, bufferBytes },
    )
    expect(counts.rejected).toBeGreaterThan(0)
    expect(counts.refused).toBeGreaterThan(0)
    expect(counts['versions rejected']).toBeGreaterThan(0)
    expect(counts['most appends waiting'] * 256).toBeLessThanOrEqual(bufferBytes)
  })

  it('gives reads up within the patience, and serves them again', async () => {
    const { log, metadata } = await opened({ patienceMs: 1_000 })
    await log.append('events', [bytesOf('one')]).durable
    proxy.halfOpen()
    const began = performance.now()
    await Promise.all(
      [log.read('events', 0, 0, 1), metadata.applied(), log.ends('events')].map((asked) =>
        expect(asked).rejects.toMatchObject({
          code: 'SX_STORE_UNAVAILABLE',
          message: expect.stringContaining('postgres://'),
        }),
      ),
    )
    expect(performance.now() - began).toBeLessThan(4_000)
    const report = await metadata.inspect()
    expect(report).toMatchObject({ version: null, roundTripMs: null, problems: [{ severity: 'error' }] })
    proxy.heal()
    expect(await log.read('events', 0, 0, 1)).toHaveLength(1)
    expect(await metadata.applied()).toBeNull()
  })

  it('hands topics over when a follower loses it, and both follow again', async () => {
    const { log } = await opened({ patienceMs: 2_000 })
    const taken: number[] = []
    const other = await postgresEventLog({
      ...{ url: service.url, password: null, schema: `outage_${schemas}`, patienceMs: 2_000, bufferBytes: 1024 },
    })
    const take = (of: EventLog) => async (topic: string, partition: number) => {
      const end = (await of.ends(topic))[partition]!
      taken.push(end)
      return end
    }
    const first = await log.follow(['events'], 'group', take(log))
    while (first.assigned.length === 0) await sleep(20)
    const second = await other.follow(['events'], 'group', take(other))
    onTestFinished(async () => {
      await Promise.all([first.close(), second.close()])
      await other.close()
    })
    proxy.halfOpen()
    while (second.assigned.length === 0) await sleep(20)
    expect(first.assigned).toEqual([])
    await other.append('events', [bytesOf('one')]).durable
    while (!taken.includes(1)) await sleep(20)
    proxy.heal()
    await second.close()
    while (first.assigned.length === 0) await sleep(20)
    await other.append('events', [bytesOf('two')]).durable
    while (!taken.includes(2)) await sleep(20)
  })

  it('is held by another: a change waits for it, gives up within the patience, and leaves its connection usable', async () => {
    const { metadata } = await opened({ patienceMs: 1_500 })
    const holder = new pg.Client({ connectionString: service.url })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query(`begin; select pg_advisory_xact_lock(${lockOf(`outage_${schemas}`)})`)
    await expect(metadata.keepForm('a', 'b')).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
    expect(await Promise.all(['a', 'b', 'c'].map((hash) => metadata.form(hash)))).toEqual([null, null, null])
    const waiting = metadata.keepForm('a', 'b')
    await sleep(700)
    await holder.query('commit')
    await waiting
    expect(await metadata.form('a')).toBe('b')
  })

  it('is closed while PostgreSQL is away, and leaves nothing behind', async () => {
    for (const fault of ['reset', 'halfOpen'] as const) {
      const { log, metadata } = await opened()
      const following = await log.follow(['events'], 'group', async () => 0)
      while (following.assigned.length === 0) await sleep(20)
      proxy[fault]()
      const { durable } = log.append('events', [bytesOf('one')])
      const waiting = [durable, metadata.keepForm('a', 'b')].map((one) => one.catch(codeOf))
      await sleep(100)
      const began = performance.now()
      await Promise.all([log.close(), metadata.close()])
      expect(performance.now() - began).toBeLessThan(8_000)
      expect(await Promise.all(waiting)).toEqual(['SX_STORE_UNAVAILABLE', 'SX_STORE_UNAVAILABLE'])
      proxy.heal()
      await sleep(50)
      expect(proxy.connections).toBe(0)
    }
  })
})
