/** What has drifted: by the rule, over files, and by the program. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DriftFound } from '../../src/api/index.ts'
import { drift } from '../../src/runtime/drift.ts'
import type { ColumnDrift } from '../../src/statistics/index.ts'
import { driftOf, evidently, profileOf, psiTail } from '../../src/statistics/index.ts'

let seed = 20130604
const uniform = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0
  return (seed >>> 0) / 2 ** 32
}
const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
const normals = (count: number, shift = 0): Float64Array => Float64Array.from({ length: count }, () => normal() + shift)
const texts = (count: number, shares: readonly number[]): string[] =>
  Array.from({ length: count }, () => {
    const place = uniform()
    let passed = 0
    for (const [at, share] of shares.entries()) {
      passed += share
      if (place < passed) return 'abcdef'[at]!
    }
    return 'abcdef'[shares.length]!
  })
const verdict = (before: Parameters<typeof profileOf>[0], after: Parameters<typeof profileOf>[0]): ColumnDrift =>
  driftOf({ x: profileOf(before) }, { x: profileOf(after) }).columns[0]!

test('nothing changed: no alarm in 400 columns, large and small', () => {
  for (const rows of [300, 2_000, 20_000]) {
    const side = () =>
      Object.fromEntries(
        Array.from({ length: rows > 10_000 ? 40 : 180 }, (_, i) => [
          `c${i}`,
          profileOf(i % 3 === 0 ? texts(rows, [0.5, 0.3, 0.1, 0.1]) : normals(rows)),
        ]),
      )
    const report = driftOf(side(), side())
    expect(report.columns.filter(({ verdict: of }) => of === 'drifted').map(({ column }) => column)).toEqual([])
  }
})

test('what matters is found, and what does not is left alone', () => {
  expect(verdict(normals(5_000), normals(5_000, 0.3))).toMatchObject({
    verdict: 'drifted',
    because: ['wasserstein', 'mean'],
  })
  // Certain, and of no consequence.
  const slight = verdict(normals(200_000), normals(200_000, 0.02))
  expect(slight.p).toBeLessThan(0.001)
  expect(slight.verdict).toBe('steady')
  expect(verdict(texts(3_000, [0.5, 0.3, 0.2]), texts(3_000, [0.2, 0.3, 0.5]))).toMatchObject({
    verdict: 'drifted',
    because: ['psi', 'totalVariation'],
  })
  // A category that was never seen.
  expect(verdict(texts(3_000, [0.6, 0.4]), texts(3_000, [0.5, 0.3, 0.2])).verdict).toBe('drifted')
  // One wild value among twenty thousand is far, and no evidence.
  const wild = normals(20_000)
  wild[7] = 1e7
  const outlier = verdict(normals(20_000), wild)
  expect([outlier.verdict, outlier.because]).toEqual(['steady', ['wasserstein', 'mean']])
})

test('missing values, too few of them, other types', () => {
  const some = Array.from(normals(4_000), (value, i) => (i % 4 === 0 ? null : value))
  expect(verdict(Array.from(normals(4_000)), some)).toMatchObject({ verdict: 'drifted', because: ['missing'] })
  const gone = verdict(Array.from(normals(4_000)), new Array(4_000).fill(null))
  expect([gone.verdict, gone.because]).toEqual(['drifted', ['missing']])
  expect(verdict(normals(50), normals(50, 3))).toMatchObject({ verdict: 'not enough data', p: null })
  expect(verdict(normals(500), texts(500, [1]))).toMatchObject({ verdict: 'another type', p: null })
  expect(driftOf({ a: profileOf([1]), b: profileOf([1]) }, { b: profileOf([1]), c: profileOf([1]) }).lacking).toEqual({
    reference: ['c'],
    current: ['a'],
  })
})

test('a column far from zero, and one that is another constant', () => {
  const instants = (shift: number) => normals(20_000).map((value) => 1.7e9 + 3_600 * (value + shift))
  expect(verdict(instants(0), instants(1))).toMatchObject({ verdict: 'drifted', because: ['mean'] })
  expect(verdict(instants(0), instants(0)).verdict).toBe('steady')
  expect(verdict(new Float64Array(500).fill(2024), new Float64Array(500).fill(2025)).verdict).toBe('drifted')
  expect(verdict(new Float64Array(500).fill(2024), new Float64Array(500).fill(2024)).verdict).toBe('steady')
})

test('what is missing is no evidence for what is there', () => {
  const side = (lacking: number) =>
    Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [
        `c${i}`,
        profileOf(Array.from(normals(300), (value, row) => (row < 300 * lacking ? null : value))),
      ]),
    )
  expect(driftOf(side(0), side(0.045)).drifted).toBeLessThanOrEqual(2)
})

test('thresholds that are none are refused', () => {
  for (const bad of [{ alpha: Number.NaN }, { alpha: 2 }, { psi: -1 }])
    expect(() => driftOf({ x: profileOf([1]) }, { x: profileOf([1]) }, bad)).toThrow('threshold')
  expect(() => evidently({ reference: [1, Number.NaN], current: [1], type: 'number' })).toThrow('position 1')
})

test('the index without change has the distribution that it is judged by', () => {
  const chances = Array.from({ length: 1_000 }, () => {
    const { difference } = verdict(normals(400), normals(500))
    return psiTail(difference!.psi, difference!.bins.length, 400, 500)
  })
  const share = (below: number): number => chances.filter((p) => p < below).length / chances.length
  // Three standard errors about each; the half row that is added to each bin makes it a little careful.
  expect(share(0.05)).toBeGreaterThan(0.02)
  expect(share(0.05)).toBeLessThan(0.071)
  expect(share(0.01)).toBeLessThan(0.02)
})

const folder = mkdtempSync(join(tmpdir(), 'sixfold-drift-'))
const [june, july] = [join(folder, 'june.parquet'), join(folder, 'july.parquet')]
beforeAll(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const write = (path: string, columns: string): Promise<unknown> =>
    connection.run(`COPY (SELECT ${columns} FROM range(6000) t(i)) TO '${path}' (FORMAT parquet)`)
  await connection.run('SELECT setseed(0.5)')
  const common = `random() AS steady, CAST(random() * 1000 AS INTEGER) AS whole, random() < 0.3 AS flag, TIMESTAMP '2024-01-01' AS at`
  await write(june, `${common}, CAST(random() AS FLOAT) AS up, 'UA' AS carrier, 1 AS old, CAST(i AS VARCHAR) AS id`)
  await write(
    july,
    `${common}, CAST(random() + 0.4 AS FLOAT) AS up, CASE WHEN i % 2 = 0 THEN 'AA' ELSE 'UA' END AS carrier, 2 AS fresh,
     CASE WHEN i % 5 > 0 THEN CAST(i AS VARCHAR) END AS id`,
  )
  connection.closeSync()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const asked = { reference: june, current: july, columns: null, thresholds: {} } as const
const drifted = (found: DriftFound): readonly string[] =>
  found.method === 'evidently'
    ? found.columns.filter(({ result }) => result?.drifted === true).map(({ column }) => column)
    : found.columns.filter((one) => one.verdict === 'drifted').map(({ column }) => column)

test('files', async () => {
  const found = await drift({ ...asked, method: 'standard' })
  expect(drifted(found)).toEqual(['up', 'carrier', 'id'])
  expect([found.left, found.lacking]).toEqual([['at'], { reference: ['fresh'], current: ['old'] }])
  expect(drifted(await drift({ ...asked, method: 'evidently' }))).toEqual(expect.arrayContaining(['up', 'carrier']))
  const few = await drift({ ...asked, method: 'standard', columns: ['flag', 'up'] })
  expect(few.columns.map(({ column }) => column)).toEqual(['flag', 'up'])
})

test('what cannot be compared is said', async () => {
  const refused = (change: object): Promise<string> =>
    drift({ ...asked, method: 'standard', ...change }).then(
      () => 'compared',
      (error: Error) => error.message,
    )
  expect(await refused({ columns: ['at'] })).toContain("The column 'at'")
  expect(await refused({ columns: ['upp'] })).toContain("has no column 'upp'")
  expect(await refused({ current: join(folder, 'none.parquet') })).toContain('none.parquet')
  expect(await refused({ current: import.meta.filename })).toContain('cannot be read as Parquet')
})
