/**
 * The whole example: from an empty data folder to a server that has answered for a summer. `npm start` at the root of the repository
 * runs it; --until shortens the summer, --port names a port, --exit ends when the table is printed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import type { ReplayProgress } from './replay.ts'
import { authorization, replay } from './replay.ts'

const here = dirname(fileURLToPath(import.meta.url))
const program = join(here, '../../dist/runtime/bin.js')
const { values: options } = parseArgs({
  options: {
    from: { type: 'string', default: '2013-06-01T00:00:00Z' },
    until: { type: 'string', default: '2013-09-01T00:00:00Z' },
    port: { type: 'string' },
    exit: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function sixfold(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [program, '--project', here, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`sixfold ${args.join(' ')} ended with ${code}`)
}

async function freePort(wanted: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(freePort(wanted + 1)))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(wanted)))
  })
}

const question = {
  keys: { carrier: 'UA', origin: 'EWR', dest: 'SFO', tailnum: 'N14228' },
  request: { distance: 2565, scheduled_departure: '2013-09-01T13:00:00Z', scheduled_arrival: '2013-09-01T19:10:00Z' },
}

/** What was true of each flight that is trained on or held out, beside what was known when it was asked about. */
const labels = join(here, 'labels/flights.parquet')
const ofMayLabels = join(here, 'labels/may.parquet')
const heldOut = (name: string): string => join(here, 'labels', `heldout-${name}.parquet`)

async function writeLabels(): Promise<void> {
  mkdirSync(dirname(labels), { recursive: true })
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  const known = 'carrier, tailnum, origin, dest, distance, scheduled_departure, scheduled_arrival'
  const flights = `from '${join(here, 'data/flights.parquet')}' where arr_delay is not null`
  for (const [path, from, until] of [
    [labels, '2013-01-01', '2013-06-01'],
    [ofMayLabels, '2013-05-01', '2013-06-01'],
  ])
    await duckdb.run(
      `copy (select ${known}, arr_delay > 15 as late ${flights} and scheduled_departure >= '${from}' and scheduled_departure < '${until}'
        order by flight_id) to '${path}' (format parquet)`,
    )
  duckdb.closeSync()
}
const ofMay = ['--labels', ofMayLabels, '--at', 'scheduled_departure', '--zone', 'UTC']

