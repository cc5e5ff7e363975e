/** Collecting what nothing refers to: never what something refers to, whoever refers to it while it is collected. */
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RegistryStore } from '../../src/ports/registry-store.ts'
import { condemnedMs } from '../../src/ports/registry-store.ts'
import { asStored, referring } from '../../src/registry/index.ts'
import type { Stage } from './stage.ts'
import { ana, ben, refusal, registered, stage } from './stage.ts'

let s: Stage
beforeEach(async () => {
  s = await stage()
})
afterEach(() => s.close())

const collect = (dryRun = false) => s.registry.collect({ dryRun, olderThanMs: null }, ana, () => {})
const store = (): RegistryStore => s.metadata.registry

test('what is referred to stays; what is not is told, then deleted, then in the audit', async () => {
  const kept = (await s.registry.add('eta', await s.file(), registered, ana)).version
  const gone = (await s.registry.add('eta', await s.file(), registered, ana)).version
  await s.registry.change({ kind: 'version.deleted', model: 'eta', version: gone.version }, ana)
  const stray = await s.artifacts.put(await s.write('stray', 'put, and never registered'))
  const wanted = [gone.files[0]!, stray]
    .map(({ sha256, bytes }) => ({ sha256, bytes }))
    .sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))

  const before = await s.registry.audit({ limit: 100 })
  const told = await collect(true)
  expect(told).toEqual({
    dryRun: true,
    purged: { experiments: 0, runs: 0, loggedModels: 0 },
    artifacts: wanted,
    bytes: wanted.reduce((sum, { bytes }) => sum + bytes, 0),
    kept: { artifacts: 1, bytes: kept.files[0]!.bytes },
  })
  expect(await s.registry.audit({ limit: 100 })).toEqual(before)
  expect((await s.artifacts.size()).entries).toBe(3)

  expect(await collect()).toEqual({ ...told, dryRun: false })
  expect((await s.artifacts.size()).entries).toBe(1)
  const [entry] = await s.registry.audit({ limit: 1 })
  expect(entry).toMatchObject({
    action: 'artifacts.collected',
    actor: 'local:ana',
    details: { artifacts: wanted.map(({ sha256 }) => sha256) },
  })
  expect(await collect()).toMatchObject({ artifacts: [], bytes: 0 })
  expect(await s.registry.verifyAudit(() => {})).toMatchObject({ ok: true })
})

test('what was deleted long enough ago goes for good, with its files; a dry run tells the same', async () => {
  const { tracking } = s.metadata
  const experiment = await tracking.createExperiment({ name: 'trees', artifactLocation: null, tags: {} }, 1)
  const other = await tracking.createExperiment({ name: 'nets', artifactLocation: null, tags: {} }, 1)
  const run = async (id: string, of: string, text: string) => {
    await tracking.createRun({ id, experiment: of, name: id, user: 'ana', startedAt: 1, tags: { a: 'b' } })
    await tracking.log(id, {
      metrics: [{ key: 'm', value: 1, at: 1, step: 0, dataset: null, model: null }],
      parameters: [{ key: 'p', value: '1' }],
      tags: [],
    })
    const put = await s.artifacts.put(await s.write(text, text))
    await tracking.putFile({ path: `${of}/${id}/artifacts/${text}`, ...put, at: 1 })
    return put.sha256
  }
  const gone = await run('a'.repeat(32), experiment, 'gone')
  const kept = await run('b'.repeat(32), experiment, 'kept')
  const within = await run('c'.repeat(32), other, 'within')
  // The same contents under a run that stays, and under a version: they are kept.
  const shared = await run('d'.repeat(32), experiment, 'shared')
  await tracking.putFile({ path: `${experiment}/${'b'.repeat(32)}/artifacts/too`, sha256: shared, bytes: 6, at: 1 })
  for (const id of ['a', 'd']) await tracking.updateRun(id.repeat(32), { lifecycle: 'deleted' })
  await tracking.updateExperiment(other, { lifecycle: 'deleted' }, Date.now())
  const purge = (dryRun: boolean, olderThanMs: number) => s.registry.collect({ dryRun, olderThanMs }, ana, () => {})

  expect(await purge(false, 3_600_000)).toMatchObject({
    purged: { experiments: 0, runs: 0, loggedModels: 0 },
    artifacts: [],
  })
  await new Promise((resolve) => setTimeout(resolve, 5))
  const told = await purge(true, 0)
  expect(told.purged).toEqual({ experiments: 1, runs: 3, loggedModels: 0 })
  expect(told.artifacts.map(({ sha256 }) => sha256)).toEqual([gone, within].sort())
  expect(await tracking.run('a'.repeat(32))).not.toBeNull()
  expect(await purge(false, 0)).toEqual({ ...told, dryRun: false })
  for (const id of ['a', 'c', 'd']) expect(await tracking.run(id.repeat(32))).toBeNull()
  expect(await tracking.experiment(other)).toBeNull()
  expect(await tracking.run('b'.repeat(32))).toMatchObject({ parameters: { p: '1' } })
  for (const sha256 of [kept, shared]) expect(await s.artifacts.has(sha256)).toBe(true)
  expect((await tracking.files('', 10)).map(({ path }) => path.split('/').at(-1))).toEqual(['kept', 'too'])
})

