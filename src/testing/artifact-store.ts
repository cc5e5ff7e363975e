/**
 * The laws of the artifact store, as cases for any adapter. Each case opens stores of its own and closes them.
 *
 * What a store does when it is away is not here: that takes the store's own process, and each adapter tests it beside this.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, open as openFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashOfFile } from '../kernel/files.ts'
import { sha256 as sha256Of } from '../kernel/hash.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

export interface ArtifactStoreSetup {
  /** A fresh, empty store. */
  open(): Promise<ArtifactStore>
  /** Another store over the data of this one, as another process would open it: beside it, without what this one keeps by itself. */
  again(store: ArtifactStore): Promise<ArtifactStore>
  /** Puts these bytes in the place of a stored artifact, behind the store's back; null takes it away. */
  damage(store: ArtifactStore, sha256: string, bytes: Uint8Array | null): Promise<void>
}

const megabyte = 1024 * 1024

export function artifactStoreCases(setup: ArtifactStoreSetup): readonly ContractCase[] {
  interface Given {
    readonly store: ArtifactStore
    /** Another over the same data. */
    another(): Promise<ArtifactStore>
    /** A file with these bytes. */
    file(bytes: Uint8Array): Promise<string>
  }
  const named = (name: string, body: (given: Given) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sixfold-artifacts-'))
      const opened = [await setup.open()]
      let files = 0
      try {
        await body({
          store: opened[0]!,
          another: async () => {
            const store = await setup.again(opened[0]!)
            opened.push(store)
            return store
          },
          file: async (bytes) => {
            files += 1
            const path = join(folder, `file-${files}`)
            await writeFile(path, bytes)
            return path
          },
        })
      } finally {
        for (const store of opened) await store.close()
        await rm(folder, { recursive: true })
      }
    },
  })

  return [
    named('gives back what was put, by its SHA-256', async ({ store, file }) => {
      const bytes = randomBytes(100_000)
      const put = await store.put(await file(bytes))
      equal(put, { sha256: sha256Of(bytes), bytes: bytes.length }, 'what put tells')
      check(bytes.equals(await readFile(await store.open(put.sha256))), 'open gives other bytes than were put')
    }),
    named('keeps a file of no bytes', async ({ store, file, another }) => {
      const { sha256, bytes } = await store.put(await file(new Uint8Array()))
      equal(bytes, 0, 'bytes')
      equal((await readFile(await (await another()).open(sha256))).length, 0, 'bytes that are opened')
      equal(await store.size(), { entries: 1, bytes: 0 }, 'size')
    }),
    named('keeps a file of 20 MB', async ({ store, file, another }) => {
      const bytes = randomBytes(20 * megabyte)
      const { sha256 } = await store.put(await file(bytes))
      equal(sha256, sha256Of(bytes), 'SHA-256')
      equal((await hashOfFile(await (await another()).open(sha256))).sha256, sha256, 'SHA-256 of what is opened')
    }),
    named('is one artifact where the same contents are put twice, under any name', async ({ store, file }) => {
      const bytes = randomBytes(1_000)
      const first = await store.put(await file(bytes))
      equal(await store.put(await file(bytes)), first, 'the second put')
      equal(await store.size(), { entries: 1, bytes: 1_000 }, 'size')
    }),
    named('is one artifact where several put the same at once', async ({ store, file, another }) => {
      const bytes = randomBytes(9 * megabyte)
      const stores = [store, await another()]
      const path = await file(bytes)
      const put = await Promise.all(Array.from({ length: 4 }, (_, i) => stores[i % 2]!.put(path)))
      for (const one of put) equal(one, { sha256: sha256Of(bytes), bytes: bytes.length }, 'what put tells')
      equal(await store.size(), { entries: 1, bytes: bytes.length }, 'size')
      const opened = await Promise.all(Array.from({ length: 4 }, (_, i) => stores[i % 2]!.open(put[0]!.sha256)))
      for (const one of opened) equal((await hashOfFile(one)).sha256, put[0]!.sha256, 'SHA-256 of what is opened')
    }),
    named(
      'shows what was put to whoever opens the same data, and after a reopening',
      async ({ store, file, another }) => {
        const bytes = randomBytes(5_000)
        const { sha256 } = await store.put(await file(bytes))
        const other = await another()
        equal(await other.has(sha256), true, 'has')
        check(bytes.equals(await readFile(await other.open(sha256))), 'another store gives other bytes than were put')
        await store.close()
        check(
          bytes.equals(await readFile(await (await another()).open(sha256))),
          'a store opened later gives other bytes',
        )
      },
    ),
    named('tells what it has and how much', async ({ store, file }) => {
      equal(await store.size(), { entries: 0, bytes: 0 }, 'size of an empty store')
      equal(await store.has('0'.repeat(64)), false, 'has, of nothing')
      const put = []
      for (const length of [10, 20, 30]) put.push(await store.put(await file(randomBytes(length))))
      for (const { sha256 } of put) equal(await store.has(sha256), true, 'has')
      equal(await store.size(), { entries: 3, bytes: 60 }, 'size')
    }),
    named(
      'finds other contents than the name says, and takes the right ones again',
      async ({ store, file, another }) => {
        const bytes = randomBytes(3_000)
        const path = await file(bytes)
        const { sha256 } = await store.put(path)
        const changed = Uint8Array.from(bytes)
        changed[1_500]! ^= 1
        for (const wrong of [changed, bytes.subarray(0, 2_999), new Uint8Array()]) {
          await setup.damage(store, sha256, wrong)
          await rejects(
            another().then((one) => one.open(sha256)),
            'SX_ARTIFACT_CORRUPT',
            'open of a damaged artifact',
          )
        }
        await store.put(path)
        check(bytes.equals(await readFile(await (await another()).open(sha256))), 'put again did not mend it')
      },
    ),
    named('says that an artifact is gone, or was never there', async ({ store, file, another }) => {
      const { sha256 } = await store.put(await file(randomBytes(50)))
      await setup.damage(store, sha256, null)
      equal(await store.has(sha256), false, 'has')
      for (const missing of [sha256, 'f'.repeat(64)])
        await rejects(
          another().then((one) => one.open(missing)),
          'SX_ARTIFACT_CORRUPT',
          'open of a missing artifact',
        )
    }),
    named('lists all that it has, however many, and nothing else', async ({ store, file, another }) => {
      equal(await listed(store), [], 'list of an empty store')
      const put = []
      for (let i = 0; i < 40; i++) put.push(await store.put(await file(randomBytes(i))))
      put.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
      equal(await listed(store), put, 'list')
      equal(await listed(await another()), put, 'list of another store over the same data')
    }),
    named(
      'no longer has what was deleted, wherever it is asked for, and takes it again',
      async ({ store, file, another }) => {
        const bytes = randomBytes(4_000)
        const path = await file(bytes)
        const kept = await store.put(await file(randomBytes(10)))
        const { sha256 } = await store.put(path)
        await store.open(sha256)
        await store.delete(sha256)
        for (const where of [store, await another()]) {
          equal(await where.has(sha256), false, 'has')
          equal(await listed(where), [kept], 'list')
          await rejects(where.open(sha256), 'SX_ARTIFACT_CORRUPT', 'open of a deleted artifact')
        }
        await store.put(path)
        check(bytes.equals(await readFile(await store.open(sha256))), 'put again did not bring it back')
      },
    ),
    named('deletes what is not there without a complaint, also twice at once', async ({ store, file, another }) => {
      const { sha256 } = await store.put(await file(randomBytes(10)))
      const other = await another()
      await Promise.all([store.delete(sha256), other.delete(sha256), store.delete('f'.repeat(64))])
      await store.delete(sha256)
      equal(await store.size(), { entries: 0, bytes: 0 }, 'size')
    }),
    named('lets one who has it open read on when it is deleted', async ({ store, file }) => {
      const bytes = randomBytes(3 * megabyte)
      const { sha256 } = await store.put(await file(bytes))
      const reader = await openFile(await store.open(sha256), 'r')
      try {
        const first = Buffer.alloc(megabyte)
        await reader.read(first, 0, megabyte, 0)
        await store.delete(sha256)
        const rest = Buffer.alloc(2 * megabyte)
        await reader.read(rest, 0, rest.length, megabyte)
        check(bytes.equals(Buffer.concat([first, rest])), 'the reader got other bytes')
      } finally {
        await reader.close()
      }
    }),
    named('refuses a file that is not there, or is none, and keeps nothing of it', async ({ store, file }) => {
      const path = await file(new Uint8Array())
      await rejects(store.put(`${path}-gone`), 'SX_ARTIFACT_INVALID', 'put of a missing file')
      await rejects(store.put(join(path, '..')), 'SX_ARTIFACT_INVALID', 'put of a folder')
      equal(await store.size(), { entries: 0, bytes: 0 }, 'size')
    }),
    named('leaves the file that is put as it is, and nothing beside it', async ({ store, file }) => {
      const bytes = randomBytes(2_000)
      const path = await file(bytes)
      await store.put(path)
      check(bytes.equals(await readFile(path)), 'the file was changed')
      equal((await readdir(join(path, '..'))).length, 1, 'files in its folder')
    }),
    named('reports on itself without a problem', async ({ store, file }) => {
      await store.put(await file(randomBytes(10)))
      const report = await store.inspect()
      equal(report.problems, [], 'problems')
      check(report.roundTripMs !== null && report.roundTripMs >= 0, 'the round trip was not measured')
      equal(await store.size(), { entries: 1, bytes: 10 }, 'size after it')
    }),
  ]
}

/** By SHA-256. */
async function listed(store: ArtifactStore): Promise<readonly { readonly sha256: string; readonly bytes: number }[]> {
  const all = []
  for await (const one of store.list()) all.push(one)
  return all.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
}
