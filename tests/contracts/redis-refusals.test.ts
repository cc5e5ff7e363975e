/** What the online store in Redis says where Redis refuses, and what it reports of a server that should not be used so. */
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { afterEach, expect, it } from 'vitest'
import { redisOnlineStore } from '../../src/adapters/redis/online-store.ts'
import type { OnlineStore } from '../../src/ports/online-store.ts'
import { allOf, increment, keyOf, numberIn, put } from '../../src/testing/online-store-tools.ts'
import type { Service } from '../services/index.ts'
import { describeWith, freePort, startRedis } from '../services/index.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})
async function server(...args: string[]): Promise<Service> {
  const redis = await startRedis(args)
  open.push(() => redis.close())
  return redis
}
async function storeAt(url: string, who: { username?: string; password?: string; patienceMs?: number } = {}) {
  const { username = null, password = null, patienceMs = 2_000 } = who
  const store = await redisOnlineStore({ url, username, password, prefix: 'x:', readMs: 500, patienceMs })
  open.push(() => store.close())
  return store
}
/** Commands of an operator. */
async function command(redis: Service, ...args: string[]): Promise<unknown> {
  const client = createClient({ url: redis.url })
  await client.connect()
  try {
    return await client.sendCommand(args)
  } finally {
    client.destroy()
  }
}
const errorsOf = async (store: OnlineStore): Promise<readonly string[]> =>
  (await store.inspect()).problems.filter(({ severity }) => severity === 'error').map(({ what }) => what)
const key = keyOf(1)

