/** The laws of the online store, held by each adapter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { lmdbOnlineStore } from '../../src/adapters/lmdb/online-store.ts'
import { redisOnlineStore } from '../../src/adapters/redis/online-store.ts'
import type { OnlineStore } from '../../src/ports/online-store.ts'
import { onlineStoreCases } from '../../src/testing/online-store.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startRedis } from '../services/index.ts'

/** Gives each store a place of its own, and remembers which. */
function places(open: (place: string) => Promise<OnlineStore>) {
  const known = new WeakMap<OnlineStore, string>()
  let count = 0
  const opened = async (place: string): Promise<OnlineStore> => {
    const store = await open(place)
    known.set(store, place)
    return store
  }
  return onlineStoreCases({
    open: () => {
      count += 1
      return opened(`place-${count}`)
    },
    again: (store) => opened(known.get(store)!),
  })
}

describe('LMDB', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-lmdb-'))
  afterAll(() => rmSync(root, { recursive: true }))
  for (const { name, run } of places(async (place) => lmdbOnlineStore(join(root, place)))) it(name, run)
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
  for (const { name, run } of places(open)) it(name, run)
})
