/**
 * The same feature, three ways: DuckDB over the whole history, the online state fed event by event, and the oracle. For every case
 * all features of all labels must be equal, each within the bound of its equality class.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { converterFor } from '../../src/adapters/duckdb/connection.ts'
import { duckdbOfflineStore } from '../../src/adapters/duckdb/offline-store.ts'
import type { ViewPlan } from '../../src/aggregation/plan.ts'
import { planOf } from '../../src/aggregation/plan.ts'
import { viewReader } from '../../src/aggregation/read.ts'
import { apply, decode, emptyState, encode } from '../../src/aggregation/state.ts'
import { validate } from '../../src/definition/validate.ts'
import type { Type, Value } from '../../src/expression/node.ts'
import { duckdb } from '../../src/expression/targets/duckdb/dialect.ts'
import { eventOf, keyOf, timesOf } from '../../src/features/event.ts'
import { toInt64 } from '../../src/kernel/int64.ts'
import { limits } from '../../src/kernel/limits.ts'
import type { Case } from './cases.ts'
import { cases, fields } from './cases.ts'
import type { Plain } from './oracle/evaluate.ts'
import type { Expected, Row } from './oracle/feature.ts'
import { compareRows, feature } from './oracle/feature.ts'
import { runs } from './runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-parity-'))
const store = duckdbOfflineStore({
  projectFolder: folder,
  temporaryFolder: join(folder, 'tmp'),
  remote: null,
  threads: 1,
})
const writer = DuckDBInstance.create(':memory:', { threads: '1' }).then((instance) => instance.connect())
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

test('DuckDB, the online state and the oracle agree', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      expect(validate({ v: one.view, e: one.view.basis.entity, s: one.view.basis.source })).toEqual([])
      const names = Object.keys(one.view.features)
      const expected = one.labels.map((label) =>
        names.map((name) => feature(one.view, name, one.history, { k: label.k, n: label.n }, label.moment)),
      )
      expect(differences(expected, await offline(one), one), 'offline').toEqual([])
      expect(differences(expected, online(one), one), 'online').toEqual([])
    }),
    runs(2_000),
  )
})

// --- offline

async function offline(one: Case): Promise<readonly (readonly Value[])[]> {
  await writeParquet('history.parquet', fields as Record<string, string>, one.history)
  const labels = one.labels.map(({ k, n, moment }) => ({ k, n, moment }))
  await writeParquet('labels.parquet', { k: 'string', n: 'int64', moment: 'timestamp' }, labels)
  const out = join(folder, 'out.parquet')
  const { rows } = await store.trainingSet(
    {
      labels: join(folder, 'labels.parquet'),
      at: 'moment',
      zone: 'UTC',
      out,
      views: [{ group: 'v', view: one.view }],
      model: null,
      metadata: {},
    },
    () => {},
  )
  expect(rows).toBe(one.labels.length)
  const types = planOf(one.view).features.map(({ type }) => type)
  const result = await (await writer).runAndReadAll(`SELECT * EXCLUDE (k, n, moment) FROM '${out}'`)
  return result.getRows().map((row) => row.map((value, i) => converterFor(types[i]!)(instants(value, types[i]!))))
}
const instants = (value: unknown, type: Type): unknown =>
  type === 'timestamp[]' && value !== null
    ? {
        items: (value as { items: { micros: bigint }[] }).items.map((item) =>
          item === null ? null : item.micros / 1000n,
        ),
      }
    : value

const sqlTypes: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  int64: 'BIGINT',
  float64: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
}
async function writeParquet(
  name: string,
  columns: Readonly<Record<string, string>>,
  rows: readonly Row[],
): Promise<void> {
  const literal = (value: Plain, type: string): string => {
    if (value === null) return 'NULL'
    if (type === 'timestamp') return `make_timestamp(CAST(${value as number} AS BIGINT) * 1000)`
    return duckdb.literal(type as 'string', String(value) as never)
  }
  const bare = Object.entries(columns).map(([column, type]) => [column, type.replace('?', '')] as const)
  const list = rows.map(
    (row) => `(${bare.map(([column, type]) => literalOf(row[column] ?? null, type, literal)).join(', ')})`,
  )
  const source = list.length === 0 ? '' : `INSERT INTO w VALUES ${list.join(', ')};`
  const create = bare.map(([column, type]) => `${duckdb.identifier(column)} ${sqlTypes[type]}`).join(', ')
  await (await writer).run(
    `CREATE OR REPLACE TABLE w (${create}); ${source} COPY w TO '${join(folder, name)}' (FORMAT parquet)`,
  )
}
const literalOf = (value: Plain, type: string, literal: (value: Plain, type: string) => string): string =>
  type === 'boolean' && value !== null ? String(value) : literal(value, type)

// --- online

/** Every event is pushed some time before it becomes visible, and every question is asked at its instant, in between. */
function online(one: Case): readonly (readonly Value[])[] {
  const plan = planOf(one.view)
  const reader = viewReader(plan)
  const states = new Map<string, Uint8Array>()
  const answers = one.labels.map((): Value[] => new Array<Value>(plan.features.length).fill(null))
  const keyText = (parts: readonly Value[]): string => JSON.stringify(parts.map(String))

  const ask = (i: number, now: number): void => {
    const { k, n, moment } = one.labels[i]!
    const parts = Object.keys(one.view.key)
      .sort()
      .map((part) => (part === 'k' ? k : n === null ? null : toInt64(n)))
    const bytes = parts.some((part) => part === null) ? null : (states.get(keyText(parts)) ?? null)
    expect(moment).toBeLessThanOrEqual(now)
    reader.read(bytes, moment, answers[i]!, 0)
  }
  const seen = new Set<string>()
  const push = (row: Row, now: number): void => {
    const values = valuesOf(row, plan)
    const times = timesOf(plan, values)
    const parts = keyOf(plan, values)
    if (typeof times === 'string') return
    const id = one.view.basis.source.id === null ? null : row['id']!
    if (id !== null && seen.has(id as string)) return
    if (id !== null) seen.add(id as string)
    if (parts === null) return
    const before = states.get(keyText(parts))
    const state = before === undefined ? emptyState(plan) : decode(before, plan, true)
    apply(state, plan, [eventOf(plan, values, times)], now, { ...limits, skewMs: one.skewMs, unsettledEvents: 1000 })
    states.set(keyText(parts), encode(state, plan))
  }

  const { source } = one.view.basis
  const visibleAt = (row: Row): number => {
    const times = timesOf(plan, valuesOf(row, plan))
    return typeof times === 'string' ? Number.NEGATIVE_INFINITY : times.visible
  }
  // With ids the first to be known counts, and of those known at once the first in order; so no event is pushed early.
  const pushes = one.history.map((row, i) => ({ row, now: visibleAt(row) - (source.id === null ? one.leads[i]! : 0) }))
  const ordered = pushes.sort(
    (a, b) =>
      a.now - b.now ||
      visibleAt(a.row) - visibleAt(b.row) ||
      (source.id === null ? 0 : compareRows(a.row, b.row, source)),
  )
  // A question may be asked as late as clocks may differ.
  const questions = one.labels
    .map(({ moment }, i) => ({ i, now: moment + (i % 2) * one.skewMs }))
    .sort((a, b) => a.now - b.now)
  for (const { row, now } of ordered) {
    while (questions.length > 0 && questions[0]!.now < now) {
      const question = questions.shift()!
      ask(question.i, question.now)
    }
    push(row, now)
  }
  for (const { i, now } of questions) ask(i, now)
  return answers
}

