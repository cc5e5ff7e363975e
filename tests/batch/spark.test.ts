/** Batches on Spark: the same vectors as the point-in-time join of DuckDB gives, row for row, and what the model makes of them. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { late } from '../../examples/flights/platform.ts'
import { duckdbOfflineStore } from '../../src/adapters/duckdb/offline-store.ts'
import type { JobRequest } from '../../src/adapters/spark/job.ts'
import { sparkJob } from '../../src/adapters/spark/job.ts'
import { submitJob } from '../../src/adapters/spark/submit.ts'
import type { Batch } from '../../src/definition/batch.ts'
import {
  batch,
  count,
  decayedCount,
  decayedSum,
  distinct,
  entity,
  first,
  last,
  max,
  mean,
  min,
  model,
  parquet,
  quantile,
  source,
  stddev,
  sum,
  view,
} from '../../src/index.ts'
import { logistic } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import { describeWith } from '../services/index.ts'
import { sparkHere } from './spark-place.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-spark-batch-'))
let connection: Awaited<ReturnType<DuckDBInstance['connect']>>
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const rowsOf = async (sql: string): Promise<Record<string, unknown>[]> =>
  (await (await connection.run(sql)).getRowObjectsJson()) as Record<string, unknown>[]

const settings = sparkHere(folder)
const never = new AbortController().signal
/** Runs the batch in partitions of so many rows; gives what Spark made of each, in the order of its file. */
async function onSpark(name: string, one: Batch, at: number, path: string, cuts: readonly number[], project: string) {
  const out = join(folder, `${name}-out`)
  const modelFile = join(folder, `${name}.onnx`)
  const entries = Object.keys(one.model.vector)
  writeFileSync(
    modelFile,
    onnx(
      logistic(
        entries.map((_, i) => ((i % 5) - 2) / 50),
        0.25,
      ),
    ),
  )
  const request: JobRequest = {
    batch: one,
    at,
    parts: cuts.slice(1).map((to, partition) => ({ partition, path, from: cuts[partition]!, to })),
    model: modelFile,
    inputs: [{ name: 'x', type: 'float32', rank: 2, entries }],
    outputs: ['probability'],
    rows: null,
    out,
    single: new Set(),
    resolve: (given) => [resolve(project, given)],
  }
  await submitJob(sparkJob(request), settings, join(folder, name), never)
  const files = cuts.slice(1).map((_, i) => {
    const inside = readdirSync(join(out, `_sx_partition=${i}`)).filter((file) => file.endsWith('.parquet'))
    expect(inside).toHaveLength(1)
    return join(out, `_sx_partition=${i}`, inside[0]!)
  })
  const found: Record<string, unknown>[] = []
  for (const file of files)
    found.push(...(await rowsOf(`SELECT * FROM read_parquet('${file}') ORDER BY file_row_number`)))
  return found
}

/** What DuckDB's join makes of the same rows, all asked about at one instant. */
async function inDuckDB(name: string, one: Batch, at: number, path: string, project: string) {
  const labels = join(folder, `${name}-labels.parquet`)
  await connection.run(
    `COPY (SELECT *, make_timestamptz(${at * 1000}) AS asked_at FROM read_parquet('${path}')) TO '${labels}' (FORMAT parquet)`,
  )
  const store = duckdbOfflineStore({
    projectFolder: project,
    remote: null,
    temporaryFolder: join(folder, 'duckdb'),
    threads: 2,
    memory: null,
  } as never)
  const out = join(folder, `${name}-vectors.parquet`)
  await store.trainingSet(
    { labels, at: 'asked_at', zone: 'UTC', out, model: one.model, views: [], metadata: {} },
    () => {},
  )
  await store.close()
  return rowsOf(`SELECT * FROM read_parquet('${out}') ORDER BY file_row_number`)
}

function same(spark: Record<string, unknown>[], duck: Record<string, unknown>[], one: Batch): void {
  expect(spark.length).toBe(duck.length)
  const entries = Object.keys(one.model.vector)
  const keys = Object.keys(one.model.key)
  for (const [i, row] of spark.entries()) {
    const other = duck[i]!
    // A training set keeps the columns of its labels as they are.
    for (const key of keys) expect(row[`keys__${key}`], `row ${i}`).toEqual(composed(other[key]))
    let score = 0.25
    for (const [e, entry] of entries.entries()) {
      const [a, b] = [row[`vector__${entry}`], other[`vector__${entry}`]]
      if (typeof a === 'number' && typeof b === 'number')
        expect(Math.abs(a - b), `row ${i}: ${entry} is ${a}, not ${b}`).toBeLessThanOrEqual(
          1e-9 * Math.max(1, Math.abs(b)),
        )
      else expect(a, `row ${i}: ${entry}`).toEqual(b)
      score += (((e % 5) - 2) / 50) * (b === null ? Number.NaN : Number(b))
    }
    const probability = row['tensor__0__0']
    if (Number.isNaN(score)) expect(probability).toBe('NaN')
    else expect(Number(probability)).toBeCloseTo(1 / (1 + Math.exp(-score)), 4)
  }
}

