/** What a look-up reads: versions in a real LMDB, archives in real Parquet, and what answers where neither has the key. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { duckdbOfflineStore } from '../../src/adapters/duckdb/offline-store.ts'
import { lmdbOnlineStore } from '../../src/adapters/lmdb/online-store.ts'
import { archive } from '../../src/batch/lookup/archive.ts'
import { drop, fill, isFilled, keysOfVersion, priorsKey } from '../../src/batch/lookup/cache.ts'
import { ladder } from '../../src/batch/lookup/ladder.ts'
import { useOf, uses } from '../../src/batch/lookup/use.ts'
import { decodeValues, encodeValues } from '../../src/batch/lookup/values.ts'
import { batch } from '../../src/definition/batch.ts'
import { entity } from '../../src/definition/entity.ts'
import { model } from '../../src/definition/model.ts'
import { parquet, source } from '../../src/definition/source.ts'
import { view } from '../../src/definition/view.ts'
import { count } from '../../src/expression/aggregates.ts'
import type { BatchRun, BatchUse } from '../../src/ports/batch-store.ts'
import { Distinct } from '../../src/statistics/sketches/distinct.ts'

const seat = entity('seat', { key: { shop: 'string', number: 'int64' } })
const sales = source('sales', { fields: { shop: 'string', number: 'int64', at: 'timestamp' }, time: 'at' })
const selling = view('selling', { entity: seat, source: sales, features: () => ({ n: count().over('1d') }) })
const busy = model('busy', {
  inputs: { selling },
  vector: ({ selling }) => ({ n: selling.n }),
  output: { busy: 'number', calm: 'number' },
  fallback: () => ({ busy: 0, calm: 0 }),
})
const tonight = batch('tonight', {
  model: busy,
  rows: parquet('shops.parquet'),
  decision: ({ output }) => output.busy.gt(1),
  unknown: { segment: ({ keys }) => keys.shop, popular: true, model: true, otherwise: { busy: 9, calm: 9 } },
})
const run = { environment: 'here', batch: 'tonight', id: '0'.repeat(32), version: 3 } as BatchRun
const quote = "o'hare\u0000 \ud83d\udeeb"

describe('what is looked up', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-lookup-'))
  const file = join(folder, 'part.parquet')
  const online = lmdbOnlineStore(join(folder, 'online'))
  const offline = duckdbOfflineStore({
    projectFolder: folder,
    temporaryFolder: join(folder, 'tmp'),
    remote: null,
    histories: [],
  })
  beforeAll(async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run(`COPY (
      SELECT 'shop' || (i % 100) AS shop, i * 1000003 % 20000 AS number, CAST(i AS DOUBLE) AS busy, -i / 2.0 AS calm,
        CASE WHEN i > 1 THEN 'true' ELSE 'false' END AS _sx_decision FROM range(10000) t(i)
      UNION ALL SELECT 'o''hare' || chr(0) || ' ' || chr(128747), 9223372036854775807, 0.5, NULL, 'false'
    ) TO '${file}'`)
    connection.closeSync()
  })
  afterAll(async () => {
    await online.close()
    await offline.close()
    rmSync(folder, { recursive: true })
  })
  const priors = { popular: null, segments: {} }
  const filled = (rows: number) =>
    fill(
      tonight,
      run,
      { paths: [file] },
      { rows, priors },
      { online, rows: offline.batch },
      () => {},
      new AbortController().signal,
    )
  const cached = async (number: number | bigint, shop: string) => {
    let found: unknown = 'unread'
    await online.read([keysOfVersion(tonight, run)([number, shop])], (_, value) => {
      found = value === null ? null : decodeValues(value)
    })
    return found
  }

  it('is the same as what went in, whatever it is', () => {
    for (const values of [
      [],
      [null],
      [0.1, -0, Number.MIN_VALUE],
      ['', quote, 'x'.repeat(70_000)],
      [[], [1, -2.5]],
      [null, 'a', 3],
    ])
      expect(decodeValues(encodeValues(values as never))).toEqual(values)
    const within = Buffer.concat([Buffer.alloc(3), encodeValues([1.5, 'é'])]).subarray(3)
    expect(decodeValues(within)).toEqual([1.5, 'é'])
  })

  it('lacks what a version of another definition has not', async () => {
    const keys = [{ shop: 'shop7', number: (7 * 1000003) % 20000 }]
    const found = { busy: 7, novel: null }
    expect(await offline.batch.find({ paths: [file] }, keys, ['busy', 'novel'])).toEqual([found])
    expect(await offline.batch.find({ paths: [file] }, [...keys, ...keys], ['busy', 'novel'])).toEqual([found, found])
  })

  it('is there as a whole, or has no mark', async () => {
    await expect(filled(10_002)).rejects.toMatchObject({ code: 'SX_STORE_CORRUPT' })
    expect(await isFilled(run, online)).toBe(false)
    await filled(10_001)
    expect(await isFilled(run, online)).toBe(true)
    expect(await cached((7 * 1000003) % 20000, 'shop7')).toEqual([7, -3.5, 'true'])
    expect(await cached(9223372036854775807n, quote)).toEqual([0.5, null, 'false'])
    await online.update([Uint8Array.of(0x90, 1)], () => [Uint8Array.of(1)])
    await drop(run, online)
    expect([await isFilled(run, online), await cached((7 * 1000003) % 20000, 'shop7')]).toEqual([false, null])
    expect((await online.size()).entries).toBe(1)
    await online.read([priorsKey(run)], (_, value) => expect(value).toBeNull())
  })

  it('comes from the archive in the order that it was asked in, also twice, and by one query for all that wait', async () => {
    let queries = 0
    const counting: Parameters<typeof archive>[1] = {
      find: (...asked) => {
        queries++
        return offline.batch.find(...asked)
      },
    }
    const { find } = archive(tonight, counting, async () => [file])
    const key = [(7 * 1000003) % 20000, 'shop7']
    const [first, ...others] = await Promise.all([
      find([key]),
      find([[1, 'nobody'], key, key]),
      find([[9223372036854775807n, quote]]),
    ])
    expect(first).toEqual([[7, -3.5, 'true']])
    expect(others).toEqual([[null, [7, -3.5, 'true'], [7, -3.5, 'true']], [[0.5, null, 'false']]])
    expect(queries).toBe(2)
    const flood = Array.from({ length: 50_001 }, () => key)
    await expect(find(flood)).rejects.toMatchObject({ code: 'SX_OVERLOADED' })
  })

  it('is read in the order of the keys, of texts the shorter first', async () => {
    let before = Buffer.alloc(0)
    let rows = 0
    for await (const { rows: some, columns } of offline.batch.read(
      { paths: [file] },
      ['number', 'shop'],
      ['number', 'shop'],
    ))
      for (let i = 0; i < some; i++, rows++) {
        const [number, shop] = [columns[0]!.values[i] as bigint, columns[1]!.values[i] as string]
        const key = Buffer.from(keysOfVersion(tonight, run)([number < 2n ** 53n ? Number(number) : number, shop]))
        expect(Buffer.compare(before, key)).toBe(-1)
        before = key
      }
    expect(rows).toBe(10_001)
  })

  it('is answered by the next rung that can', async () => {
    let degraded: readonly object[] = []
    let asked = 0
    let atOnce = 0
    let most = 0
    const { below } = ladder(tonight, async () => {
      asked++
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setTimeout(resolve, 1))
      atOnce--
      return { outputs: { busy: 4, calm: 4 }, degraded } as never
    })
    const prior = { busy: 1, calm: 1 }
    const all = { popular: { busy: 2, calm: 2 }, segments: { constructor: prior, half: { busy: 3 } } } as never
    const of = (shop: string) => ({ parts: { shop, number: 1 }, given: { shop, number: 1 }, at: 0 })
    expect(await below(of('constructor'), all)).toEqual(['segment', prior])
    expect((await below(of('toString'), all))[0]).toBe('popular')
    // A version of another definition, which lacks an output.
    expect((await below(of('half'), all))[0]).toBe('popular')
    expect(asked).toBe(0)
    expect(await below(of('any'), null)).toEqual(['model', { busy: 4, calm: 4 }])
    const many = await Promise.all(Array.from({ length: 500 }, () => below(of('any'), null)))
    expect(many.every(([rung]) => rung === 'model')).toBe(true)
    expect(most).toBeLessThanOrEqual(64)
    degraded = [{ stage: 'inference', by: 'rule', reason: 'no version' }]
    expect((await below(of('any'), null))[0]).toBe('default')
    const failing = ladder(tonight, () => Promise.reject(new Error('away')))
    expect((await failing.below(of('any'), null))[0]).toBe('default')
  })

  it('is counted over servers, a key once', async () => {
    const told = new Map<string, BatchUse>()
    for (const server of ['a', 'b']) {
      const used = uses({ tellUse: async (id, by, use) => void told.set(`${id} ${by}`, use) }, server, () => 5)
      const use = used.of('r')
      for (let i = 0; i < 6_000; i++) {
        use.lookups++
        if (i < 5_000) use.hit(Buffer.from(`shop-${server === 'a' ? i : i + 2_500}`))
      }
      await used.tell()
      told.set('again', { lookups: -1, hits: 0, keys: '', at: 0 })
      await used.tell()
      expect(told.size).toBe(server === 'a' ? 2 : 3)
    }
    told.delete('again')
    const cost = { rows: 10_000, price: { total: 8, perThousand: 0.8, currency: 'EUR' } }
    const run = { publishedAt: 1, cost } as unknown as BatchRun
    const { lookups, hits, keys, wasted } = useOf(run, [...told.values()])!
    expect([lookups, hits]).toEqual([12_000, 10_000])
    expect(Math.abs(keys / 7_500 - 1)).toBeLessThan(0.03)
    expect(wasted.rows).toBe(10_000 - keys)
    expect(Math.abs(wasted.share - 0.25)).toBeLessThan(wasted.error)
    expect(wasted.error).toBeCloseTo((2 * 1.04 * keys) / 128 / 10_000, 9)
    expect(wasted.price).toBeCloseTo(8 * wasted.share, 9)
    expect(Distinct.fromText('no sketch')).toBeNull()
    // Nobody has looked anything up; and nobody could.
    expect(useOf(run, [])).toMatchObject({ keys: 0, wasted: { rows: 10_000, share: 1, error: 0, price: 8 } })
    expect(useOf({ ...run, publishedAt: null }, [])).toBeNull()
  })
})