const valuesOf = (row: Row, plan: ViewPlan): readonly Value[] =>
  plan.fields.map(({ name }) => toValue(row[name] ?? null))
const toValue = (value: Plain): Value => (typeof value === 'bigint' ? toInt64(value) : (value as Value))

// --- comparison

function differences(
  expected: readonly (readonly Expected[])[],
  got: readonly (readonly Value[])[],
  one: Case,
): readonly unknown[] {
  const names = Object.keys(one.view.features)
  return expected.flatMap((row, i) =>
    row.flatMap(({ value, within }, f) => {
      const wanted = plain(value)
      return agree(wanted, got[i]![f]!, within)
        ? []
        : [{ label: one.labels[i], feature: names[f], wanted, got: got[i]![f], within }]
    }),
  )
}
const plain = (value: Plain): Value => (Array.isArray(value) ? value.map(plain) : toValue(value))
function agree(wanted: Value, got: Value, within: number): boolean {
  if (within === Number.POSITIVE_INFINITY) return true
  if (Array.isArray(wanted))
    return (
      Array.isArray(got) && wanted.length === got.length && wanted.every((value, i) => agree(value, got[i], within))
    )
  if (typeof wanted === 'number' && typeof got === 'number')
    return Object.is(wanted, got) || Math.abs(wanted - got) <= within
  return wanted === got
}
