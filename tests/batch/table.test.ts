/** A batch as a table of a real PostgreSQL: what readers of SQL see of it, whatever happens meanwhile. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { postgresServingTables } from '../../src/adapters/postgres/serving-tables.ts'
import type { Opened } from '../../src/runtime/open.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import type { Reader, TablePlace } from './table-place.ts'
import { platformWith, reader, tablePlace } from './table-place.ts'

const execute = promisify(execFile)
const program = ['../../node_modules/jiti/lib/jiti-cli.mjs', './table-killed.ts'].map((path) =>
  join(import.meta.dirname, path),
)
const failpoint = Symbol.for('sixfold.failpoint')
const hook = globalThis as { [point: symbol]: unknown }
const who = { actor: 'test', reason: 'a test' }

describeWith(['postgres'], 'a batch as a table', () => {
  let postgres: Service
  let place: TablePlace
  let opened: Opened
  let sql: Reader
  beforeAll(async () => {
    postgres = await startPostgres()
    place = await tablePlace(postgres.url)
    sql = await reader(postgres.url)
    opened = await place.open(platformWith('tonight'))
  })
  afterAll(async () => {
    await opened?.close()
    await sql?.close()
    await postgres?.close()
    place?.remove()
  })
  const tables = async (): Promise<readonly string[]> =>
    (
      await sql.all<{ name: string }>(
        `select relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where nspname = 'sixfold' and relname ~ '^serving_[0-9a-f]{32}$' and relkind = 'r'`,
      )
    ).map(({ name }) => name)
  const seen = async (): Promise<object> =>
    (
      await sql.all(
        'select count(*)::int as rows, min(_version)::int as least, max(_version)::int as most from tonight',
      )
    )[0]!
  /** The next night's run, up to before its publication. */
  const passed = async (): Promise<string> => {
    place.clock.advanceTo(place.clock.now() + 86_400_000)
    const { id } = await opened.batches.begin('tonight', { actor: 'test' })
    await opened.batches.plan(id)
    await opened.batches.score(id, null)
    expect((await opened.batches.audit(id)).run.state).toBe('passed')
    return id
  }

  it('is read with SQL once it is live, as it is looked up', async () => {
    await place.shops(1_000, 'i / 512')
    expect(await place.night(opened)).toMatchObject({ state: 'published', version: 1 })
    const rows = await sql.all('select * from tonight order by busy desc limit 1')
    const asOf = new Date(place.clock.now())
    expect(rows).toEqual([{ shop: 's999', busy: 1.951171875, _decision: true, _version: '1', _as_of: asOf }])
    const [answer] = await opened.batches.lookup('tonight', [{ shop: 's999' }])
    expect(answer).toMatchObject({ outputs: { busy: 1.951171875 }, decision: true, version: 1, asOf: asOf.getTime() })
    const types = await sql.all(
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = 'public' and table_name = 'tonight' order by ordinal_position`,
    )
    expect(types).toEqual([
      { name: 'shop', type: 'text' },
      { name: 'busy', type: 'double precision' },
      { name: '_decision', type: 'boolean' },
      { name: '_version', type: 'bigint' },
      { name: '_as_of', type: 'timestamp with time zone' },
    ])
    const plan = await sql.all<{ 'QUERY PLAN': string }>("explain select * from tonight where shop = 's7'")
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('_pkey')
  })

  it('is whole for whoever reads it during 20 flips, and its grants stay', async () => {
    await sql.all('create role analyst')
    await sql.all('grant usage on schema public to analyst; grant select on tonight to analyst')
    await place.shops(2_000, 'i / 512')
    expect(await place.night(opened)).toMatchObject({ state: 'published', version: 2 })
    const reading = await reader(postgres.url)
    await reading.all('set role analyst')
    const sights = new Map<string, number>()
    let over = false
    const polling = (async () => {
      while (!over) {
        const [one] = await reading.all<{ rows: number; least: number; most: number; sum: number }>(
          `select count(*)::int as rows, min(_version)::int as least, max(_version)::int as most, sum(busy)::float8 as sum from tonight`,
        )
        const sight = JSON.stringify(one)
        sights.set(sight, (sights.get(sight) ?? 0) + 1)
      }
    })()
    for (let i = 0; i < 20; i++) {
      place.clock.advanceTo(place.clock.now() + 1)
      await opened.batches.rollback('tonight', i % 2 === 0 ? 1 : 2, who)
    }
    over = true
    await polling
    await reading.close()
    const sum = (rows: number): number => ((rows - 1) * rows) / 2 / 512
    expect([...sights.keys()].toSorted()).toEqual([
      JSON.stringify({ rows: 1000, least: 1, most: 1, sum: sum(1_000) }),
      JSON.stringify({ rows: 2000, least: 2, most: 2, sum: sum(2_000) }),
    ])
    expect(await seen()).toEqual({ rows: 2000, least: 2, most: 2 })
  }, 120_000)

  it('goes back to a version whose table is gone, and fills it again', async () => {
    const first = (await opened.batches.show('tonight', '1')).run.id
    await sql.all(`drop table sixfold.serving_${first}`)
    place.clock.advanceTo(place.clock.now() + 1)
    await opened.batches.rollback('tonight', 1, who)
    expect(await seen()).toEqual({ rows: 1000, least: 1, most: 1 })
    place.clock.advanceTo(place.clock.now() + 1)
    await opened.batches.rollback('tonight', 2, who)
  })

  it('keeps the tables of versions that are kept, and of others those that somebody reads', async () => {
    const second = (await opened.batches.show('tonight', '2')).run.id
    await sql.all(`create view theirs as select shop from sixfold.serving_${second}`)
    for (const version of [3, 4, 5]) {
      await place.shops(1_000 + version, 'i / 512')
      expect(await place.night(opened)).toMatchObject({ state: 'published', version })
    }
    expect(await seen()).toEqual({ rows: 1005, least: 5, most: 5 })
    const kept = await Promise.all(
      ['2', '4', '5'].map(async (one) => `serving_${(await opened.batches.show('tonight', one)).run.id}`),
    )
    expect((await tables()).toSorted()).toEqual(kept.toSorted())
    // It goes with the first that comes by after its reader is gone.
    await sql.all('drop view theirs')
    await place.shops(1_000, 'i / 512')
    await place.night(opened)
    expect(await tables()).not.toContain(`serving_${second}`)
  })

  it.each([
    'publish: rows copied',
    'publish: before the table is shown',
    'publish: table shown',
    'publish: after the pointer',
  ])(
    'is whole after kill -9 at "%s", and the run goes on',
    async (point) => {
      const before = await seen()
      await place.shops(1_500, 'i / 512')
      const id = await passed()
      const killed = execute(process.execPath, [
        ...program,
        ...[point, place.folder, postgres.url, id, String(place.clock.now()), 'SIGKILL'],
      ])
      await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL', stdout: '' })
      const { version } = (await opened.batches.show('tonight', 'latest')).run
      const now = { rows: 1500, least: version, most: version }
      expect(await seen()).toEqual(/shown$|pointer$/.test(point) && !/before/.test(point) ? now : before)
      const left = await tables()
      expect(left.includes(`serving_${id}`)).toBe(point !== 'publish: rows copied')
      await eventually(() => opened.batches.resume(id))
      expect(await seen()).toEqual(now)
      expect((await opened.batches.show('tonight', 'live')).run.id).toBe(id)
    },
    60_000,
  )

  it('is put right where a publication broke off between the table and the pointer', async () => {
    const live = await seen()
    await place.shops(1_600, 'i / 512')
    const id = await passed()
    hook[failpoint] = (name: string): void => {
      if (name === 'publish: table shown') throw new Error('broken off')
    }
    await expect(eventually(() => opened.batches.resume(id))).rejects.toThrow('broken off')
    delete hook[failpoint]
    expect(await seen()).toMatchObject({ rows: 1600 })
    await opened.batches.cancel(id, who)
    await opened.batches.align()
    expect(await seen()).toEqual(live)
  })

  it('cannot be set by one who lost the lease after another set it', async () => {
    const { run } = await opened.batches.show('tonight', 'live')
    const url = postgres.url
    const serving = postgresServingTables({ url, password: null, schema: 'sixfold', patienceMs: 4_000 })
    const table = { schema: 'public', name: 'tonight' }
    const version = {
      run: run.id,
      environment: 'default',
      batch: 'tonight',
      version: 1,
      at: 0,
      table,
      keys: 1,
      columns: [],
    }
    try {
      const older = (await tables()).find((name) => name !== `serving_${run.id}`)!.slice('serving_'.length)
      expect(await serving.show({ ...version, run: older }, 0)).toEqual({ run: run.id })
      expect(await serving.shown(table)).toBe(run.id)
      // A memory of batches that was lost counts anew: a run that it does not know is no reason to wait.
      expect(await serving.show({ ...version, run: older }, 1, run.id)).toBe('shown')
      expect(await serving.show({ ...version }, 0)).toEqual({ run: older })
      expect(await serving.show({ ...version, run: 'f'.repeat(32) }, 2)).toBe('unfilled')
      expect(await serving.show(version, 2)).toBe('shown')
      const strange = { ...version, environment: 'staging' }
      await expect(serving.show(strange, 99)).rejects.toMatchObject({ code: 'SX_SERVING_TABLE' })
    } finally {
      await serving.close()
    }
  })

  it('is not set by a process that stood still until another had published', async () => {
    await place.shops(1_620, 'i / 512')
    const older = await passed()
    const still = spawn(process.execPath, [
      ...program,
      ...['publish: table filled', place.folder, postgres.url, older, String(place.clock.now()), 'SIGSTOP'],
    ])
    let said = ''
    still.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    await vi.waitFor(async () => expect(await tables()).toContain(`serving_${older}`), 20_000)
    await place.shops(1_650, 'i / 512')
    const newer = await passed()
    await eventually(() => opened.batches.resume(newer))
    const now = await seen()
    expect(now).toMatchObject({ rows: 1650 })
    still.kill('SIGCONT')
    expect((await once(still, 'close'))[0]).toBe(1)
    expect(said).toContain('SX_BATCH_BUSY')
    expect(await seen()).toEqual(now)
    expect((await opened.batches.show('tonight', 'live')).run.id).toBe(newer)
  }, 60_000)

  it('is made by a server where it was asked for after the version went live', async () => {
    const asked = await place.open(platformWith('"later"'), { serving: true })
    try {
      await vi.waitFor(
        async () =>
          expect(await sql.all('select count(*)::int as rows from public."""later"""')).toEqual([{ rows: 1650 }]),
        10_000,
      )
      const { stores } = await asked.status()
      expect(stores.find(({ port }) => port === 'serving')?.report).toMatchObject({
        technology: 'PostgreSQL',
        problems: [],
      })
    } finally {
      await asked.close()
    }
  })

  it('stays as it was while PostgreSQL is away, and the run goes on once it is there', async () => {
    await place.shops(1_700, 'i / 512')
    const live = (await opened.batches.show('tonight', 'live')).run.version
    await sql.close()
    await postgres.stop()
    place.clock.advanceTo(place.clock.now() + 86_400_000)
    const { id } = await opened.batches.begin('tonight', { actor: 'test' })
    await expect(opened.batches.run(id)).rejects.toMatchObject({
      ...{ code: 'SX_STORE_UNAVAILABLE', status: 503, fix: expect.stringContaining('sixfold batch resume tonight@') },
    })
    const failed = (await opened.batches.show('tonight', 'latest')).run
    expect([failed.state, (await opened.batches.show('tonight', 'live')).run.version]).toEqual(['passed', live])
    expect((await opened.batches.lookup('tonight', [{ shop: 's1' }]))[0]).toMatchObject({ version: live })
    await postgres.start()
    sql = await reader(postgres.url)
    expect(await seen()).toMatchObject({ most: live })
    expect((await opened.batches.resume(id)).run.state).toBe('published')
    expect(await seen()).toMatchObject({ rows: 1700, most: failed.version })
  }, 60_000)

  it('is filled again where PostgreSQL starts anew in the middle', async () => {
    await place.shops(1_800, 'i / 512')
    // What works for a connection outlives what started it by some milliseconds, in which it may be done.
    let times = 0
    for (let tries = 0; tries < 5 && times < 2; tries++) {
      const id = await passed()
      times = 0
      hook[failpoint] = (name: string): void => {
        if (name === 'publish: rows copied' && times++ === 0) void postgres.kill().then(() => postgres.start())
      }
      await sql.close()
      try {
        await eventually(() => opened.batches.resume(id))
      } finally {
        delete hook[failpoint]
      }
      sql = await reader(postgres.url)
      expect(await seen()).toMatchObject({ rows: 1800 })
    }
    expect(times).toBeGreaterThan(1)
  }, 60_000)

  it('is published by two processes at once, one version after another', async () => {
    const other = await place.open(platformWith('tonight'))
    try {
      await place.shops(1_900, 'i / 512')
      const [one, two] = [await passed(), await passed()]
      await Promise.all([eventually(() => opened.batches.resume(one)), eventually(() => other.batches.resume(two))])
      const { run } = await opened.batches.show('tonight', 'live')
      expect(run.id).toBe(two)
      expect(await seen()).toMatchObject({ rows: 1900, least: run.version, most: run.version })
    } finally {
      await other.close()
    }
  })
})

describeWith(['postgres'], 'the place of a serving table', () => {
  it('is that of the metadata, where no other is named; without any it is asked for', async () => {
    const postgres = await startPostgres()
    const place = await tablePlace(postgres.url)
    const sql = await reader(postgres.url)
    try {
      const nowhere = place.open(platformWith('risk.tonight'), { stores: {} })
      await expect(nowhere).rejects.toMatchObject({
        code: 'SX_CONFIG_INVALID',
        fix: expect.stringContaining('SIXFOLD_SERVING_URL'),
      })
      const opened = await place.open(platformWith('risk.tonight'), { stores: { metadata: postgres.url } })
      try {
        await place.shops(1_000, 1)
        const begun = opened.batches.begin('tonight', { actor: 'test' })
        await expect(begun).rejects.toMatchObject({
          code: 'SX_SERVING_TABLE',
          fix: expect.stringContaining('create schema "risk"'),
        })
        await sql.all('create schema risk')
        hook[failpoint] = (name: string): void => {
          if (name === 'publish: table shown') throw new Error('broken off')
        }
        await expect(place.night(opened)).rejects.toThrow('broken off')
        delete hook[failpoint]
        // The first of all got ahead of the pointer, and never goes live.
        expect(await sql.all('select count(*)::int as rows from risk.tonight')).toEqual([{ rows: 1000 }])
        await opened.batches.cancel((await opened.batches.show('tonight', 'latest')).run.id, who)
        await opened.batches.align()
        await expect(sql.all('select * from risk.tonight')).rejects.toMatchObject({ code: '42P01' })
        expect(await place.night(opened)).toMatchObject({ state: 'published' })
        expect(await sql.all('select count(*)::int as rows from risk.tonight')).toEqual([{ rows: 1000 }])
      } finally {
        await opened.close()
      }
    } finally {
      await sql.close()
      await postgres.close()
      place.remove()
    }
  })
})

/** Whoever died or is busy holds its lease for two seconds more; a service that starts takes a moment. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++)
    try {
      return await work()
    } catch (error) {
      const { code } = error as { readonly code?: string }
      if (!['SX_BATCH_BUSY', 'SX_STORE_UNAVAILABLE', 'SX_REGISTRY_CONFLICT'].includes(code ?? '') || tries > 40)
        throw error
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
}