describeWith(['redis'], 'Redis refuses', () => {
  it('a password that is missing or wrong: at once, naming the place and the variable, not the password', async () => {
    const redis = await server('--requirepass', 'open sesame')
    for (const who of [{}, { password: 'close sesame' }, { username: 'ali', password: 'close sesame' }]) {
      const began = performance.now()
      const error = await storeAt(redis.url, { ...who, patienceMs: 10_000 }).catch((reason: unknown) => reason)
      expect(performance.now() - began).toBeLessThan(2_000)
      expect(error).toMatchObject({
        code: 'SX_STORE_DENIED',
        message: expect.stringContaining(`127.0.0.1:${redis.port}`),
        fix: expect.stringContaining('SIXFOLD_ONLINE_PASSWORD'),
      })
      expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('sesame')
    }
    const store = await storeAt(redis.url, { password: 'open sesame' })
    await increment(store, key)
    expect(await errorsOf(store)).toEqual([])
    expect(JSON.stringify(await store.inspect())).not.toContain('sesame')
  })

  it('a user who may do too little: inspect names what', async () => {
    const redis = await server()
    await command(redis, 'ACL', 'SETUSER', 'reader', 'on', '>pw', '~x:*', '+@read', '+@connection', '+info')
    const store = await storeAt(redis.url, { username: 'reader', password: 'pw' })
    expect(await allOf(store, [key])).toEqual([null])
    await expect(increment(store, key)).rejects.toMatchObject({ code: 'SX_STORE_DENIED' })
    const errors = await errorsOf(store)
    expect(errors.join('\n')).toMatch(/evalsha/i)
    expect(errors.join('\n')).toMatch(/unlink/i)
  })

  it('keys outside the prefix: a user who has no others can do all', async () => {
    const redis = await server()
    await command(redis, 'ACL', 'SETUSER', 'mine', 'on', '>pw', '~x:*', '+@all', '-@dangerous', '+info')
    const store = await storeAt(redis.url, { username: 'mine', password: 'pw' })
    await increment(store, key)
    expect(await store.clear(new Uint8Array(0))).toBe(1)
    const { problems, facts } = await store.inspect()
    expect(problems).toEqual([])
    // CONFIG is one of the dangerous commands, and managed services forbid it.
    expect(facts).toContainEqual({ name: 'persistence', value: 'append-only file' })
  })

  it('a script that it has forgotten: it is sent again', async () => {
    const redis = await server()
    const store = await storeAt(redis.url)
    await increment(store, key)
    await command(redis, 'SCRIPT', 'FLUSH')
    await Promise.all([increment(store, key), increment(store, key)])
    expect(numberIn((await allOf(store, [key]))[0])).toBe(3)
  })

  it('more clients than it may have: opening waits for its turn', async () => {
    const redis = await server('--maxclients', '1')
    const first = await storeAt(redis.url)
    await expect(storeAt(redis.url, { patienceMs: 500 })).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
    const second = storeAt(redis.url, { patienceMs: 10_000 })
    await sleep(300)
    await first.close()
    await increment(await second, key)
  })

  it('a connection: opening gives up after its patience', async () => {
    const port = await freePort()
    const began = performance.now()
    await expect(storeAt(`redis://127.0.0.1:${port}`, { patienceMs: 700 })).rejects.toMatchObject({
      code: 'SX_STORE_UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    expect(performance.now() - began).toBeGreaterThan(650)
    expect(performance.now() - began).toBeLessThan(1_500)
  })

  it('more than its memory: nothing is half written, and reads go on', async () => {
    const redis = await server('--maxmemory', '4mb')
    const store = await storeAt(redis.url)
    const keys = Array.from({ length: 10 }, (_, i) => keyOf(i))
    let written = 0
    const failed = await (async () => {
      for (; written < 100; written++) {
        const keysNow = keys.map((one) => keyOf(written, ...one))
        await put(
          store,
          [...keys, ...keysNow],
          [...keys.map(() => keyOf(written)), ...keysNow.map(() => new Uint8Array(20_000))],
        )
      }
    })().catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'SX_STORAGE_FULL', message: expect.stringContaining('maxmemory') })
    expect(written).toBeGreaterThan(1)
    expect(await allOf(store, keys)).toEqual(keys.map(() => keyOf(written - 1)))
    await store.clear(keyOf(0))
    await command(redis, 'CONFIG', 'SET', 'maxmemory', '50mb')
    await put(store, keys, keys)
  })

  it('writes to a replica: the fix names the primary, and inspect tells', async () => {
    const primary = await server()
    const replica = await server('--replicaof', `127.0.0.1 ${primary.port}`)
    const store = await storeAt(replica.url)
    const began = performance.now()
    await expect(increment(store, key)).rejects.toMatchObject({
      code: 'SX_STORE_READ_ONLY',
      fix: expect.stringContaining('primary'),
    })
    expect(performance.now() - began).toBeLessThan(1_500)
    expect((await errorsOf(store)).join('\n')).toContain('replica')
    // A failover: the same address becomes the primary.
    await command(replica, 'REPLICAOF', 'NO', 'ONE')
    await increment(store, key)
  })

  it('to do anything while it is busy with a script: after its patience, and no longer than the script runs', async () => {
    const redis = await server('--lua-time-limit', '50')
    const store = await storeAt(redis.url, { patienceMs: 600 })
    await increment(store, key)
    const script = command(redis, 'EVAL', 'while true do end', '0').catch(() => {})
    await sleep(200)
    const began = performance.now()
    await expect(increment(store, key)).rejects.toMatchObject({
      code: 'SX_STORE_UNAVAILABLE',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ cannot be used: BUSY/),
    })
    expect(performance.now() - began).toBeGreaterThan(550)
    expect(performance.now() - began).toBeLessThan(1_500)
    await command(redis, 'SCRIPT', 'KILL')
    await script
    await increment(store, key)
  })

  it('to write while it cannot save: with its reason', async () => {
    const redis = await server('--save', '1 1')
    // It does not end either before it has saved.
    open.push(() => redis.kill())
    const store = await storeAt(redis.url)
    await increment(store, key)
    const { dir } = (await command(redis, 'CONFIG', 'GET', 'dir')) as { readonly dir: string }
    rmSync(dir, { recursive: true })
    let failed: unknown = null
    for (let i = 0; i < 60 && failed === null; i++) {
      await sleep(100)
      failed = await increment(store, key).then(
        () => null,
        (error: unknown) => error,
      )
    }
    expect(failed).toMatchObject({ code: 'SX_STORE_UNAVAILABLE', message: expect.stringMatching(/MISCONF/) })
    expect(numberIn((await allOf(store, [key]))[0])).toBeGreaterThan(0)
  })
})

describeWith(['redis'], 'inspecting Redis', () => {
  const problemsOf = async (...args: string[]): Promise<string> => {
    const redis = await server(...args)
    const store = await storeAt(redis.url)
    const { technology, version, roundTripMs, problems } = await store.inspect()
    expect(technology).toBe('Redis')
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(roundTripMs).toBeGreaterThan(0)
    return problems.map(({ severity, what }) => `${severity}: ${what}`).join('\n')
  }

  it('finds nothing wrong with one that keeps what it has', async () => {
    expect(await problemsOf()).toBe('')
  })
  it('tells that one evicts', async () => {
    expect(await problemsOf('--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru')).toMatch(
      /^error: .*allkeys-lru/,
    )
  })
  it('tells that one keeps nothing', async () => {
    expect(await problemsOf('--appendonly', 'no')).toMatch(/^warning: .*nothing on disk/)
  })
  it('tells that one is a cluster', async () => {
    const redis = await server('--cluster-enabled', 'yes')
    await command(redis, 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    const store = await storeAt(redis.url)
    expect((await errorsOf(store)).join('\n')).toContain('cluster')
  })
  it('reports one that is away, and does not reject', async () => {
    const redis = await server()
    const store = await storeAt(redis.url)
    await redis.stop()
    const { version, problems } = await store.inspect()
    expect(version).toBe(null)
    expect(problems).toMatchObject([{ severity: 'error', what: expect.stringContaining(`${redis.port}`) }])
  })
})
