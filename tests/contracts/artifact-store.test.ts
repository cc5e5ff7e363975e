/** The laws of the artifact store, held by each adapter; and what is S3's own. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileArtifactStore } from '../../src/adapters/files/artifact-store.ts'
import { s3ArtifactStore } from '../../src/adapters/s3/artifact-store.ts'
import type { ArtifactStore } from '../../src/ports/artifact-store.ts'
import { artifactStoreCases } from '../../src/testing/artifact-store.ts'
import { describeWith } from '../services/index.ts'
import type { S3Place } from './s3-place.ts'
import { s3Place } from './s3-place.ts'

const root = mkdtempSync(join(tmpdir(), 'sixfold-artifacts-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0
const fresh = (): string => {
  count += 1
  return String(count)
}
const nameOf = (sha256: string): string => join(sha256.slice(0, 2), sha256)

describe('files', () => {
  const folders = new WeakMap<ArtifactStore, string>()
  const opened = (folder: string): ArtifactStore => {
    const store = fileArtifactStore(folder)
    folders.set(store, folder)
    return store
  }
  for (const { name, run } of artifactStoreCases({
    open: async () => opened(join(root, fresh())),
    again: async (store) => opened(folders.get(store)!),
    damage: async (store, sha256, bytes) => {
      const path = join(folders.get(store)!, nameOf(sha256))
      if (bytes === null) return rm(path)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes)
    },
  }))
    it(name, run)
})

describeWith(['s3'], 's3', () => {
  let place: S3Place
  beforeAll(async () => {
    place = await s3Place()
    await place.bucket('artifacts')
  }, 60_000)
  afterAll(() => place.close())

  const prefixes = new WeakMap<ArtifactStore, string>()
  const opened = (prefix: string, options = {}): ArtifactStore => {
    const cacheFolder = join(root, 'cache', fresh())
    const store = s3ArtifactStore({ ...place.options, bucket: 'artifacts', prefix, cacheFolder, ...options })
    prefixes.set(store, prefix)
    return store
  }
  const put = (key: string, bytes: Uint8Array): Promise<unknown> =>
    place.client.send(new PutObjectCommand({ Bucket: 'artifacts', Key: key, Body: bytes }))

  for (const { name, run } of artifactStoreCases({
    open: async () => opened(`p-${fresh()}/models`),
    again: async (store) => opened(prefixes.get(store)!),
    damage: async (store, sha256, bytes) => {
      const key = `${prefixes.get(store)!}/${nameOf(sha256)}`
      if (bytes !== null) await put(key, bytes)
      else await place.client.send(new DeleteObjectCommand({ Bucket: 'artifacts', Key: key }))
    },
  }))
    it(name, { timeout: 60_000 }, run)

  const refusal = async (action: Promise<unknown>): Promise<unknown> => action.catch((error: unknown) => error)
  const some = async (): Promise<string> => {
    const path = join(root, `some-${fresh()}`)
    await writeFile(path, path)
    return path
  }

  it('counts nothing but artifacts below its prefix', async () => {
    const store = opened('mine')
    const { sha256 } = await store.put(await some())
    await put('mine/notes.txt', Buffer.from('not ours'))
    await put(`mine/deeper/${nameOf(sha256)}`, Buffer.from('not ours'))
    await put(`mine-too/${nameOf(sha256)}`, Buffer.from('not ours'))
    expect((await store.size()).entries).toBe(1)
    await store.close()
  })

  it('keeps artifacts in the bucket as a whole where there is no prefix', async () => {
    await place.bucket('whole')
    const store = opened('', { bucket: 'whole' })
    const { sha256 } = await store.put(await some())
    expect(await store.has(sha256)).toBe(true)
    expect((await store.size()).entries).toBe(1)
    expect((await store.inspect()).problems).toEqual([])
    await store.close()
  })

  it('tells where it is, its region, and whether writes may be conditional', async () => {
    const store = opened('told')
    expect(await store.inspect()).toMatchObject({
      technology: 'S3',
      where: `s3://artifacts/told at ${place.service.url}`,
      facts: [
        { name: 'region', value: 'us-east-1' },
        { name: 'versioning', value: expect.any(String) },
        { name: 'conditional writes', value: 'honoured' },
      ],
      problems: [],
    })
    await store.close()
  })

  it('names a bucket that is missing, whatever is asked', async () => {
    const store = opened('x', { bucket: 'nowhere' })
    const sha256 = 'a'.repeat(64)
    const path = await some()
    for (const action of [() => store.put(path), () => store.open(sha256), () => store.has(sha256), store.size])
      expect(await refusal(action())).toMatchObject({
        code: 'SX_STORE_DENIED',
        message: expect.stringMatching(/s3:\/\/nowhere\/.*no such bucket/),
      })
    expect((await store.inspect()).problems).toMatchObject([
      { severity: 'error', what: expect.stringMatching(/nowhere.*no such bucket/) },
    ])
    await store.close()
  })

  it('says which credentials are refused, and never shows them', async () => {
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env
    try {
      for (const [name, wrong] of [
        ['AWS_SECRET_ACCESS_KEY', 'wrong-secret'],
        ['AWS_ACCESS_KEY_ID', 'nobody'],
      ] as const) {
        process.env[name] = wrong
        const store = opened('denied')
        const error = await refusal(store.put(await some()))
        expect(error).toMatchObject({
          code: 'SX_STORE_DENIED',
          message: expect.stringContaining('s3://artifacts/denied/'),
        })
        expect(`${error} ${(error as { fix: string }).fix}`).not.toContain('wrong-secret')
        const { problems } = await store.inspect()
        expect(problems).toHaveLength(1)
        expect(problems[0]!.fix).toContain('AWS_ACCESS_KEY_ID')
        await store.close()
        process.env['AWS_ACCESS_KEY_ID'] = id
        process.env['AWS_SECRET_ACCESS_KEY'] = secret
      }
    } finally {
      process.env['AWS_ACCESS_KEY_ID'] = id
      process.env['AWS_SECRET_ACCESS_KEY'] = secret
    }
  })

  it('downloads again what is damaged in its cache', async () => {
    const store = opened('cached')
    const path = await some()
    const { sha256 } = await store.put(path)
    const cached = await store.open(sha256)
    await writeFile(cached, 'damaged')
    expect(await store.open(sha256)).toBe(cached)
    expect(readdirSync(dirname(cached))).toEqual([sha256])
    await store.close()
  })
})
