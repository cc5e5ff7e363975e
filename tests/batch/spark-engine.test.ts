/** The same batch by the engine of this machine and by Spark: the same rows, in the same order, and the same profiles. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, expect, test } from 'vitest'
import { lateLinear } from '../../examples/flights/platform.ts'
import { duckdbOfflineStore } from '../../src/adapters/duckdb/offline-store.ts'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import type { Engine, Scored, ScoreWork } from '../../src/batch/engine.ts'
import type { BatchAnswer, RunDetail } from '../../src/batch/index.ts'
import { localEngine } from '../../src/batch/score/local.ts'
import { sparkEngine } from '../../src/batch/spark.ts'
import type { Batch } from '../../src/definition/batch.ts'
import type { NumberExpression, StringExpression } from '../../src/expression/faces.ts'
import { batch, parquet } from '../../src/index.ts'
import type { PartitionInput } from '../../src/ports/batch-rows.ts'
import type { Partition } from '../../src/ports/batch-store.ts'
import { sparkRunner } from '../../src/runtime/spark.ts'
import { newRun } from '../../src/testing/batch-store-tools.ts'
import { logistic } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import { describeWith } from '../services/index.ts'
import { batchProject } from './batch-project.ts'
import { sparkHere, sparkVariables } from './spark-place.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-engines-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const project = resolve('examples/flights')
const at = Date.parse('2013-05-20T03:00:00Z')

describeWith(['spark'], 'The engine of Spark', () => {
  test('gives what the engine of this machine gives', { timeout: 240_000 }, async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const rowsFile = join(folder, 'rows.parquet')
    await connection.run(
      `COPY (SELECT carrier, origin, dest, coalesce(tailnum, 'none') AS tailnum, CAST(distance AS DOUBLE) AS distance, departure AT TIME ZONE 'UTC' AS scheduled_departure, arrival AT TIME ZONE 'UTC' AS scheduled_arrival
         FROM read_parquet('${project}/data/flights.parquet') WHERE departure >= '2013-05-20' AND departure < '2013-05-22' ORDER BY departure, flight_id)
       TO '${rowsFile}' (FORMAT parquet)`,
    )
    const entries = Object.keys(lateLinear.vector)
    const model = join(folder, 'late.onnx')
    writeFileSync(
      model,
      onnx(
        logistic(
          entries.map((_, i) => ((i % 5) - 2) / 50),
          0.25,
        ),
      ),
    )
    const options = {
      model: lateLinear,
      rows: parquet(rowsFile),
      partitionRows: 700,
      incremental: true,
      decision: ({ output }: { output: { late: NumberExpression<'moment', null> } }) => output.late.gt(0.5),
      segments: ({ keys }: { keys: { carrier: StringExpression<'moment', never> } }) => ({ carrier: keys.carrier }),
    }
    const risk = batch('risk', options as never) as Batch
    const store = duckdbOfflineStore({
      projectFolder: project,
      remote: null,
      temporaryFolder: join(folder, 'duckdb'),
      threads: 2,
      memory: null,
    } as never)
    const plan = await store.batch.plan({ batch: risk, at, from: null, folder }, () => {})
    const partitions = plan.parts.map((part, index): Partition => {
      if (part.kind !== 'file') throw new Error('made')
      const { kind, file, from, to, rows } = part
      const input: PartitionInput = { kind, file, from, to }
      return {
        index,
        rows,
        input,
        state: 'running',
        attempts: 1,
        error: null,
        holder: null,
        output: null,
        beganAt: null,
        endedAt: null,
      }
    })
    expect(partitions.length).toBeGreaterThan(1)

    const by = async (engine: Engine): Promise<Scored[]> => {
      const own = join(folder, engine.name)
      mkdirSync(own, { recursive: true })
      const work: ScoreWork = {
        batch: risk,
        run: { ...newRun(), at, engine: engine.name } as never,
        plan: {} as never,
        model,
        previous: [],
        folder: own,
        open: () => Promise.reject(new Error('no rows were made')),
      }
      const scorer = await engine.open(work)
      const scored = await Promise.all(
        partitions.map((one) => scorer.score(one, () => {}, new AbortController().signal)),
      )
      await scorer.close()
      return scored
    }
    const runtime = onnxModelRuntime()
    const [local, spark] = [
      await by(localEngine({ runtime, rows: store.batch, workers: 1 })),
      await by(sparkEngine({ runtime, rows: store.batch, runner: sparkRunner(sparkHere(folder), project) })),
    ]
    await store.close()

    const read = async (scored: readonly Scored[]) => {
      const found: Record<string, unknown>[][] = []
      for (const { path } of scored)
        found.push(
          (await (
            await connection.run(`SELECT * EXCLUDE (_sx_vector) FROM read_parquet('${path}') ORDER BY file_row_number`)
          ).getRowObjectsJson()) as never,
        )
      return found
    }
    const [here, there] = [await read(local), await read(spark)]
    expect(there.map((rows) => rows.length)).toEqual(here.map((rows) => rows.length))
    const columns = Object.keys(here[0]![0]!)
    expect(columns).toContain('_sx_decision')
    expect(Object.keys(there[0]![0]!)).toEqual(columns)
    let answered = 0
    for (const [p, rows] of here.entries())
      for (const [i, row] of rows.entries()) {
        const { late: a, ...rest } = row as { late: number | null }
        const { late: b, ...others } = there[p]![i] as { late: number | null }
        if (a === null || b === null) expect(b, `row ${i}`).toBe(a)
        else {
          answered++
          expect(Math.abs(a - b), `row ${i}: ${b}, not ${a}`).toBeLessThan(1e-6)
          // Only a probability next to the threshold may fall to either side.
          if (Math.abs(a - 0.5) < 1e-6) continue
        }
        expect(others, `row ${i}`).toEqual(rest)
      }
    expect(answered).toBeGreaterThan(300)
    expect(spark.map(({ rows, cost }) => [rows, cost.inferred])).toEqual(
      local.map(({ rows, cost }) => [rows, cost.inferred]),
    )
    for (const { cost } of spark) expect(Math.min(cost.cpuMs, cost.modelMs, cost.bytesRead)).toBeGreaterThan(0)
    // Of Java's tasks too, which read and aggregate: more than the model takes.
    const sum = (of: (one: Scored) => number): number => spark.reduce((total, one) => total + of(one), 0)
    expect(sum(({ cost }) => cost.cpuMs)).toBeGreaterThan(1_000 + sum(({ cost }) => cost.modelMs))
    const profiled = (scored: readonly Scored[]): unknown =>
      scored.map(({ profile }) => {
        const { rows, missing } = profile as { rows: number; missing: unknown }
        return { rows, missing }
      })
    expect(profiled(spark)).toEqual(profiled(local))
  })

  test('runs a batch that asks for it', { timeout: 240_000 }, async () => {
    const here = await batchProject()
    try {
      const settings = JSON.stringify(sparkHere(here.folder))
      await here.write(
        'sixfold.config.ts',
        `export default { platform: './platform.ts', batch: { spark: ${settings} } }`,
      )
      const words = ['batch', 'run', 'nightly', '--at', '2026-11-20T01:30:00Z', '--engine', 'spark', '--json']
      const { code, out } = await here.runWith(sparkVariables(), ...words)
      expect(code, out).toBe(0)
      const { run, partitions } = JSON.parse(out) as RunDetail
      expect([run.state, run.engine, partitions.length]).toEqual(['published', 'spark', 3])
      const { answer } = await here.told<{ answers: BatchAnswer[] }>('batch', 'lookup', 'nightly', '-k', 'shop=3')
      expect(answer.answers).toMatchObject([{ outputs: { days: 13.5 }, version: 1 }])
    } finally {
      await here.dispose()
    }
  })
})
