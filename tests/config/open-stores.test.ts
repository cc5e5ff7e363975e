/** Stores are opened together or not at all, and closed each, whatever becomes of the others. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ownerOf } from '../../src/adapters/files/lock.ts'
import { limits } from '../../src/kernel/limits.ts'
import type { StoresOptions } from '../../src/runtime/stores.ts'
import { openStores } from '../../src/runtime/stores.ts'
import { freePort } from '../services/index.ts'

let data: string
let options: StoresOptions
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'sixfold-stores-'))
  const quick = { ...limits, storePatienceMs: 500 }
  options = { data, project: data, limits: quick, sync: 'second', duckdb: {}, serving: true, histories: [] }
})
afterEach(() => rm(data, { recursive: true, force: true }))

const locked = () => ownerOf(join(data, 'log')) !== null

test('without a choice all lie in the data folder', async () => {
  const stores = await openStores({}, options)
  const key = new TextEncoder().encode('k')
  await stores.online.update([key], () => [key])
  expect(await stores.online.size()).toMatchObject({ entries: 1 })
  await stores.log.append('t', [key]).durable
  expect(await stores.log.ends('t')).toEqual([1])
  expect(await stores.metadata.applied()).toBeNull()
  expect(await stores.artifacts.has('0'.repeat(64))).toBe(false)
  expect(locked()).toBe(true)
  await stores.close()
  expect(locked()).toBe(false)
})

test('where one cannot be opened, none stays open', async () => {
  const online = `redis://127.0.0.1:${await freePort()}`
  await expect(openStores({ online }, options)).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
  expect(locked()).toBe(false)
  await (await openStores({}, options)).close()
})

test('a URL that is wrong opens nothing', async () => {
  await expect(openStores({ metadata: 'mysql://h' }, options)).rejects.toMatchObject({ code: 'SX_CONFIG_INVALID' })
  expect(locked()).toBe(false)
})

test('one that fails to close keeps none of the others open, and is told of', async () => {
  const stores = await openStores({}, options)
  const { close } = stores.online
  Object.assign(stores.online, { close: () => Promise.reject(new Error('It does not close.')) })
  await expect(stores.close()).rejects.toThrow('It does not close.')
  expect(locked()).toBe(false)
  await close()
})
