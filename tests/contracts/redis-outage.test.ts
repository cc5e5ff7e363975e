/**
 * The online store in Redis behind a network that fails, and when Redis itself ends: reads say so at once, updates are made once
 * as soon as it is back, and nobody opens the store again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { redisOnlineStore } from '../../src/adapters/redis/online-store.ts'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import type { OnlineStore } from '../../src/ports/online-store.ts'
import { allOf, increment, keyOf, numberIn } from '../../src/testing/online-store-tools.ts'
import type { FaultProxy, Service } from '../services/index.ts'
import { describeWith, faultProxy, startRedis } from '../services/index.ts'

const readMs = 100
const key = keyOf(1)

let redis: Service
let proxy: FaultProxy
let store: OnlineStore
const open = (port: number, patienceMs = 10_000): Promise<OnlineStore> =>
  redisOnlineStore({
    url: `redis://127.0.0.1:${port}`,
    username: null,
    password: null,
    prefix: 'outage:',
    readMs,
    patienceMs,
  })

beforeEach(async () => {
  redis = await startRedis()
  proxy = await faultProxy(redis.port)
  store = await open(proxy.port)
  await increment(store, key)
})
afterEach(async () => {
  await store.close()
  await proxy.close()
  await redis.close()
})

/** What a read comes to, and after how long. */
async function reading(): Promise<{ readonly code: string; readonly took: number }> {
  const began = performance.now()
  const code = await allOf(store, [key]).then(
    () => 'read',
    (error: unknown) => (isSixfoldError(error) ? error.code : String(error)),
  )
  return { code, took: performance.now() - began }
}

/** How long it takes until reads are answered again. */
async function recovered(): Promise<number> {
  const began = performance.now()
  while ((await reading()).code !== 'read') {
    expect(performance.now() - began).toBeLessThan(20_000)
    await sleep(20)
  }
  return performance.now() - began
}

/** Increments one after another until told to end, by several clients; and how they went. */
function incrementing(clients: number): () => Promise<{ readonly made: number; readonly refused: readonly unknown[] }> {
  let [stop, made] = [false, 0]
  const refused: unknown[] = []
  const client = async (): Promise<void> => {
    while (!stop)
      try {
        await increment(store, key)
        made++
      } catch (error) {
        refused.push(error)
      }
  }
  const all = Array.from({ length: clients }, client)
  return async () => {
    stop = true
    await Promise.all(all)
    return { made, refused }
  }
}

/** The number that Redis has in the end, by a connection of its own. */
async function counted(): Promise<number> {
  const direct = await open(redis.port)
  try {
    return numberIn((await allOf(direct, [key]))[0])
  } finally {
    await direct.close()
  }
}

describeWith(['redis'], 'the online store in Redis', () => {
  it('gives up reads of a slow network in time, makes updates over it, and reads again when it is fast', async () => {
    proxy.latency(200)
    for (let i = 0; i < 5; i++) {
      const { code, took } = await reading()
      expect(code).toBe('SX_STORE_UNAVAILABLE')
      expect(took).toBeGreaterThan(readMs - 5)
      expect(took).toBeLessThan(readMs + 100)
    }
    await increment(store, key)
    proxy.heal()
    expect(await recovered()).toBeLessThan(1_500)
    expect(await counted()).toBe(2)
  })

  it('refuses reads at once while connections break, and connects again by itself', async () => {
    proxy.reset()
    await sleep(50)
    for (let i = 0; i < 20; i++) {
      const { code, took } = await reading()
      expect(code).toBe('SX_STORE_UNAVAILABLE')
      expect(took).toBeLessThan(50)
    }
    const updating = increment(store, key)
    await sleep(3_000)
    proxy.heal()
    const took = await recovered()
    await updating
    expect(took).toBeLessThan(1_500)
    expect(await counted()).toBe(2)
  })

  it('gives up a connection that is open and silent', async () => {
    proxy.halfOpen()
    const first = await reading()
    expect(first.code).toBe('SX_STORE_UNAVAILABLE')
    expect(first.took).toBeLessThan(readMs + 100)
    const updating = increment(store, key)
    await sleep(4_000)
    expect((await reading()).took).toBeLessThan(readMs + 100)
    proxy.heal()
    const took = await recovered()
    await updating
    expect(took).toBeLessThan(3_000)
    expect(await counted()).toBe(2)
  })

  it('finds out by itself that a connection which nobody uses is silent', async () => {
    proxy.halfOpen()
    await sleep(4_000)
    // Known to be away: no read waits for the answer any longer.
    expect((await reading()).took).toBeLessThan(50)
    proxy.heal()
    expect(await recovered()).toBeLessThan(3_000)
  })

  it('makes each update once while Redis is killed and started again', async () => {
    const end = incrementing(8)
    await sleep(500)
    await redis.kill()
    await sleep(3_000)
    await redis.start()
    expect(await recovered()).toBeLessThan(1_500)
    await sleep(500)
    const { made, refused } = await end()
    expect(refused).toEqual([])
    expect(await counted()).toBe(1 + made)
    process.stdout.write(`${made} updates made through a kill, none refused, lost or doubled\n`)
  })

  it('makes each update once while connections break under it again and again', async () => {
    const end = incrementing(8)
    for (let i = 0; i < 25; i++) {
      // So that answers are on their way when the connection breaks.
      proxy.latency(i % 5)
      await sleep(60 + ((i * 37) % 90))
      proxy.reset()
      proxy.heal()
    }
    proxy.latency(0)
    await recovered()
    const { made, refused } = await end()
    expect(refused).toEqual([])
    expect(made).toBeGreaterThan(100)
    expect(await counted()).toBe(1 + made)
    process.stdout.write(`${made} updates made through 25 broken connections, none refused, lost or doubled\n`)
  })

  it('lets no more than so many reads wait when nothing is answered', async () => {
    proxy.halfOpen()
    const messages = await Promise.all(
      Array.from({ length: 60_000 }, () => allOf(store, [key]).catch((error: Error) => error.message)),
    )
    expect(messages.filter((message) => String(message).includes('answers too slowly'))).toHaveLength(10_000)
  })

  it('refuses an update that cannot be made in its time, and says where', async () => {
    const hasty = await open(proxy.port, 500)
    proxy.reset()
    const began = performance.now()
    await expect(increment(hasty, key)).rejects.toMatchObject({
      code: 'SX_STORE_UNAVAILABLE',
      message: expect.stringContaining(`redis://127.0.0.1:${proxy.port}`),
    })
    expect(performance.now() - began).toBeLessThan(1_500)
    await hasty.close()
  })

  it.each(['reset', 'halfOpen'] as const)('closes soon while the network does this: %s', async (fault) => {
    const other = await open(proxy.port)
    proxy[fault]()
    const updating = increment(other, key).then(
      () => null,
      (error: unknown) => error,
    )
    await sleep(200)
    const began = performance.now()
    await other.close()
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(await updating).toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
    await expect(allOf(other, [key])).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
  })
})
