/**
 * Every evening of a week, the risk of the next day: the timetable is delivered, the batch is run, and what it says is looked up. One evening the
 * delivery is broken, as deliveries are: all distances are 0. The gate refuses it, and what was published the evening before goes on to answer.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

const folder = import.meta.dirname
const program = join(folder, '../../dist/runtime/bin.js')
const day = 86_400_000
/** Ten in the evening in New York. */
const first = Date.parse('2013-06-04T02:00:00Z')
const evenings = 7
const brokenEvening = 4

const sixfold = (...args: readonly string[]): string =>
  execFileSync(process.execPath, [program, ...args, '--project', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const lastLine = (text: string): unknown => JSON.parse(text.trim().split('\n').at(-1)!)

mkdirSync(join(folder, 'timetable'), { recursive: true })
const connection = await (await DuckDBInstance.create(':memory:')).connect()

/** What is flown within the day after an instant. */
async function deliver(at: number, distance: string): Promise<void> {
  const [from, until] = [at, at + day].map((instant) => new Date(instant).toISOString().slice(0, 19).replace('T', ' '))
  await connection.run(`COPY (SELECT flight_id, carrier, tailnum, origin, dest, CAST(${distance} AS DOUBLE) AS distance,
      scheduled_departure AT TIME ZONE 'UTC' AS scheduled_departure, scheduled_arrival AT TIME ZONE 'UTC' AS scheduled_arrival
    FROM '${join(folder, 'data/flights.parquet')}'
    WHERE scheduled_departure >= TIMESTAMP '${from}' AND scheduled_departure < TIMESTAMP '${until}' AND tailnum IS NOT NULL)
    TO '${join(folder, 'timetable/next-day.parquet')}' (FORMAT parquet)`)
}

await connection.run("SET TimeZone = 'UTC'")
sixfold('apply')
sixfold('model', 'add', 'late', join(folder, 'models/late.onnx'))
for (let evening = 0; evening < evenings; evening++) {
  const at = first + evening * day
  await deliver(at, evening === brokenEvening ? '0' : 'distance')
  const { status, stdout } = spawnSync(
    process.execPath,
    [program, 'batch', 'run', 'next_day', '--at', new Date(at).toISOString(), '--json', '--project', folder],
    { encoding: 'utf8' },
  )
  const { run } = lastLine(stdout) as {
    readonly run: {
      readonly version: number
      readonly state: string
      readonly plan: { readonly rows: number }
      readonly verdict: { readonly checks: readonly { readonly outcome: string; readonly words: string }[] }
    }
  }
  const why = run.verdict.checks.find(({ outcome }) => outcome === 'refused')?.words ?? ''
  say(
    `${new Date(at).toISOString().slice(0, 10)}  version ${run.version}  ${run.plan.rows} routes and airlines  ${run.state}, exit ${status}  ${why}`,
  )
  const answer = lastLine(
    sixfold('batch', 'lookup', 'next_day', '--key', 'carrier=UA', '--key', 'origin=EWR', '--key', 'dest=SFO', '--json'),
  ) as {
    readonly answers: readonly {
      readonly outputs: { readonly late: number }
      readonly version: number
      readonly rung: string
    }[]
  }
  const [{ outputs, version, rung }] = answer.answers as [(typeof answer.answers)[number]]
  say(`            UA from EWR to SFO: ${outputs.late.toFixed(3)}, ${rung}, by version ${version}`)
}
connection.closeSync()
