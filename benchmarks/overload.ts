/**
 * More requests than can be answered: a model of about a millisecond a row, Poisson arrivals that wait for nobody, at half of what the
 * server can do up to ten times that. What is asked of it: those it takes are answered within the budget, the rest at once by the
 * fallback, and about as many are answered at ten times the load as at most.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Benchmark, Measure, Outcome, Settings } from './measure.ts'
import { inputs, writeModel } from './overload/model.ts'
import { firstLine, over, piped, program } from './processes.ts'
import { loadProject, open } from './sixfold.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

const project = join(import.meta.dirname, 'serving/project')
const path = '/v1/models/heavy/predict'
const body = JSON.stringify({
  keys: {},
  request: Object.fromEntries(Array.from({ length: inputs }, (_, i) => [`x${i}`, (i % 7) / 7])),
})
const budgetMs = 100
const layers = 300

interface Summary {
  readonly count: number
  readonly p50: number | null
  readonly p99: number | null
  readonly most: number | null
}
interface Load {
  readonly offered: number
  /** By the model; by the fallback; 503. */
  readonly answered: Summary
  readonly degraded: Summary
  readonly refused: Summary
  readonly excess: Summary
  readonly failed: number
  readonly unanswered: number
  readonly windowMs: number
  readonly windows: readonly { readonly answered: number; readonly other: number; readonly slowest: number }[]
}

export const overload: Benchmark = {
  summary: 'Poisson arrivals at 0.5 to 10 times what the server can do',
  run: (settings) => inWorkplace('overload', (place) => measure(place, settings)),
}

async function measure(place: Workplace, { quick, say }: Settings): Promise<Outcome> {
  const file = place.path('heavy.onnx')
  writeModel(file, layers)
  await register(place, file)
  const child = spawn(
    process.execPath,
    [program, '--project', project, '--json', 'serve', '--port', '0'],
    piped(place.environment),
  )
  const { url } = JSON.parse(await firstLine(child)) as { readonly url: string }
  const server = over(child)
  const { hostname, port } = new URL(url)
  const load = (options: object): Promise<Load> =>
    generate({ host: hostname, port: Number(port), path, body, connections: 2_000, seed: 2013, ...options })
  try {
    say('Finding out what it can do: 64 connections, each as soon as it has its answer')
    const patient = { rate: null, connections: 64, headers: { 'x-request-timeout-ms': 30_000 } }
    await load({ ...patient, seconds: 3 })
    const seconds = quick ? 4 : 10
    const capacity = (await load({ ...patient, seconds })).answered.count / seconds
    const notes = [`${capacity.toFixed(0)} answers/s at most, ${layers} layers, one worker`]
    const goodputs: number[] = []
    const p99s: number[] = []
    const excesses: number[] = []
    let last: Load | null = null
    for (const factor of [0.5, 0.8, 1.5, 5, 10]) {
      const lasting = quick ? 4 : 30
      say(`${factor} times that for ${lasting} s`)
      const health = healthDuring(url)
      const cpu = server.cpuSeconds()
      const one = await load({ rate: capacity * factor, seconds: lasting })
      const healthMs = await health.stop()
      say(
        `answered ${one.answered.count} of ${one.offered}, p99 ${ms(one.answered.p99)}; others p99 ${ms(one.excess.p99)}`,
      )
      if (one.failed > 0 || one.unanswered > 0)
        throw new Error(`At ${factor}: ${one.failed} requests failed, ${one.unanswered} were not answered.`)
      goodputs.push(one.answered.count / lasting)
      p99s.push(one.answered.p99!)
      if (factor > 1) excesses.push(one.excess.p99!)
      last = one
      notes.push(
        [
          `${factor} ×: offered ${(one.offered / lasting).toFixed(0)}/s`,
          `answered ${(one.answered.count / lasting).toFixed(0)}/s, p50 ${ms(one.answered.p50)}, p99 ${ms(one.answered.p99)}`,
          `by the fallback or refused ${((100 * one.excess.count) / one.offered).toFixed(1)} %, p50 ${ms(one.excess.p50)}, p99 ${ms(one.excess.p99)}`,
          `health p99 ${ms(healthMs)}`,
          `memory ${server.memoryMiB().toFixed(0)} MiB`,
          `${((1e6 * (server.cpuSeconds() - cpu)) / one.offered).toFixed(0)} µs of processor time a request`,
        ].join('; '),
      )
    }
    const back = await recovery(load, capacity)
    notes.push(`back to normal ${back.toFixed(1)} s after ten times the load ended`)
    const peak = Math.max(...goodputs)
    return {
      measures: [
        rate('overload', 'answers/s at 10 ×', [goodputs.at(-1)!], [peak], 'the most at any load', 0.85),
        limit('overload p99', 'ms of those answered, worst of all loads', [Math.max(...p99s)], budgetMs),
        limit('overload excess', 'ms, p99 of the others, worst of all loads', [Math.max(...excesses)], 5),
        limit('overload recovery', 's', [back], 5),
      ],
      notes: [...notes, `${last!.windows.length * last!.windowMs} ms of arrivals at 10 ×, Poisson, seed 2013`],
    }
  } finally {
    await server.stop()
  }
}

const ms = (value: number | null): string => (value === null ? 'none' : `${value.toFixed(1)} ms`)

const rate = (
  name: string,
  unit: string,
  ours: number[],
  floor: number[],
  floorIs: string,
  ofFloor: number,
): Measure => ({ name, unit, better: 'more', ours, theirs: null, peer: '', floor, floorIs, wanted: { ofFloor } })
/** Met where ours is at most what is wanted: then the share of the floor is 1 or more. */
const limit = (name: string, unit: string, ours: number[], wanted: number): Measure => ({
  ...{ name, unit, ours, theirs: null, peer: '', floor: [wanted] },
  ...{ better: 'less', floorIs: 'what is wanted at most', wanted: { ofFloor: 1 } },
})

async function register(place: Workplace, file: string): Promise<void> {
  const { platform } = await loadProject(project)
  const opened = await open(platform, { project, data: place.environment.SIXFOLD_DATA })
  try {
    await opened.registry.add(
      'heavy',
      file,
      { description: null, to: 'production', facts: null, golden: null },
      { actor: 'local:bench', reason: null },
    )
  } finally {
    await opened.close()
  }
}

async function generate(options: object): Promise<Load> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'overload/generator.mjs'), JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  await once(child, 'close')
  return JSON.parse(out) as Load
}

/** Asks for the health of the server, again and again; gives the 99th percentile of how long that took. */
function healthDuring(url: string): { stop(): Promise<number> } {
  const took: number[] = []
  let stopped = false
  const asking = (async () => {
    while (!stopped) {
      const began = performance.now()
      await fetch(`${url}/healthz`).then((answer) => answer.text())
      took.push(performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await asking
      took.sort((a, b) => a - b)
      return took[Math.min(took.length - 1, Math.floor(0.99 * took.length))]!
    },
  }
}

/** Seconds after ten times the load until half the load is answered again as before: all of it, within the budget. */
async function recovery(load: (options: object) => Promise<Load>, capacity: number): Promise<number> {
  await load({ rate: capacity * 10, seconds: 5, drainMs: 0 })
  const { windows, windowMs } = await load({ rate: capacity * 0.5, seconds: 8 })
  const lastBad = windows.findLastIndex(({ other, slowest }) => other > 0 || slowest > budgetMs)
  return ((lastBad + 1) * windowMs) / 1000
}
