/** Histories that cannot be read, or do not fit their source: told by source, file and column, and nothing has changed. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { count, entity, isSixfoldError, last, manualClock, parquet, platform, source, view } from '../../src/index.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { workbench } from '../../src/runtime/workbench.ts'

const courier = entity('courier', { key: { courier: 'string' } })
const deliveries = source('deliveries', {
  fields: { courier: 'string', minutes: 'float64', parcels: 'int64', at: 'timestamp' },
  time: 'at',
  history: parquet('history.parquet'),
  zone: 'UTC',
})
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes }) => ({ n: count().ever(), latest: last(minutes).ever() }),
})
const definitions = platform({ courier, deliveries, pace })

let folder: string
let opened: Opened
let sql: (statement: string) => Promise<unknown>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sixfold-history-'))
  opened = await open(definitions, {
    project: folder,
    data: join(folder, 'data'),
    clock: manualClock(Date.parse('2024-05-02')),
  })
  const db = await (await DuckDBInstance.create(':memory:')).connect()
  sql = (statement) => db.run(statement)
  await write(columns)
  await opened.materialize('pace', again, () => {})
})
afterAll(async () => {
  await opened.close()
  await rm(folder, { recursive: true, force: true })
})

const again = { through: null, rebuild: true }
const columns = {
  courier: "'ann'",
  minutes: '12.5::DOUBLE',
  parcels: '3::BIGINT',
  at: "TIMESTAMP '2024-05-01 10:00:00'",
}
const file = (): string => join(folder, 'history.parquet')
async function write(of: { readonly [column: string]: string }, where = ''): Promise<void> {
  await rm(file(), { recursive: true, force: true })
  const list = Object.entries(of).map(([name, value]) => `${value} AS "${name}"`)
  await sql(`COPY (SELECT ${list.join(', ')} ${where}) TO '${file()}' (FORMAT parquet)`)
}
const without = (column: string): { readonly [column: string]: string } =>
  Object.fromEntries(Object.entries(columns).filter(([name]) => name !== column))

type Reader = 'inspect' | 'materialize' | 'training set'
const readers: readonly Reader[] = ['inspect', 'materialize', 'training set']

/** Whatever is to read the history says the same, and what was there before is there after. */
async function refused(code: string, by: readonly Reader[], ...says: readonly string[]): Promise<void> {
  const labels = join(folder, 'labels.parquet')
  const out = join(folder, 'set.parquet')
  await sql(`COPY (SELECT 'ann' AS courier, TIMESTAMPTZ '2024-05-01 12:00:00Z' AS t) TO '${labels}' (FORMAT parquet)`)
  const before = await state()
  const asked: { readonly [R in Reader]: () => Promise<unknown> } = {
    inspect: () => workbench(opened).inspect('deliveries'),
    materialize: () => opened.materialize('pace', again, () => {}),
    'training set': () =>
      workbench(opened).trainingSet({ labels, at: 't', zone: null, out, model: null, views: ['pace'] }, () => {}),
  }
  for (const reader of by) {
    const error: unknown = await asked[reader]().then(
      () => null,
      (reason: unknown) => reason,
    )
    if (!isSixfoldError(error)) throw new Error(`${reader} took it, or failed otherwise: ${String(error)}`)
    expect(error.code).toBe(code)
    for (const text of ["source 'deliveries'", 'history.parquet', ...says])
      expect(`${error.message} ${error.fix}`).toContain(text)
  }
  expect(await state()).toEqual(before)
  expect(await readdir(folder)).not.toContain('set.parquet')
}
async function state(): Promise<unknown> {
  const { views, topics, store } = await opened.status()
  return { views, topics, store, ann: (await opened.readFeatures('pace', { courier: 'ann' }, undefined)).features }
}

describe('unreadable', () => {
  test('there is no file', async () => {
    await rm(file(), { force: true })
    await refused('SX_HISTORY_UNREADABLE', readers, 'exists')
  })
  test('a folder', async () => {
    await mkdir(file())
    await refused('SX_HISTORY_UNREADABLE', readers)
    await rm(file(), { recursive: true })
  })
  test.each([
    ['empty', ''],
    ['a text', 'courier,minutes\nann,3\n'.repeat(100)],
    ['its magic alone', 'PAR1PAR1'],
    ['two magics around nothing', `PAR1${'\0'.repeat(64)}PAR1`],
  ])('%s', async (_, bytes) => {
    await writeFile(file(), bytes)
    await refused('SX_HISTORY_UNREADABLE', readers, 'Parquet')
  })
  test('a file that ends too early', async () => {
    await write(columns)
    const whole = await readFile(file())
    for (const share of [0.1, 0.5, 0.95]) {
      await writeFile(file(), whole.subarray(0, Math.floor(whole.length * share)))
      await refused('SX_HISTORY_UNREADABLE', readers, 'Parquet')
    }
  })
  test('a file whose pages are damaged, though its end is whole', async () => {
    await write({ ...columns, courier: "concat('c', i)" }, 'FROM range(20000) t(i)')
    const damaged = await readFile(file())
    damaged.fill(0xff, 8, Math.floor(damaged.length / 2))
    await writeFile(file(), damaged)
    await refused('SX_HISTORY_UNREADABLE', readers)
  })
})

describe('of another form than the source', () => {
  /** The view has no use for parcels, and does not read them. */
  const readersOf = (column: string): readonly Reader[] => (column === 'parcels' ? ['inspect'] : readers)

  test.each(Object.keys(columns))("without the column '%s'", async (column) => {
    await write({ ...without(column), [`${column}_`]: "'x'" })
    await refused('SX_HISTORY_INVALID', readersOf(column), `no column '${column}'`, `'${column}_'`)
  })
  test.each([
    ['courier', '7', 'INTEGER', 'A string'],
    ['minutes', "'12'", 'VARCHAR', 'A number'],
    ['parcels', '1.5::DOUBLE', 'DOUBLE', 'An integer'],
    ['parcels', 'true', 'BOOLEAN', 'An integer'],
    ['at', '1714557600000::BIGINT', 'BIGINT', 'unit'],
    ['at', "'2024-05-01T10:00:00Z'", 'VARCHAR', 'An instant'],
    ['at', "TIME '10:00:00'", 'TIME', 'An instant'],
  ])("the column '%s' is %s", async (column, value, physical, wanted) => {
    await write({ ...columns, [column]: value })
    await refused('SX_HISTORY_INVALID', readersOf(column), `column '${column}' is ${physical}`, wanted)
  })
})

test('after all this a good file is taken', async () => {
  await write({ ...columns, minutes: 'i::DOUBLE' }, 'FROM range(3) t(i)')
  await opened.materialize('pace', again, () => {})
  expect(await state()).toMatchObject({ ann: { n: 3 } })
})
