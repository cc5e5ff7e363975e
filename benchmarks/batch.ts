/**
 * Batch prediction, from Parquet to Parquet: twelve numbers a row, a model of a hundred trees, two cores. Ours is a whole run: planned, profiled
 * for the gate, synced, judged, published. Beside it what a team would write: PySpark with a pandas UDF, and a loop of pyarrow and onnxruntime.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { missing, sparkPython } from '../scripts/installed.mjs'
import type { Benchmark, Outcome, Settings } from './measure.ts'
import { interleave, median } from './measure.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

export const batch: Benchmark = {
  summary: 'rows from Parquet through a model to Parquet: PySpark, pyarrow with onnxruntime, bare onnxruntime',
  run: (settings) => inWorkplace('batch', (place) => measure(place, settings)),
}

interface Run {
  readonly rows: number
  readonly seconds: number
  readonly peakMiB: number
  readonly planSeconds?: number
  readonly publishSeconds?: number
}

const here = join(import.meta.dirname, 'batch')
const model = join(here, 'model.onnx')
const jiti = join(import.meta.dirname, '../node_modules/jiti/lib/jiti-cli.mjs')
/** Of the four files that the rows lie in. */
const files = 4

async function measure(place: Workplace, { quick, peers, say }: Settings): Promise<Outcome> {
  const rows = Number(process.env['ROWS'] ?? (quick ? 500_000 : 5_000_000))
  const without = peers ? missing('spark') : 'Python peers were left out'
  const source = place.path('rows')
  mkdirSync(source)
  say(`Writing ${rows.toLocaleString('en-US')} rows`)
  for (let i = 0; i < files; i++) {
    const [from, to] = [i, i + 1].map((n) => Math.round((n * rows) / files)) as [number, number]
    const columns = Array.from(
      { length: 12 },
      (_, f) => `CAST(sqrt(-2 * ln(random() + 1e-12)) * cos(6.2831853 * random()) AS FLOAT) AS f${f}`,
    )
    await place.db.run(
      `COPY (SELECT i AS id, ${columns.join(', ')} FROM range(${from}, ${to}) t(i)) TO '${join(source, `p${i}.parquet`)}' (FORMAT parquet, ROW_GROUP_SIZE 250000)`,
    )
  }
  say('Writing events of users, and rows that ask for them')
  const [users, events] = quick ? [2_000, 100_000] : [50_000, 2_000_000]
  const instant = (seed: number): string =>
    `TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(CAST(hash(i * 1000003 + ${seed}) % 7776000 AS BIGINT))`
  const user = `CAST(hash(i) % ${users} AS BIGINT) AS user_id`
  await place.db.run(
    `COPY (SELECT ${user}, ${instant(1)} AS ts, random() AS f0 FROM range(${events}) t(i)) TO '${place.path('events.parquet')}' (FORMAT parquet)`,
  )
  await place.db.run(
    `COPY (SELECT id, ${user}, ${instant(2)} AS seen, f0, f1, f2, f3, f4, f5 FROM (SELECT *, id AS i FROM read_parquet('${join(source, '*.parquet')}')))
     TO '${place.path('featured.parquet')}' (FORMAT parquet, ROW_GROUP_SIZE 250000)`,
  )
  const runs = new Map<string, Run[]>()
  const ran = (name: string, work: () => Run) => () => {
    const run = work()
    if (run.rows !== rows && name !== 'floor') throw new Error(`${name} scored ${run.rows} rows of ${rows}.`)
    runs.set(name, [...(runs.get(name) ?? []), run])
    return run.rows / run.seconds
  }
  const parsed = (output: string): Run => JSON.parse(output.trim().split('\n').at(-1)!) as Run
  const python = (...args: readonly string[]): Run =>
    parsed(
      execFileSync(sparkPython, [join(here, 'peers.py'), ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    )
  const out = (name: string): string => {
    for (const before of ['pyspark', 'pyarrow', 'ours'])
      rmSync(place.path(`out-${before}`), { recursive: true, force: true })
    return place.path(`out-${name}`)
  }
  const ours = (...over: readonly string[]): Run =>
    parsed(
      execFileSync(process.execPath, [jiti, join(here, 'run.ts'), out('ours'), model, ...over], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
  say('Taking turns')
  const sides: Record<string, () => number> = {
    ours: ran('ours', () => ours(join(source, '*.parquet'))),
    featured: ran('featured', () => ours(place.path('featured.parquet'), place.path('events.parquet'))),
    ...(without === null
      ? {
          pyarrow: ran('pyarrow', () => python('pyarrow', model, source, out('pyarrow'))),
          pyspark: ran('pyspark', () => python('pyspark', model, source, out('pyspark'))),
          floor: ran('floor', () => python('floor', model)),
        }
      : {}),
  }
  const rates = await interleave(quick ? 1 : 3, sides)
  const against = (name: string, peer: string, ratio: number) => ({
    ...{ name: `batch, ${name}`, unit: 'rows/s', better: 'more' as const, ours: rates['ours']! },
    ...{ theirs: rates[name] ?? null, peer, floor: rates['floor'] ?? null },
    floorIs: 'onnxruntime alone on two cores, over rows in memory',
    wanted: { ratio, ofFloor: 0.8 },
  })
  const [all, featured] = [runs.get('ours')!, runs.get('featured')!]
  return {
    measures: [
      against('pyspark', 'PySpark local[2], pandas UDF and onnxruntime', 2),
      against('pyarrow', 'pyarrow and onnxruntime on two threads', 1),
    ],
    notes: [
      `${rows.toLocaleString('en-US')} rows of twelve numbers in ${files} files; 100 trees of 31 leaves`,
      `with six features of ${events.toLocaleString('en-US')} events of ${users.toLocaleString('en-US')} users in front, as of each row's instant: ${median(featured.map((run) => run.seconds)).toFixed(1)} s, ${Math.round(median(rates['featured']!)).toLocaleString('en-US')} rows/s, where without it takes ${median(all.map((run) => run.seconds)).toFixed(1)} s; at most ${Math.round(Math.max(...featured.map((run) => run.peakMiB)))} MiB`,
      `ours, beside scoring: ${median(all.map((run) => run.planSeconds!)).toFixed(2)} s to plan, which the rate includes; ${median(all.map((run) => run.publishSeconds!)).toFixed(2)} s to judge, fill the cache and publish, which it does not`,
      `most memory: ours ${Math.round(Math.max(...all.map((run) => run.peakMiB)))} MiB${(runs.get('pyarrow') ?? []).length > 0 ? `, pyarrow ${Math.max(...runs.get('pyarrow')!.map((run) => run.peakMiB))} MiB` : ''}`,
      ...(without === null ? [] : [without]),
    ],
  }
}
