/** What a serving table takes: every type and value, every name, and what of PostgreSQL stands in its way. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { postgresServingTables } from '../../src/adapters/postgres/serving-tables.ts'
import type { ServingTable } from '../../src/definition/batch.ts'
import type { Column, Columns } from '../../src/ports/batch-rows.ts'
import type { ServedVersion, ServingColumn, ServingTables } from '../../src/ports/serving-tables.ts'
import type { Service } from '../services/index.ts'
import { describeWith, faultProxy, startPostgres } from '../services/index.ts'
import type { Reader } from './table-place.ts'
import { reader } from './table-place.ts'

const failpoint = Symbol.for('sixfold.failpoint')
const hook = globalThis as { [point: symbol]: unknown }

const id = (n: number): string => n.toString(16).padStart(32, '0')
const text = (name: string): ServingColumn => ({ name, type: 'string' })
const number = (name: string): ServingColumn => ({ name, type: 'float64' })

const versionOf = (
  run: number,
  table: ServingTable,
  columns: readonly ServingColumn[],
  more: Partial<ServedVersion> = {},
): ServedVersion => ({
  ...{ run: id(run), environment: 'default', batch: 'tonight', version: run, at: Date.parse('2026-11-24T20:00:00Z') },
  ...{ table, keys: 1, columns, ...more },
})

async function* once(...columns: readonly Column[]): AsyncIterable<Columns> {
  yield { rows: columns[0]!.values.length, columns }
}
const fillingOf = (expected: number, ...columns: readonly Column[]) => ({
  rows: () => once(...columns),
  expected,
  progress: () => {},
  signal: new AbortController().signal,
})
const texts = (name: string, ...values: readonly (string | null)[]): Column => ({
  name,
  type: 'string',
  values,
  valid: null,
})
const numbers = (name: string, ...values: readonly number[]): Column => ({
  ...{ name, type: 'float64', valid: null },
  values: Float64Array.from(values),
})

describeWith(['postgres'], 'a serving table', () => {
  let postgres: Service
  let sql: Reader
  let serving: ServingTables
  beforeAll(async () => {
    postgres = await startPostgres()
    sql = await reader(postgres.url)
    serving = postgresServingTables({ url: postgres.url, password: null, schema: 'sixfold', patienceMs: 2_500 })
  })
  afterAll(async () => {
    await serving?.close()
    await sql?.close()
    await postgres?.close()
  })
  const publish = async (version: ServedVersion, rows: number, ...columns: readonly Column[]): Promise<void> => {
    await serving.fill(version, fillingOf(rows, ...columns))
    expect(await serving.show(version, version.version)).toBe('shown')
  }

  it('has every type, and every value of it', async () => {
    const columns: readonly ServingColumn[] = [
      { name: 'name', type: 'string' },
      { name: 'count', type: 'int64' },
      { name: 'open', type: 'boolean' },
      { name: 'at', type: 'timestamp' },
      number('score'),
      { name: 'vector', type: 'float64[]' },
      { name: '_decision', type: 'boolean' },
    ]
    const version = versionOf(1, { schema: 'public', name: 'values' }, columns, { keys: 4 })
    const instants = [
      '2026-11-24T20:00:00.123Z',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '1970-01-01T00:00:00Z',
    ]
    await publish(
      version,
      4,
      texts('name', '', 'a\t"\\N\n', '\u{1F6EB} é', 'x'.repeat(2_000)),
      { name: 'count', type: 'int64', values: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n), valid: null },
      { name: 'open', type: 'boolean', values: Uint8Array.of(1, 0, 1, 0), valid: null },
      { name: 'at', type: 'timestamp', values: Float64Array.from(instants, Date.parse), valid: null },
      { ...numbers('score', Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324), valid: Uint8Array.of(1, 1, 1, 1) },
      texts('vector', '[]', '[1,-2.5,null]', null, '[1e300]'),
      texts('_decision', 'true', 'false', null, 'true'),
    )
    const rows = await sql.all(
      `select name, count::text, open, to_char(at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.MS') as at, score::text, vector::text, _decision from "values" order by length(name)`,
    )
    expect(rows).toEqual([
      {
        ...{ name: '', count: String(-(2n ** 63n)), open: true, at: '2026-11-24 20:00:00.123' },
        score: null,
        vector: '{}',
        _decision: true,
      },
      {
        ...{ name: '\u{1F6EB} é', count: '0', open: true, at: '9999-12-31 23:59:59.999' },
        score: '-0',
        vector: null,
        _decision: null,
      },
      {
        ...{ name: 'a\t"\\N\n', count: String(2n ** 63n - 1n), open: false, at: '0001-01-01 00:00:00.000' },
        score: 'Infinity',
        vector: '{1,-2.5,NULL}',
        _decision: false,
      },
      {
        ...{ name: 'x'.repeat(2_000), count: '-1', open: false, at: '1970-01-01 00:00:00.000' },
        score: '5e-324',
        vector: '{1e+300}',
        _decision: true,
      },
    ])
  })

  it('takes the first of rows with the same key, and says what it cannot keep', async () => {
    const table = { schema: 'public', name: 'twins' }
    const columns = [text('k'), number('v')]
    await publish(versionOf(10, table, columns), 4, texts('k', 'a', 'a', 'b', 'b'), numbers('v', 1, 2, 3, 4))
    expect(await sql.all('select k, v from twins order by k')).toEqual([
      { k: 'a', v: 1 },
      { k: 'b', v: 3 },
    ])
    const nul = serving.fill(versionOf(11, table, columns), fillingOf(1, texts('k', 'a\0'), numbers('v', 1)))
    await expect(nul).rejects.toMatchObject({ code: 'SX_SERVING_TABLE', message: expect.stringContaining('NUL') })
    // PostgreSQL would compress what repeats itself.
    const long = randomBytes(4_500).toString('hex')
    const key = serving.fill(versionOf(12, table, columns), fillingOf(1, texts('k', long), numbers('v', 1)))
    await expect(key).rejects.toMatchObject({ code: 'SX_SERVING_TABLE', message: expect.stringContaining('longer') })
    const short = serving.fill(versionOf(13, table, columns), fillingOf(2, texts('k', 'a'), numbers('v', 1)))
    await expect(short).rejects.toMatchObject({ code: 'SX_STORE_CORRUPT' })
    const broken = serving.fill(versionOf(14, table, columns), {
      ...fillingOf(1),
      rows: async function* () {
        yield* once(texts('k', 'a'), numbers('v', 1))
        throw new RangeError('unreadable')
      },
    })
    await expect(broken).rejects.toThrow(RangeError)
    for (const run of [11, 12, 13, 14]) expect(await serving.show(versionOf(run, table, columns), 99)).toBe('unfilled')
    expect(await sql.all("select 1 from pg_class where relname ~ 'serving_0{28}000[bcde]'")).toEqual([])
  })

  it.each(['x""y', '"', 'Tonight', 'select', "o'hare; drop table x", 'é'.repeat(31), 'n'.repeat(63), ' ', '$1', 'a.b'])(
    'may be called %j',
    async (name) => {
      const table = { schema: 'Odd "schema"', name }
      await sql.all('create schema if not exists "Odd ""schema"""')
      const run = 20 + Buffer.from(name).reduce((sum, byte) => sum + byte, 0)
      const columns = [text('select'), number('Value')]
      await publish(versionOf(run, table, columns), 1, texts('select', 'a'), numbers('Value', 1))
      await publish(versionOf(run + 50_000, table, columns), 1, texts('select', 'b'), numbers('Value', 2))
      const escaped = `"Odd ""schema"""."${name.replaceAll('"', '""')}"`
      expect(await sql.all(`select "select", "Value" from ${escaped}`)).toEqual([{ select: 'b', Value: 2 }])
      expect(await serving.shown(table)).toBe(id(run + 50_000))
    },
  )

  it('keeps its grants and its comment where its columns change, and gives no others', async () => {
    const table = { schema: 'public', name: 'changing' }
    await sql.all('create role one; create role two; create role three; create role "Four ""4"""')
    await sql.all('alter default privileges in schema public grant select on tables to three')
    await publish(versionOf(30, table, [text('k'), number('v')]), 1, texts('k', 'a'), numbers('v', 1))
    await sql.all(`revoke all on changing from three; grant select on changing to one with grant option;
      grant select (k, v) on changing to two; grant select on changing to "Four ""4"""; comment on view changing is 'It''s ours'`)
    const may = async (role: string, column: string): Promise<boolean> =>
      (
        await sql.all<{ may: boolean }>(
          `select has_column_privilege('${role}', 'changing', '${column}', 'select') as may`,
        )
      )[0]!.may
    await publish(versionOf(31, table, [text('k'), text('w')]), 1, texts('k', 'a'), texts('w', 'x'))
    expect(await sql.all('select k, w, _version from changing')).toEqual([{ k: 'a', w: 'x', _version: '31' }])
    const rights: boolean[] = []
    for (const asked of ['one w', 'two k', 'two w', 'three k', 'Four "4"+w'])
      rights.push(await may(...(asked.split(/[ +](?=.$)/) as [string, string])))
    expect(rights).toEqual([true, true, false, false, true])
    const [kept] = await sql.all(
      "select obj_description('changing'::regclass) as comment, has_table_privilege('one', 'changing', 'select with grant option') as option",
    )
    expect(kept).toEqual({ comment: "It's ours", option: true })
    // A view of somebody else's would go with it.
    await sql.all('create view built_on as select w from changing')
    const other = versionOf(32, table, [text('k'), number('w')])
    await serving.fill(other, fillingOf(1, texts('k', 'a'), numbers('w', 1)))
    await expect(serving.show(other, 32)).rejects.toMatchObject({
      code: 'SX_SERVING_TABLE',
      message: expect.stringContaining('built_on'),
    })
    expect(await serving.shown(table)).toBe(id(31))
    await sql.all('alter default privileges in schema public revoke select on tables from three')
  })

  it('is whole for a transaction that began before it was filled', async () => {
    const table = { schema: 'public', name: 'early' }
    const columns = [text('k'), number('v')]
    await publish(versionOf(35, table, columns), 1, texts('k', 'a'), numbers('v', 1))
    const early = await reader(postgres.url)
    await early.all('begin isolation level repeatable read')
    await early.all('select 1 from pg_class limit 1')
    await publish(versionOf(36, table, columns), 2, texts('k', 'a', 'b'), numbers('v', 2, 3))
    expect(await early.all('select k, v from early order by k')).toEqual([
      { k: 'a', v: 2 },
      { k: 'b', v: 3 },
    ])
    await early.close()
  })

  it('waits for nobody forever, and holds nobody up for long', async () => {
    const table = { schema: 'public', name: 'held' }
    const columns = [text('k'), number('v')]
    await publish(versionOf(40, table, columns), 1, texts('k', 'a'), numbers('v', 1))
    const holding = await reader(postgres.url)
    await holding.all('begin')
    await holding.all('select * from held')
    const next = versionOf(41, table, columns)
    await serving.fill(next, fillingOf(1, texts('k', 'b'), numbers('v', 2)))
    const showing = serving.show(next, 41)
    const began = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await sql.all('select k from held')).toEqual([{ k: 'a' }])
    expect(performance.now() - began).toBeLessThan(2_000)
    await expect(showing).rejects.toMatchObject({
      code: 'SX_STORE_UNAVAILABLE',
      message: expect.stringContaining('open for long'),
    })
    await holding.all('commit')
    expect(await serving.show(next, 41)).toBe('shown')
    // What a reader still reads goes later.
    await holding.all('begin')
    await holding.all('select * from held')
    await serving.drop(id(41))
    await serving.drop(id(40))
    expect(await sql.all(`select 1 from pg_class where relname = 'serving_${id(40)}'`)).toEqual([])
    expect(await holding.all('select k from held')).toEqual([{ k: 'b' }])
    await holding.close()
  })

  it('is not made where it is not wanted, and nothing of others is touched', async () => {
    const check = (schema: string, name: string) =>
      serving.check({ environment: 'default', batch: 'tonight', table: { schema, name } })
    await sql.all(`create table public.theirs (a int); create view public.theirs_too as select 1 as a; create sequence public."Numbers";
      create role owner_of_it; create schema theirs authorization owner_of_it`)
    for (const name of ['theirs', 'theirs_too', 'Numbers'])
      await expect(check('public', name)).rejects.toMatchObject({
        code: 'SX_SERVING_TABLE',
        message: expect.stringContaining('did not make it'),
      })
    await expect(check('nowhere', 'x')).rejects.toMatchObject({
      code: 'SX_SERVING_TABLE',
      fix: expect.stringContaining('create schema "nowhere"'),
    })
    await sql.all('create role small login; create schema sixfold_small authorization small')
    const url = postgres.url.replace('sixfold@', 'small@')
    const small = postgresServingTables({ url, password: null, schema: 'sixfold_small', patienceMs: 2_500 })
    try {
      const table = { schema: 'theirs', name: 'x' }
      await expect(small.check({ environment: 'default', batch: 'tonight', table })).rejects.toMatchObject({
        ...{ code: 'SX_STORE_DENIED', fix: 'As its owner: grant usage, create on schema "theirs" to "small";' },
      })
    } finally {
      await small.close()
    }
    expect(await sql.all('select * from public.theirs')).toEqual([])
  })

  it.each(['reset', 'halfOpen'] as const)(
    'is whole after a network that fails: %s',
    async (fault) => {
      const network = await faultProxy(postgres.port)
      const url = postgres.url.replace(String(postgres.port), String(network.port))
      const over = postgresServingTables({ url, password: null, schema: 'sixfold', patienceMs: 1_000 })
      const table = { schema: 'public', name: `over_${fault.toLowerCase()}` }
      const columns = [text('k'), number('v')]
      try {
        const run = fault === 'reset' ? 50 : 55
        const one = versionOf(run, table, columns)
        await over.fill(one, fillingOf(1, texts('k', 'a'), numbers('v', 1)))
        expect(await over.show(one, 1)).toBe('shown')
        // In the middle of the rows.
        const two = versionOf(run + 1, table, columns)
        const keys = Array.from({ length: 50_000 }, (_, i) => `${String(i).padStart(9, '0')}${'x'.repeat(500)}`)
        const rows = fillingOf(keys.length, texts('k', ...keys), {
          ...numbers('v'),
          values: new Float64Array(keys.length),
        })
        const broken = over.fill(two, {
          ...rows,
          progress: (done) => {
            if (done > 0.3 && done < 0.5) network[fault]()
          },
        })
        await expect(broken).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
        network.heal()
        expect(await over.show(two, 2)).toBe('unfilled')
        await over.fill(two, rows)
        // And in the flip, whose answer is lost: it happened, or it did not.
        hook[failpoint] = (name: string): void => {
          if (name === 'publish: before the table is shown') network[fault]()
        }
        await expect(over.show(two, 2)).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE' })
        delete hook[failpoint]
        const [found] = await sql.all(`select count(*)::int as rows from public.over_${fault.toLowerCase()}`)
        expect([{ rows: 1 }, { rows: 50_000 }]).toContainEqual(found)
        network.heal()
        expect(await over.show(two, 2)).toBe('shown')
        expect(await sql.all(`select count(*)::int as rows from public.over_${fault.toLowerCase()}`)).toEqual([
          { rows: 50_000 },
        ])
      } finally {
        delete hook[failpoint]
        await over.close()
        await network.close()
      }
    },
    60_000,
  )

  it('is filled in memory that does not grow with its rows', async () => {
    const [rows, some] = [800_000, 20_000]
    const version = versionOf(60, { schema: 'public', name: 'many' }, [
      text('k'),
      { name: 'n', type: 'int64' },
      number('v'),
    ])
    let most = 0
    await serving.fill(version, {
      rows: async function* () {
        for (let from = 0; from < rows; from += some) {
          const keys = Array.from({ length: some }, (_, i) => `${String(from + i).padStart(9, '0')}-${'x'.repeat(100)}`)
          const n = BigInt64Array.from({ length: some }, (_, i) => BigInt(from + i))
          most = Math.max(most, process.memoryUsage().arrayBuffers)
          yield* [
            {
              rows: some,
              columns: [
                texts('k', ...keys),
                { name: 'n', type: 'int64', values: n, valid: null } as Column,
                numbers('v', ...Array.from(n, Number)),
              ],
            },
          ]
        }
      },
      ...{ expected: rows, progress: () => {}, signal: new AbortController().signal },
    })
    await serving.show(version, 60)
    expect(await sql.all('select count(*)::int as rows, sum(n)::text as sum from many')).toEqual([
      { rows, sum: String((BigInt(rows) * BigInt(rows - 1)) / 2n) },
    ])
    // More than 100 MB went through.
    expect(most).toBeLessThan(50_000_000)
  }, 60_000)
})
