/**
 * S3 that is slow, breaks off, falls silent, or is killed, in the midst of uploads and downloads: what was acknowledged is there and
 * whole, nothing that is not whole is taken for an artifact, and the store that was open goes on by itself.
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { open as openFile, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from 'vitest'
import { s3ArtifactStore } from '../../src/adapters/s3/artifact-store.ts'
import { s3Files } from '../../src/adapters/s3/files.ts'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import { hashOfFile } from '../../src/kernel/files.ts'
import type { ArtifactStore } from '../../src/ports/artifact-store.ts'
import type { FaultProxy } from '../services/index.ts'
import { describeWith, faultProxy } from '../services/index.ts'
import type { S3Place } from './s3-place.ts'
import { s3Place } from './s3-place.ts'

const megabyte = 1024 * 1024
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Processes of their own. Each puts and opens a file, and answers with what `s3-putter.ts` says of it. */
async function putters(
  many: number,
  options: object,
): Promise<readonly ((path: string) => Promise<readonly string[]>)[]> {
  const program = ['../../node_modules/jiti/lib/jiti-cli.mjs', './s3-putter.ts'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  const started = Array.from({ length: many }, () => {
    const child = spawn(process.execPath, [...program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = async (): Promise<string> => String((await lines.next()).value)
    return {
      next,
      ask: async (path: string): Promise<readonly string[]> => {
        child.stdin.write(`${path}\n`)
        return (await next()).split(' ')
      },
    }
  })
  for (const { next } of started) expect(await next()).toBe('ready')
  return started.map(({ ask }) => ask)
}

describeWith(['s3'], 's3, while it fails', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-s3-outage-'))
  let place: S3Place
  let proxy: FaultProxy
  beforeAll(async () => {
    place = await s3Place()
    proxy = await faultProxy(place.service.port)
    await place.bucket('outage')
  }, 60_000)
  afterEach(() => proxy.heal())
  afterAll(async () => {
    await proxy.close()
    await place.close()
    rmSync(root, { recursive: true })
  })

  let count = 0
  const fresh = (): string => {
    count += 1
    return String(count)
  }
  const optionsOf = (prefix: string, patienceMs = 10_000) => ({
    ...place.options,
    ...{ endpoint: `http://127.0.0.1:${proxy.port}`, patienceMs },
    ...{ bucket: 'outage', prefix, cacheFolder: join(root, `cache-${fresh()}`) },
  })
  const file = async (bytes: Uint8Array): Promise<string> => {
    const path = join(root, `file-${fresh()}`)
    await writeFile(path, bytes)
    return path
  }
  const parts = (folder: string): readonly string[] =>
    readdirSync(folder, { recursive: true }).flatMap((name) => (String(name).endsWith('.part') ? [String(name)] : []))

  /** In the midst of an upload in parts, or of a download: some of it was carried, and not all. */
  const uploading = async (): Promise<void> => {
    for (;;) {
      const { Uploads = [] } = await place.client.send(new ListMultipartUploadsCommand({ Bucket: 'outage' }))
      if (Uploads.length > 0) return sleep(200)
      await sleep(10)
    }
  }
  const downloading = async (folder: string): Promise<void> => {
    for (;;) {
      const [part] = await Promise.resolve()
        .then(() => parts(folder))
        .catch(() => [])
      const size = part === undefined ? 0 : ((await stat(join(folder, part)).catch(() => null))?.size ?? 0)
      if (size > 2 * megabyte) return
      await sleep(5)
    }
  }
  /** What is in the bucket below a prefix: every object's name is that of its contents. */
  const checkAll = async (prefix: string): Promise<readonly string[]> => {
    const { Contents = [] } = await place.client.send(
      new ListObjectsV2Command({ Bucket: 'outage', Prefix: `${prefix}/` }),
    )
    const names: string[] = []
    for (const { Key } of Contents) {
      const { Body } = await place.client.send(new GetObjectCommand({ Bucket: 'outage', Key: Key! }))
      const sha256 = sha256Of(await Body!.transformToByteArray())
      expect(Key).toBe(`${prefix}/${sha256.slice(0, 2)}/${sha256}`)
      names.push(sha256)
    }
    return names
  }
  const opened = async (store: ArtifactStore, sha256: string): Promise<string> =>
    sha256Of(await readFile(await store.open(sha256)))

  it('is slow by 200 ms each way, and loses nothing', { timeout: 60_000 }, async () => {
    const store = s3ArtifactStore(optionsOf('slow'))
    proxy.latency(200)
    const { sha256 } = await store.put(await file(randomBytes(megabyte)))
    expect(await opened(store, sha256)).toBe(sha256)
    const { roundTripMs, problems } = await store.inspect()
    expect(problems).toEqual([])
    expect(roundTripMs).toBeGreaterThanOrEqual(400)
    await store.close()
  })

  const faults: { readonly [name: string]: (heal: () => Promise<void>) => Promise<void> } = {
    'breaks connections off for a second': async (heal) => {
      proxy.reset()
      await sleep(1_000)
      await heal()
    },
    'falls silent, and old connections stay so': async (heal) => {
      proxy.halfOpen()
      await sleep(1_000)
      await heal()
    },
    'is killed, and back after 3 seconds': async () => {
      await place.service.kill()
      await sleep(3_000)
      await place.service.start()
    },
  }
  for (const [name, fault] of Object.entries(faults)) {
    const heal = async (): Promise<void> => proxy.heal()
    it(`${name}, in the midst of an upload of 20 MB`, { timeout: 90_000 }, async () => {
      const prefix = `up-${fresh()}`
      const store = s3ArtifactStore(optionsOf(prefix, 6_000))
      const before = await store.put(await file(randomBytes(1_000)))
      const bytes = randomBytes(20 * megabyte)
      proxy.latency(30)
      const putting = store.put(await file(bytes))
      await uploading()
      expect(await checkAll(prefix)).toEqual([before.sha256])
      await fault(heal)
      const began = performance.now()
      expect(await putting).toEqual({ sha256: sha256Of(bytes), bytes: bytes.length })
      process.stdout.write(`  resolved ${((performance.now() - began) / 1000).toFixed(1)} s after it was back\n`)
      proxy.heal()
      expect([...(await checkAll(prefix))].sort()).toEqual([before.sha256, sha256Of(bytes)].sort())
      await store.close()
    })
    it(`${name}, in the midst of a download of 20 MB`, { timeout: 90_000 }, async () => {
      const options = optionsOf(`down-${fresh()}`, 6_000)
      const store = s3ArtifactStore(options)
      const { sha256 } = await store.put(await file(randomBytes(20 * megabyte)))
      proxy.latency(100)
      const opening = opened(store, sha256)
      await downloading(options.cacheFolder)
      await fault(heal)
      const began = performance.now()
      expect(await opening).toBe(sha256)
      process.stdout.write(`  resolved ${((performance.now() - began) / 1000).toFixed(1)} s after it was back\n`)
      expect(parts(options.cacheFolder)).toEqual([])
      await store.close()
    })
  }

  it('is away for longer than the patience: says so, keeps nothing, and goes on', { timeout: 60_000 }, async () => {
    const options = optionsOf('away', 1_000)
    const store = s3ArtifactStore(options)
    const known = await store.put(await file(randomBytes(5_000)))
    await store.open(known.sha256)
    const path = await file(randomBytes(20 * megabyte))
    for (const fail of [proxy.reset, proxy.halfOpen]) {
      fail()
      for (const action of [() => store.put(path), () => store.open('a'.repeat(64)), () => store.size()]) {
        const began = performance.now()
        const error = await action().then(
          () => null,
          (reason: unknown) => reason,
        )
        expect(isSixfoldError(error) && [error.code, error.message]).toEqual([
          'SX_STORE_UNAVAILABLE',
          expect.stringContaining(`s3://outage/away/`),
        ])
        expect(performance.now() - began).toBeLessThan(4_000)
      }
      // What was opened once is opened again.
      expect(await opened(store, known.sha256)).toBe(known.sha256)
      expect((await store.inspect()).problems).toMatchObject([{ severity: 'error' }])
      proxy.heal()
      expect(await store.has(known.sha256)).toBe(true)
    }
    expect(await checkAll('away')).toEqual([known.sha256])
    const { sha256 } = await store.put(path)
    expect(await opened(store, sha256)).toBe(sha256)
    expect(parts(options.cacheFolder)).toEqual([])
    await store.close()
  })

  it('is closed while it is away', { timeout: 30_000 }, async () => {
    const store = s3ArtifactStore(optionsOf('closed'))
    const path = await file(randomBytes(20 * megabyte))
    for (const fail of [proxy.halfOpen, proxy.reset]) fail()
    const putting = store.put(path).catch((error: unknown) => error)
    await sleep(300)
    const began = performance.now()
    await store.close()
    expect(await putting).toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
    expect(performance.now() - began).toBeLessThan(3_000)
  })

  it('fails again and again under load: what was acknowledged is there and whole', { timeout: 120_000 }, async () => {
    const store = s3ArtifactStore(optionsOf('load', 3_000))
    const acknowledged: string[] = []
    let [rejected, going] = [0, true]
    const putters = Array.from({ length: 3 }, async () => {
      while (going) {
        const path = await file(randomBytes(Math.ceil(Math.random() * 12 * megabyte)))
        try {
          acknowledged.push((await store.put(path)).sha256)
        } catch (error) {
          expect(error).toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
          rejected += 1
        }
        rmSync(path)
      }
    })
    for (let i = 0; i < 10; i++) {
      proxy.latency(i % 2 === 0 ? 0 : 20)
      await sleep(400)
      if (i % 3 === 0) proxy.halfOpen()
      else proxy.reset()
      await sleep(i % 4 === 3 ? 4_500 : 300)
      proxy.heal()
    }
    going = false
    await Promise.all(putters)
    const there = new Set(await checkAll('load'))
    const lost = acknowledged.filter((sha256) => !there.has(sha256)).length
    process.stdout.write(`  acknowledged ${acknowledged.length}, rejected ${rejected}, lost ${lost}, damaged 0\n`)
    expect(acknowledged.length).toBeGreaterThan(5)
    expect(lost).toBe(0)
    await store.close()
  })

  it('takes a file of 256 MB with memory for a few parts of it', { timeout: 120_000 }, async () => {
    const path = join(root, 'large')
    const handle = await openFile(path, 'w')
    for (let i = 0; i < 256; i++) await handle.write(randomBytes(megabyte))
    await handle.close()
    const [ask] = await putters(1, optionsOf('large'))
    const [sha256, where, grown] = await ask!(path)
    process.stdout.write(`  memory grew by ${grown} MB\n`)
    expect(await hashOfFile(where!)).toEqual({ sha256, bytes: 256 * megabyte })
    expect(Number(grown)).toBeLessThan(160)
  })

  it('refuses a file that changes while it is sent, and keeps nothing of it', { timeout: 60_000 }, async () => {
    const store = s3ArtifactStore(optionsOf('changing'))
    // More than is read ahead.
    const path = await file(randomBytes(64 * megabyte))
    proxy.latency(30)
    const putting = store.put(path).catch((error: unknown) => error)
    await uploading()
    const handle = await openFile(path, 'r+')
    await handle.write(Buffer.from('changed'), 0, 7, 64 * megabyte - 7)
    await handle.close()
    expect(await putting).toMatchObject({ code: 'SX_ARTIFACT_INVALID', message: expect.stringContaining(path) })
    proxy.heal()
    expect(await checkAll('changing')).toEqual([])
    const { Uploads = [] } = await place.client.send(
      new ListMultipartUploadsCommand({ Bucket: 'outage', Prefix: 'changing/' }),
    )
    expect(Uploads).toEqual([])
    await store.close()
  })

  it('serves two processes that put and open the same at once, over one cache', { timeout: 60_000 }, async () => {
    const options = optionsOf('both')
    const asks = await putters(2, options)
    for (let i = 0; i < 5; i++) {
      const bytes = randomBytes(12 * megabyte)
      const path = await file(bytes)
      for (const [sha256, where] of await Promise.all(asks.map((ask) => ask(path)))) {
        expect(sha256).toBe(sha256Of(bytes))
        expect(sha256Of(await readFile(where!))).toBe(sha256)
      }
    }
    expect(await checkAll('both')).toHaveLength(5)
    expect(parts(options.cacheFolder)).toEqual([])
  })

  it('gives a file that is written all the time as one of its versions, or not at all', {
    timeout: 60_000,
  }, async () => {
    const files = s3Files({ ...optionsOf(''), cacheFolder: join(root, 'parquet') })
    const write = (n: number): Promise<unknown> =>
      place.client.send(
        new PutObjectCommand({ Bucket: 'outage', Key: 'lake/busy.parquet', Body: Buffer.alloc(3 * megabyte, n % 251) }),
      )
    await write(0)
    let going = true
    const writing = (async () => {
      for (let n = 1; going; n++) await write(n)
    })()
    let [whole, refused] = [0, 0]
    for (let i = 0; i < 60; i++) {
      if (i % 10 === 5) {
        proxy.latency(30)
        setTimeout(() => proxy.reset(), 150)
        setTimeout(() => proxy.heal(), 300)
      }
      try {
        const [one] = await files.fetch('s3://outage/lake/*.parquet', () => {})
        const bytes = await readFile(one!.local)
        expect(bytes.equals(Buffer.alloc(3 * megabyte, bytes[0]))).toBe(true)
        whole += 1
      } catch (error) {
        expect(error).toMatchObject({
          code: 'SX_HISTORY_UNREADABLE',
          message: expect.stringContaining('lake/busy.parquet'),
        })
        refused += 1
      }
    }
    going = false
    await writing
    process.stdout.write(`  whole ${whole}, refused ${refused}, mixed 0\n`)
    expect(whole).toBeGreaterThan(0)
    files.close()
  })
})