/** By MLflow's own client, where a Python has it (PYTHON, by default python3); else by the command line. */
async function register(url: string, ...models: readonly string[]): Promise<void> {
  const python = process.env['PYTHON'] ?? 'python3'
  const has = spawnSync(python, ['-c', 'import mlflow, onnx, numpy'], { stdio: 'ignore' }).status === 0
  if (!has) {
    say(`  (${python} has no mlflow: they are added by the command line)`)
    for (const [name, file] of models.map((one) => one.split('=')))
      await sixfold('model', 'add', name!, join(here, file!), '--to', 'registered')
    return
  }
  const child = spawn(python, [join(here, 'train/log.py'), ...models.map((one) => one.replace('=', `=${here}/`))], {
    env: { ...process.env, MLFLOW_TRACKING_URI: url, MLFLOW_DISABLE_TELEMETRY: 'true', PYTHONWARNINGS: 'ignore' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`train/log.py ended with ${code}`)
}

/** A server takes a second to follow. */
async function answeredBy(url: string, model: string, version: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const { models } = (await (await fetch(`${url}/v1/status`)).json()) as Status
    if (models.find((one) => one.model === model)?.version === version) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`'${model}' is not answered by version ${version}.`)
}

// The summer is to be lived once: a state that has seen it would refuse questions about its past.
rmSync(process.env['SIXFOLD_DATA'] ?? join(here, '.sixfold'), { recursive: true, force: true })
await writeLabels()
say('\n— The definitions, put in force')
await sixfold('apply')
say(`\n— The online state, from history up to ${options.from}`)
await sixfold('materialize', '--through', options.from)
say('\n— The server, with a clock that stands still until it is moved')
const port = await freePort(Number(options.port ?? 6006))
const server = spawn(
  process.execPath,
  [program, '--project', here, 'serve', '--port', String(port), '--clock', options.from],
  { stdio: ['ignore', 'inherit', 'inherit'] },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill(signal))
// Whatever ends this process, the server is not left behind.
process.once('exit', () => server.kill())
server.once('exit', (code) => process.exit(code ?? 0))
const url = `http://127.0.0.1:${port}`
await ready(url)
say(`\n  The console is at ${url}\n`)

say('— Two models, trained elsewhere on January to April: registered, validated on the flights of May, promoted')
await register(url, 'late=models/late_small.onnx', 'late_linear=models/late_linear.onnx')
for (const name of ['late', 'late_linear']) {
  await sixfold('training-set', name, ...ofMay, '--out', heldOut(name))
  await sixfold('model', 'validate', name, '1', '--data', heldOut(name))
  await sixfold('model', 'promote', name, '1', '--reason', 'The first.')
}
say(
  '\n— A second version with twice the trees, compared with the first; promoted, taken back, and put in production again',
)
await register(url, 'late=models/late.onnx')
await sixfold('model', 'validate', 'late', '2', '--data', heldOut('late'))
await sixfold('model', 'promote', 'late', '2', '--reason', 'Better on the flights of May.')
await sixfold('model', 'rollback', 'late', '--reason', 'To see that one call goes back.')
await sixfold('model', 'rollback', 'late', '2', '--reason', 'It is better, after all.')
await sixfold('model', 'history', 'late')
await sixfold('audit', 'verify')
await answeredBy(url, 'late', '2')
await answeredBy(url, 'late_linear', '1')

say(
  `— Every flight from ${options.from.slice(0, 10)} to ${options.until.slice(0, 10)}, asked about at its scheduled departure`,
)
const result = await replay({
  url,
  data: join(here, 'data'),
  from: options.from,
  until: options.until,
  progress: (at) => void show(at),
})
const status = (await (await fetch(`${url}/v1/status`, { headers: authorization })).json()) as Status
say(`
${result.flights.toLocaleString('en')} flights, ${result.predictions.toLocaleString('en')} predictions, ${result.events.toLocaleString('en')} events and ${result.outcomes.toLocaleString('en')} outcomes in ${result.seconds.toFixed(0)} s
${result.errors} errors, ${result.degraded} degraded answers; latency seen by the client p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms
`)
say(summary(status))
say(
  `\nThe server stays up: ${url}\nAsk it:  curl -s ${url}/v1/models/late/predict -H 'content-type: application/json' -d '${JSON.stringify(question)}'\nStop it with Ctrl-C.`,
)
if (options.exit) server.kill('SIGTERM')

interface Status {
  readonly models: readonly {
    readonly model: string
    readonly version: string | null
    readonly quality: { readonly outputs: { readonly late: { readonly total: Quality } } }
  }[]
}
interface Quality {
  readonly examples: number
  readonly baseRate: number | null
  readonly logLoss: number | null
  readonly baseLogLoss: number | null
  readonly auc: number | null
  readonly brier: number | null
}

/** A figure may be missing: there is no AUC before a late flight and one in time have landed. */
function figure(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits)
}

async function ready(url: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (
      await fetch(`${url}/readyz`).then(
        (response) => response.ok,
        () => false,
      )
    )
      return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} does not become ready.`)
}

async function show({ now, done, predictions, perSecond, p50, p99 }: ReplayProgress): Promise<void> {
  const { models } = (await (await fetch(`${url}/v1/status`, { headers: authorization })).json()) as Status
  const [trees, line] = models.map(({ quality }) => quality.outputs.late.total)
  const figures = (q: Quality | undefined): string =>
    q === undefined ? '–' : `log-loss ${figure(q.logLoss, 4)} AUC ${figure(q.auc, 3)}`
  say(
    `${now.toISOString().slice(0, 16).replace('T', ' ')}  ${(done * 100).toFixed(0).padStart(3)} %  ${predictions.toLocaleString('en').padStart(8)} predictions  ${perSecond.toFixed(0).padStart(5)}/s  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms   trees ${figures(trees)}   linear ${figures(line)}`,
  )
}

function summary({ models }: Status): string {
  const of = (name: string): Quality => models.find(({ model }) => model === name)!.quality.outputs.late.total
  const [trees, line] = [of('late'), of('late_linear')]
  const base = trees.baseRate
  const rows = [
    ['', 'log-loss', 'AUC', 'Brier'],
    [
      `base rate, ${figure(base === null ? null : base * 100, 1)} % late`,
      figure(trees.baseLogLoss, 4),
      figure(base === null ? null : 0.5, 3),
      figure(base === null ? null : base * (1 - base), 4),
    ],
    ['late_linear', figure(line.logLoss, 4), figure(line.auc, 3), figure(line.brier, 4)],
    ['late (trees)', figure(trees.logLoss, 4), figure(trees.auc, 3), figure(trees.brier, 4)],
  ]
  return [
    `${trees.examples.toLocaleString('en')} flights whose outcome came:`,
    ...rows.map(([name, ...cells]) => `  ${name!.padEnd(24)}${cells.map((cell) => cell.padStart(10)).join('')}`),
  ].join('\n')
}
