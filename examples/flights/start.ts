/**
 * The whole example: from an empty data folder to a server that has answered for a summer. `npm start` at the root of the repository
 * runs it; --until shortens the summer, --port names a port, --exit ends when the table is printed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { ReplayProgress } from './replay.ts'
import { replay } from './replay.ts'

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

// The summer is to be lived once: a state that has seen it would refuse questions about its past.
rmSync(process.env['SIXFOLD_DATA'] ?? join(here, '.sixfold'), { recursive: true, force: true })
say('\n— The definitions, put in force')
await sixfold('apply')
say(`\n— The online state, from history up to ${options.from}`)
await sixfold('materialize', '--through', options.from)
say('\n— Two models, trained elsewhere on January to April')
await sixfold('model', 'add', 'late', join(here, 'models/late.onnx'))
await sixfold('model', 'add', 'late_linear', join(here, 'models/late_linear.onnx'))

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
const status = (await (await fetch(`${url}/v1/status`)).json()) as Status
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
  const { models } = (await (await fetch(`${url}/v1/status`)).json()) as Status
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