test('what evidence refers to stays as long as its version', async () => {
  const { version } = (await s.registry.add('eta', await s.file(), registered, ana)).version
  const { sha256 } = await s.artifacts.put(await s.write('held-out', 'rows'))
  await store().change(
    {
      kind: 'evidence.recorded',
      evidence: {
        id: 'e'.repeat(64),
        model: 'eta',
        version,
        kind: 'validation',
        passed: true,
        document: {},
        artifacts: [sha256],
      },
    },
    { id: 'a'.repeat(32), actor: 'local:ana', reason: null, at: 1 },
  )
  expect((await collect()).artifacts).toEqual([])
  await s.registry.change({ kind: 'version.deleted', model: 'eta', version }, ana)
  expect((await collect()).artifacts).toHaveLength(2)
})

test('a file that was collected after it was put, and before it was referred to, is put again', async () => {
  const path = await s.file('late')
  const { sha256 } = await s.artifacts.put(path)
  // Somebody adds the file; between its put and its registration all of a collection happens.
  const beside = await s.beside()
  const put = s.artifacts.put
  let collected = 0
  Object.assign(s.artifacts, {
    put: async (from: string) => {
      const done = await put(from)
      if (collected++ === 0)
        expect((await beside.collect({ dryRun: false, olderThanMs: null }, ben, () => {})).artifacts).toHaveLength(1)
      return done
    },
  })
  const { version } = await s.registry.add('eta', path, registered, ana)
  expect(version.files[0]!.sha256).toBe(sha256)
  expect(await readFile(await s.artifacts.open(sha256), 'utf8')).toContain('late')
  expect(collected).toBe(2)
})

test('whoever no longer has the file is told to send it again, and can', async () => {
  const path = await s.file('sent')
  const { sha256, bytes } = await s.artifacts.put(path)
  await collect()
  const refer = () =>
    referring(
      store(),
      () => s.metadata.tracking.putFile({ path: '0/r/artifacts/m', sha256, bytes, at: 1 }),
      asStored(s.artifacts),
    )
  expect(await refusal(refer())).toMatchObject({ code: 'SX_ARTIFACT_CONDEMNED', retry: true })
  await s.artifacts.put(path)
  await refer()
  expect((await collect()).artifacts).toEqual([])
})

test('one who condemned and died hinders nobody for longer than a minute', async () => {
  const { sha256 } = await s.artifacts.put(await s.file())
  const now = Date.now()
  expect(await store().condemn([sha256], now - condemnedMs + 2_000)).toEqual([sha256])
  // It is another's: not deleted, and nobody may refer to it yet.
  expect((await collect()).artifacts).toEqual([])
  expect(await s.artifacts.has(sha256)).toBe(true)
  const began = performance.now()
  await referring(
    store(),
    () => s.metadata.tracking.putFile({ path: '0/r/artifacts/m', sha256, bytes: 1, at: 1 }),
    asStored(s.artifacts),
  )
  expect(performance.now() - began).toBeGreaterThan(500)
})

test('collections and registrations at once leave every version its files', { timeout: 120_000 }, async () => {
  const beside = await s.beside()
  let registering = true
  const collecting = (async () => {
    let collected = 0
    while (registering)
      collected += (await beside.collect({ dryRun: false, olderThanMs: null }, ben, () => {})).artifacts.length
    return collected
  })()
  for (let round = 0; round < 60; round++) {
    // Strays beside, so that there is always something to collect; and what was collected before comes again.
    await s.artifacts.put(await s.write('stray', `stray ${round % 5}`))
    await s.registry.add('eta', await s.file(`same ${round % 3}`), registered, ana)
    if (round % 2 === 1) {
      const [newest] = await store().versions('eta')
      await s.registry.change({ kind: 'version.deleted', model: 'eta', version: newest!.version }, ana)
    }
  }
  registering = false
  expect(await collecting).toBeGreaterThan(0)
  for (const { files } of await store().versions('eta')) for (const { sha256 } of files) await s.artifacts.open(sha256)
  expect(await s.registry.verifyAudit(() => {})).toMatchObject({ ok: true })
})

test('what one had deleted that was ended before it wrote that down, the next writes down', async () => {
  const { sha256 } = await s.artifacts.put(await s.file('lost'))
  await store().condemn([sha256], Date.now() - condemnedMs - 1)
  await s.artifacts.delete(sha256)
  expect(await store().abandoned(Date.now())).toEqual([sha256])
  expect((await collect()).artifacts).toEqual([{ sha256, bytes: 0 }])
  expect((await s.registry.audit({ limit: 1 }))[0]).toMatchObject({
    action: 'artifacts.collected',
    details: { artifacts: [sha256] },
  })
  expect(await store().abandoned(Date.now())).toEqual([])
  expect((await collect()).artifacts).toEqual([])
  // It can be put and referred to again.
  const { version } = await s.registry.add('eta', await s.file('lost'), registered, ana)
  expect(version.version).toBe(1)
})