const composed = (value: unknown): unknown => (typeof value === 'string' ? value.normalize('NFC') : value)

describeWith(['spark'], 'A batch on Spark', () => {
  test('has the vectors of the flights example', { timeout: 240_000 }, async () => {
    const project = resolve('examples/flights')
    const path = join(folder, 'flights.parquet')
    await connection.run(
      `COPY (SELECT carrier, origin, dest, tailnum, CAST(distance AS DOUBLE) AS distance, departure AT TIME ZONE 'UTC' AS scheduled_departure, arrival AT TIME ZONE 'UTC' AS scheduled_arrival
         FROM read_parquet('${project}/data/flights.parquet') WHERE departure >= '2013-05-20' AND departure < '2013-05-22' ORDER BY departure, flight_id)
       TO '${path}' (FORMAT parquet)`,
    )
    const at = Date.parse('2013-05-20T03:00:00Z')
    const risk = batch('risk', { model: late as never, rows: parquet(path) }) as Batch
    const total = Number((await rowsOf(`SELECT count(*) AS n FROM read_parquet('${path}')`))[0]!['n'])
    expect(total).toBeGreaterThan(1_000)
    const spark = await onSpark('flights', risk, at, path, [0, 700, 701, total], project)
    same(spark, await inDuckDB('flights', risk, at, path, project), risk)
  })

  test('has those of events that are late, doubled, tied and missing', { timeout: 240_000 }, async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
    const [picked] = fc.sample(
      fc.tuple(fc.constantFrom('5m', '3h', '26h', '30d'), fc.constantFrom('1h', '2d', '13d')),
      { numRuns: 1, seed },
    )
    const [short, longer] = picked! as ['3h', '2d']
    const shop = entity('shop', { key: { region: 'string', shop: 'int64' } })
    const sales = source('sales', {
      fields: {
        id: 'int64',
        region: 'string?',
        shop: 'int64?',
        at: 'timestamp?',
        told: 'timestamp?',
        amount: 'float64?',
        pieces: { type: 'int64?', range: [0, 90] },
        card: 'boolean?',
        kind: 'string?',
      },
      time: 'at',
      id: 'id',
      known: { at: 'told' },
      zone: 'UTC',
      history: parquet('sales.parquet'),
    })
    const busy = view('busy', {
      entity: shop,
      source: sales,
      ttl: '10d',
      features: ({ amount, pieces, card, kind, at }) => ({
        n: count().over(short),
        n_cards: count().where(card).over(longer),
        total: sum(amount).over(longer),
        pieces: sum(pieces).ever(),
        mean: mean(amount).where(pieces.gt(20)).over(longer),
        mean_pieces: mean(pieces).over(short),
        cards: mean(card).over(longer),
        least: min(amount).over(longer),
        most: max(pieces).over(short),
        spread: stddev(amount).over(longer),
        kinds: distinct(kind).over(longer),
        first: first(amount).over(longer),
        last: last(amount).over(short),
        last_known: last(amount).skipNulls().ever(),
        last_kind: last(kind).ever(),
        latest: last(at).over(longer),
        decayed: decayedSum(amount, '6h').over(longer),
        decayed_n: decayedCount('2d').ever(),
      }),
    })
    const busyModel = model('busy', {
      inputs: { busy, request: { now: 'timestamp', weight: 'float64?' } },
      vector: ({ busy: { last_kind, latest, ...plain }, request }) => ({
        ...plain,
        last_kind: last_kind.length(),
        latest: request.now.since(latest).minutes(),
        weight: request.weight,
      }),
      output: { out: 'probability' },
      fallback: () => ({ out: 0.5 }),
    })
    const one = batch('busy', {
      model: busyModel,
      rows: parquet('rows.parquet'),
      at: { before: '90m' },
    } as never) as Batch
    await connection.run(`SELECT setseed(${((seed % 2000) - 1000) / 1000})`)
    await connection.run(
      `COPY (SELECT CAST(CASE WHEN random() < 0.05 THEN i / 2 ELSE i END AS BIGINT) AS id,
           CASE WHEN random() < 0.02 THEN NULL WHEN random() < 0.5 THEN 'nord' ELSE 'Süd' END AS region,
           CAST(CASE WHEN random() < 0.02 THEN NULL ELSE floor(random() * 12) END AS INTEGER) AS shop,
           CASE WHEN random() < 0.02 THEN NULL ELSE TIMESTAMP '2026-03-01' + to_milliseconds(CAST(floor(random() * 400) * 3600000 * CASE WHEN random() < 0.5 THEN 1 ELSE random() END AS BIGINT)) END AS at,
           TIMESTAMP '2026-03-01' + to_hours(CAST(floor(random() * 450) AS INTEGER)) AS told,
           CASE WHEN random() < 0.1 THEN NULL WHEN random() < 0.02 THEN 'NaN'::DOUBLE ELSE round(random() * 1000) / 7 - 20 END AS amount,
           CAST(floor(random() * 100) AS SMALLINT) AS pieces, random() < 0.3 AS card,
           CASE WHEN random() < 0.2 THEN NULL ELSE chr(CAST(97 + floor(random() * 6) AS INTEGER)) || CASE WHEN random() < 0.3 THEN 'e' || chr(769) ELSE '' END END AS kind
         FROM range(6000) t(i)) TO '${folder}/sales.parquet' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    )
    await connection.run(
      `COPY (SELECT CASE WHEN random() < 0.5 THEN 'nord' ELSE 'Su' || chr(776) || 'd' END AS region, CAST(floor(random() * 14) AS BIGINT) AS shop,
           TIMESTAMPTZ '2026-03-14 00:00:00Z' + to_minutes(CAST(i AS INTEGER)) AS now, CASE WHEN random() < 0.1 THEN NULL ELSE CAST(random() AS FLOAT) END AS weight
         FROM range(500) t(i)) TO '${folder}/rows.parquet' (FORMAT parquet)`,
    )
    const at = Date.parse('2026-03-15T17:30:00Z')
    const path = join(folder, 'rows.parquet')
    const spark = await onSpark('busy', one, at, path, [0, 499, 500], folder)
    same(spark, await inDuckDB('busy', one, at - 90 * 60_000, path, folder), one)
  })

  test('refuses what it cannot say, by its name', () => {
    const shop = entity('shop', { key: { shop: 'int64' } })
    const sales = source('sales', {
      fields: { shop: 'int64', at: 'timestamp', x: 'float64' },
      time: 'at',
      history: parquet('s.parquet'),
    })
    const half = view('half', {
      entity: shop,
      source: sales,
      features: ({ x }) => ({ half: quantile(x, 0.5).over('1d') }),
    })
    const one = model('one', {
      inputs: { half },
      vector: ({ half: h }) => ({ half: h.half }),
      output: { y: 'number' },
      fallback: () => ({ y: 0 }),
    })
    const asked = {
      at: 0,
      parts: [],
      model: '',
      inputs: [],
      outputs: [],
      rows: null,
      out: '',
      single: new Set<string>(),
      resolve: () => [],
    }
    expect(() =>
      sparkJob({ ...asked, batch: batch('b', { model: one, rows: parquet('r.parquet') }) as Batch }),
    ).toThrow(
      expect.objectContaining({ code: 'SX_EXPRESSION_UNSUPPORTED', message: expect.stringMatching(/Spark.*quantile/) }),
    )
    expect(() =>
      sparkJob({
        ...asked,
        batch: batch('b', { model: one, rows: parquet('r.parquet'), at: { column: 'at' } }) as Batch,
      }),
    ).toThrow(
      expect.objectContaining({ code: 'SX_EXPRESSION_UNSUPPORTED', message: expect.stringContaining("'half'") }),
    )
  })

  test('says what is wrong with the rows', { timeout: 120_000 }, async () => {
    const project = resolve('examples/flights')
    const path = join(folder, 'bad.parquet')
    await connection.run(
      `COPY (SELECT 'UA' AS carrier, 'EWR' AS origin, 'SFO' AS dest, 'N1' AS tailnum, 'far' AS distance) TO '${path}' (FORMAT parquet)`,
    )
    const risk = batch('risk', { model: late as never, rows: parquet(path) }) as Batch
    await expect(onSpark('bad', risk, 0, path, [0, 1], project)).rejects.toMatchObject({
      code: 'SX_ROWS_INVALID',
      message: expect.stringMatching(/'distance'.*a number is wanted, not string/),
    })
  })
})
