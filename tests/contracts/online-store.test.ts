/** The laws of the online store, held by each adapter. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lmdbOnlineStore } from '../../src/adapters/lmdb/online-store.ts'
import { redisOnlineStore } from '../../src/adapters/redis/online-store.ts'
import type { OnlineStore } from '../../src/ports/online-store.ts'
import { onlineStoreCases } from '../../src/testing/online-store.ts'
import { allOf, keyOf, numberIn } from '../../src/testing/online-store-tools.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startRedis } from '../services/index.ts'
import { places } from './places.ts'

describe('LMDB', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-lmdb-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const opened = (place: string): OnlineStore => lmdbOnlineStore(join(root, place))
  for (const { name, run } of onlineStoreCases(places(opened))) it(name, run)
})

describeWith(['redis'], 'Redis', () => {
  let redis: Service
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.close())
  const open = (place: string): Promise<OnlineStore> =>
    redisOnlineStore({
      url: redis.url,
      username: null,
      password: null,
      // With signs that mean something in patterns.
      prefix: `[${place}]*:`,
      readMs: 2_000,
      patienceMs: 10_000,
    })
  for (const { name, run } of onlineStoreCases(places(open))) it(name, run)

  it('loses no increment of a key that three processes fight for', async () => {
    const [jiti, script] = ['../../node_modules/jiti/lib/jiti-cli.mjs', './incrementer.ts'].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    )
    const [place, times] = ['processes', 100]
    await Promise.all(
      [1, 2, 3].map(() =>
        promisify(execFile)(process.execPath, [jiti!, script!, redis.url, `[${place}]*:`, String(times)]),
      ),
    )
    const store = await open(place)
    const numbers = (
      await allOf(
        store,
        [1, 2, 3, 4].map((byte) => keyOf(byte)),
      )
    ).map(numberIn)
    await store.close()
    expect(numbers).toEqual([900, 300, 300, 300])
  })
})
