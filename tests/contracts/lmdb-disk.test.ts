/** The embedded online store on a disk that is full, or that may not be written to. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { lmdbOnlineStore } from '../../src/adapters/lmdb/online-store.ts'
import { allOf, increment, keyOf, numberIn, put } from '../../src/testing/online-store-tools.ts'
import { canMount, disk } from './disk.ts'

const counter = keyOf(0)

describe.skipIf(!canMount)('LMDB (needs the right to mount a disk)', () => {
  it('on a full disk refuses, keeps what it had whole, and goes on when there is room', async () => {
    const { folder, remount } = disk(4)
    const store = lmdbOnlineStore(folder)
    // Each adds a value and counts it: half an update would be seen.
    let added = 0
    const add = (): Promise<void> =>
      put(
        store,
        [counter, keyOf(1, added & 255, added >> 8)],
        [keyOf(added & 255, added >> 8), new Uint8Array(10_000).fill(added)],
      )
    const failed = await (async () => {
      for (; added < 1_000; added++) await add()
    })().catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'SX_STORAGE_FULL', message: expect.stringContaining(folder) })
    expect(added).toBeGreaterThan(10)
    // Several at once, each of which must hear of it.
    const more = await Promise.allSettled([1, 2, 3].map((i) => put(store, [keyOf(2, i)], [new Uint8Array(100_000)])))
    for (const one of more) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'SX_STORAGE_FULL' } })

    const last = added - 1
    const whole = async (from: typeof store): Promise<void> => {
      const keys = Array.from({ length: added }, (_, i) => keyOf(1, i & 255, i >> 8))
      expect(await allOf(from, [counter])).toEqual([keyOf(last & 255, last >> 8)])
      const values = await allOf(from, keys)
      expect(values.every((value, i) => value?.length === 10_000 && value[9_999] === (i & 255))).toBe(true)
      expect(await allOf(from, [keyOf(1, added & 255, added >> 8), keyOf(2, 1)])).toEqual([null, null])
    }
    await whole(store)
    remount('size=16m')
    await store.close()
    const again = lmdbOnlineStore(folder)
    onTestFinished(() => again.close())
    await whole(again)
    // And without being opened again.
    const filled = await (async () => {
      for (let i = 0; i < 100; i++) await put(again, [keyOf(2, i)], [new Uint8Array(1_000_000)])
    })().catch((error: unknown) => error)
    expect(filled).toMatchObject({ code: 'SX_STORAGE_FULL' })
    remount('size=64m')
    await increment(again, keyOf(3))
    expect(numberIn((await allOf(again, [keyOf(3)]))[0])).toBe(1)
  })

  it('in a folder that may not be written to says so, by name', () => {
    const { folder, remount } = disk(4)
    remount('ro')
    for (const place of [folder, join(folder, 'online')])
      expect(() => lmdbOnlineStore(place)).toThrow(
        expect.objectContaining({ code: 'SX_STORE_READ_ONLY', message: expect.stringContaining(place) }),
      )
  })

  it('reports that little room is left, and that there is none', async () => {
    const { folder } = disk(4)
    const store = lmdbOnlineStore(folder)
    onTestFinished(() => store.close())
    expect((await store.inspect()).problems).toMatchObject([
      { severity: 'warning', what: expect.stringContaining(folder) },
    ])
    writeFileSync(join(folder, 'other'), new Uint8Array(2 ** 20))
    expect(() => writeFileSync(join(folder, 'more'), new Uint8Array(2 ** 23))).toThrow('ENOSPC')
    const { problems, facts } = await store.inspect()
    expect(problems).toContainEqual(
      expect.objectContaining({ severity: 'error', what: expect.stringContaining('ENOSPC') }),
    )
    expect(facts.map(({ name }) => name)).toEqual(['entries', 'size', 'free'])
  })
})
