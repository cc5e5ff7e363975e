/** Artifacts on a disk that is full, or may not be written to: said by a code, nothing left of what did not fit, and it goes on. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { fileArtifactStore } from '../../src/adapters/files/artifact-store.ts'
import { s3ArtifactStore } from '../../src/adapters/s3/artifact-store.ts'
import { s3Files } from '../../src/adapters/s3/files.ts'
import { describeWith } from '../services/index.ts'
import { canMount, disk } from './disk.ts'
import { s3Place } from './s3-place.ts'

const megabyte = 1024 * 1024
const root = mkdtempSync(join(tmpdir(), 'sixfold-disk-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0
const fresh = (): string => {
  count += 1
  return join(root, String(count))
}
const file = (bytes: number): string => {
  const path = fresh()
  writeFileSync(path, randomBytes(bytes))
  return path
}
const parts = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.part'))

describe.skipIf(!canMount)('artifacts on a disk of their own (needs the right to mount one)', () => {
  it('says that the disk is full, keeps what was there, and goes on when there is room', async () => {
    const { folder } = disk(2)
    const store = fileArtifactStore(join(folder, 'artifacts'))
    const small = file(megabyte / 2)
    const { sha256 } = await store.put(small)
    await expect(store.put(file(2 * megabyte))).rejects.toMatchObject({
      code: 'SX_STORAGE_FULL',
      message: expect.stringContaining(folder),
    })
    expect(parts(folder)).toEqual([])
    expect(await store.size()).toEqual({ entries: 1, bytes: megabyte / 2 })
    expect(readFileSync(await store.open(sha256)).equals(readFileSync(small))).toBe(true)
    expect((await store.put(file(megabyte))).bytes).toBe(megabyte)
  })

  it('says that the disk may not be written to, and still opens', async () => {
    const { folder, remount } = disk(2)
    const store = fileArtifactStore(join(folder, 'artifacts'))
    const { sha256 } = await store.put(file(1_000))
    remount('ro')
    for (const one of [store, fileArtifactStore(join(folder, 'other'))]) {
      await expect(one.put(file(1_000))).rejects.toMatchObject({ code: 'SX_STORE_READ_ONLY' })
      expect((await one.inspect()).problems).toMatchObject([
        { severity: 'error', what: expect.stringContaining(folder) },
        ...(one === store ? [{ severity: 'warning' }] : []),
      ])
    }
    await store.open(sha256)
    remount('rw')
    await store.put(file(1_000))
  })

  describeWith(['s3'], 's3', () => {
    it('says that there is no room for a copy, leaves none, and goes on when there is', {
      timeout: 60_000,
    }, async () => {
      const place = await s3Place()
      onTestFinished(() => place.close())
      const { folder, remount } = disk(2)
      const options = { ...place.options, cacheFolder: join(folder, 'cache') }
      const store = s3ArtifactStore({ ...options, bucket: await place.bucket('disk'), prefix: 'models' })
      const { sha256 } = await store.put(file(1.5 * megabyte))
      const files = s3Files(options)
      const url = `s3://disk/models/${sha256.slice(0, 2)}/${sha256}`
      const ballast = join(folder, 'ballast')
      for (const open of [() => store.open(sha256), () => files.fetch(url, () => {})]) {
        writeFileSync(ballast, Buffer.alloc(megabyte))
        await expect(open()).rejects.toMatchObject({
          code: 'SX_STORAGE_FULL',
          message: expect.stringContaining(folder),
        })
        expect(parts(folder)).toEqual([])
        rmSync(ballast)
        await open()
        rmSync(options.cacheFolder, { recursive: true })
      }
      await store.open(sha256)
      remount('ro')
      await store.open(sha256)
      await expect(files.fetch(url, () => {})).rejects.toMatchObject({ code: 'SX_STORE_READ_ONLY' })
      await store.close()
      files.close()
    })
  })
})
