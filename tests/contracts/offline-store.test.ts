/** The laws of the offline store, held over Parquet on this machine and in S3; and what is S3's own. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { duckdbOfflineStore } from '../../src/adapters/duckdb/offline-store.ts'
import { s3Files } from '../../src/adapters/s3/files.ts'
import { source } from '../../src/definition/source.ts'
import { parquet } from '../../src/index.ts'
import type { OfflineStoreSetup } from '../../src/testing/offline-store.ts'
import { offlineStoreCases } from '../../src/testing/offline-store.ts'
import { describeWith } from '../services/index.ts'
import { parquetFiles } from './parquet.ts'
import type { S3Place } from './s3-place.ts'
import { s3Place } from './s3-place.ts'

const root = mkdtempSync(join(tmpdir(), 'sixfold-offline-'))
afterAll(() => rmSync(root, { recursive: true }))
let files: Awaited<ReturnType<typeof parquetFiles>>
beforeAll(async () => {
  files = await parquetFiles()
})
let count = 0
const fresh = (): string => {
  count += 1
  return String(count)
}
const options = { projectFolder: root, temporaryFolder: join(root, 'tmp'), threads: 1 }

describe('Parquet on this machine', () => {
  const setup: OfflineStoreSetup = {
    open: async () => duckdbOfflineStore({ ...options, remote: null }),
    folder: async () => {
      const folder = join(root, fresh())
      await mkdir(folder)
      return folder
    },
    write: (path, columns, rows) => files.write(path, columns, rows),
    put: async (path, bytes) => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes)
    },
    read: (path) => files.read(path),
  }
  for (const { name, run } of offlineStoreCases(setup)) it(name, run)
})

describeWith(['s3'], 'Parquet in S3', () => {
  let place: S3Place
  beforeAll(async () => {
    place = await s3Place()
    await place.bucket('lake')
  }, 60_000)
  afterAll(() => place.close())

  const cacheFolder = join(root, 'cache')
  const keyOf = (path: string): string => path.slice('s3://lake/'.length)
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    await place.client.send(new PutObjectCommand({ Bucket: 'lake', Key: keyOf(path), Body: bytes }))
  }
  const get = async (path: string): Promise<Uint8Array | null> => {
    try {
      const { Body } = await place.client.send(new GetObjectCommand({ Bucket: 'lake', Key: keyOf(path) }))
      return await Body!.transformToByteArray()
    } catch (error) {
      if ((error as Error).name === 'NoSuchKey') return null
      throw error
    }
  }
  const remote = () => s3Files({ ...place.options, cacheFolder })
  const setup: OfflineStoreSetup = {
    open: async () => duckdbOfflineStore({ ...options, remote: remote() }),
    folder: async () => `s3://lake/${fresh()}/with space`,
    write: async (path, columns, rows) => {
      const local = join(root, `write-${fresh()}.parquet`)
      await files.write(local, columns, rows)
      await put(path, await readFile(local))
    },
    put,
    read: async (path) => {
      const bytes = await get(path)
      if (bytes === null) return null
      const local = join(root, `read-${fresh()}.parquet`)
      await writeFile(local, bytes)
      return files.read(local)
    },
  }
  for (const { name, run } of offlineStoreCases(setup)) it(name, { timeout: 60_000 }, run)

  const events = (path: string) =>
    source('events', { fields: { x: 'float64', at: 'timestamp' }, time: 'at', history: parquet(path) })
  const columns = { x: 'float64', at: 'timestamp' } as const

  it('makes columns of folders with a =, as DuckDB does', async () => {
    const store = await setup.open()
    await setup.write('s3://lake/hive/city=[a] b/x=7/p.parquet', { at: 'timestamp' }, [[0]])
    await setup.write('s3://lake/hive/city=c%20d/x=8/p.parquet', { at: 'timestamp' }, [[0]])
    const cities = source('cities', {
      fields: { x: 'int64', city: 'string', at: 'timestamp' },
      time: 'at',
      history: parquet('s3://lake/hive/*/*/*.parquet'),
    })
    expect(await store.summarize(cities)).toMatchObject({ rows: 2, outOfDomain: 0 })
    await store.close()
  })

  it('downloads a file once, and again when it has changed', async () => {
    const [first, second] = [remote(), remote()]
    let bytes = 0
    const progress = (): void => {
      bytes += 1
    }
    await setup.write('s3://lake/once.parquet', columns, [[1, 0]])
    const [one] = await first.fetch('s3://lake/once.parquet', progress)
    expect(bytes).toBeGreaterThan(0)
    bytes = 0
    expect(await second.fetch('s3://lake/once.parquet', progress)).toEqual([one])
    expect(bytes).toBe(0)
    await setup.write('s3://lake/once.parquet', columns, [[2, 0]])
    const [changed] = await second.fetch('s3://lake/once.parquet', progress)
    expect(changed!.local).not.toBe(one!.local)
    expect(await files.read(one!.local)).toMatchObject({ rows: [[1, 0]] })
    expect(await files.read(changed!.local)).toMatchObject({ rows: [[2, 0]] })
    for (const each of [first, second]) each.close()
  })

  it('deletes copies that were superseded an hour ago or not used for a week, and no others', async () => {
    const hour = 3_600_000
    const folder = join(root, `swept-${fresh()}`)
    const copies = async (name: string): Promise<string> => {
      const own = s3Files({ ...place.options, cacheFolder: folder })
      const [file] = await own.fetch(`s3://lake/${name}`, () => {})
      own.close()
      return file!.local
    }
    const used = async (path: string, msAgo: number): Promise<void> => {
      const then = new Date(Date.now() - msAgo)
      await utimes(path, then, then)
    }
    const kept: string[] = []
    const gone: string[] = []
    for (const [name, versions] of Object.entries({
      'sweep/a': [{ msAgo: 2 * hour, gone: true }, { msAgo: 0.5 * hour }, { msAgo: 0 }],
      'sweep/b': [{ msAgo: 100 * hour }],
      'sweep/c': [{ msAgo: 200 * hour, gone: true }],
    }))
      for (const [i, version] of versions.entries()) {
        await setup.write(`s3://lake/${name}`, columns, [[i, 0]])
        const path = await copies(name)
        await used(dirname(path), version.msAgo)
        ;('gone' in version ? gone : kept).push(path)
      }
    for (const [name, msAgo] of [
      ['old.part', 2 * hour],
      ['new.part', 0.5 * hour],
    ] as const) {
      await writeFile(join(folder, name), '')
      await used(join(folder, name), msAgo)
      ;(msAgo > hour ? gone : kept).push(join(folder, name))
    }
    await setup.write('s3://lake/sweep/other', columns, [[0, 0]])
    await copies('sweep/other')
    expect([kept.filter(existsSync), gone.filter(existsSync)]).toEqual([kept, []])
  })

  it('reads more files than one list names, in order', async () => {
    const many = remote()
    await setup.write('s3://lake/many/1000.parquet', columns, [[0, 0]])
    const bytes = (await get('s3://lake/many/1000.parquet'))!
    const names = Array.from({ length: 1_100 }, (_, i) => `s3://lake/many/${1000 + i}.parquet`)
    for (let i = 0; i < names.length; i += 50) await Promise.all(names.slice(i, i + 50).map((name) => put(name, bytes)))
    const fetched = await many.fetch('s3://lake/many/*.parquet', () => {})
    expect(fetched.map(({ url }) => url)).toEqual(names)
    many.close()
  }, 60_000)

  it('leaves no temporary file, here or there', async () => {
    const store = await setup.open()
    await setup.write('s3://lake/rest/a.parquet', columns, [[1, 0]])
    await store.summarize(events('s3://lake/rest/*.parquet'))
    await store.close()
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    // One is laid out by the test of what is swept.
    const left = files.filter((name) => name.endsWith('.part') && !name.startsWith('swept-'))
    expect([left, readdirSync(options.temporaryFolder)]).toEqual([[], []])
  })

  it('refuses a place that is no file before it begins', async () => {
    const store = await setup.open()
    const request = { at: 'at', zone: null, views: [], model: null, metadata: {}, labels: 's3://lake/none.parquet' }
    for (const out of ['s3://lake/', 's3://lake', 's3://lake/folder/', 's3://lake/*.parquet'])
      await expect(store.trainingSet({ ...request, out }, () => {})).rejects.toMatchObject({
        code: 'SX_LABELS_INVALID',
      })
    await store.close()
  })

  it('names a bucket that is missing, in an error and in its report', async () => {
    const histories = ['s3://nowhere/a/*.parquet', 's3://lake/*.parquet', 'local.parquet']
    const store = duckdbOfflineStore({ ...options, remote: remote(), histories })
    await expect(store.summarize(events(histories[0]!))).rejects.toMatchObject({
      code: 'SX_STORE_DENIED',
      message: expect.stringContaining('s3://nowhere/a/'),
    })
    const { facts, problems } = await store.inspect()
    expect(facts.map(({ name }) => name)).toEqual(['threads', 'memory', 'free', 's3://lake'])
    expect(problems).toMatchObject([{ severity: 'error', what: expect.stringContaining('s3://nowhere/a/') }])
    await store.close()
  })

  it('refuses a folder for its copies that is a file', async () => {
    const path = join(root, `file-${fresh()}`)
    await writeFile(path, '')
    const store = duckdbOfflineStore({ ...options, remote: s3Files({ ...place.options, cacheFolder: path }) })
    await setup.write('s3://lake/a.parquet', columns, [[1, 0]])
    await expect(store.summarize(events('s3://lake/a.parquet'))).rejects.toThrow(path)
    await store.close()
    await rm(path)
  })
})
