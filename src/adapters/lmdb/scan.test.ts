/** What stands under a prefix, whether the prefix is a Uint8Array or a Buffer, whose `slice` shares its memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OnlineStore } from '../../ports/online-store.ts'
import { lmdbOnlineStore } from './online-store.ts'

let folder: string
let store: OnlineStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sixfold-lmdb-'))
  store = lmdbOnlineStore(folder)
  const keys = [[15, 255], [16], [16, 0], [16, 7, 7], [17]].map((key) => Uint8Array.from(key))
  await store.update(keys, () => keys)
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe.each([
  ['a Uint8Array', Uint8Array.from([16])],
  ['a Buffer', Buffer.from([16])],
])('with %s as prefix', (_, prefix) => {
  it('a scan gives the keys that begin so, and leaves the prefix as it was', async () => {
    const found: number[][] = []
    for await (const { key } of store.scan(prefix)) found.push([...key])
    expect(found).toEqual([[16], [16, 0], [16, 7, 7]])
    expect([...prefix]).toEqual([16])
  })

  it('clearing deletes them and no others', async () => {
    expect(await store.clear(prefix)).toBe(3)
    expect((await store.size()).entries).toBe(2)
    expect([...prefix]).toEqual([16])
  })
})
