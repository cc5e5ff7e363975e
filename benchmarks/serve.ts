/**
 * The same file of 100 trees behind every server, one row a request as JSON, 32 connections, one process each, one after another in
 * turns. Ours answers through its whole pipeline, and logs every prediction; and once more as Open Inference, as two of the others are
 * asked.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Benchmark, Measure, Outcome, Settings } from './measure.ts'
import { interleave, median, random } from './measure.ts'
import { inputs as heavyInputs, writeModel } from './overload/model.ts'
import type { ServingPeer } from './peers/serving.ts'
import { environmentOf, programOf, servingPeers } from './peers/serving.ts'
import type { Load } from './predict/load.ts'
import { generator, load } from './predict/load.ts'
import type { Server } from './predict/servers.ts'
import { modelFile } from './predict/servers.ts'
import { freePort } from './predict.ts'
import { answering, firstLine, over, piped, program } from './processes.ts'
import { openInferenceScore } from './serving/score.ts'
import { startTriton, whyNoTriton } from './serving/triton.ts'
import type { Opened } from './sixfold.ts'
import { loadProject, open } from './sixfold.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

const project = join(import.meta.dirname, 'serving/project')
const width = 20
const row = ((numbers) => Array.from({ length: width }, () => numbers.below(2_000) / 1_000 - 1))(random(11))
const request = { keys: {}, request: Object.fromEntries(row.map((value, i) => [`x${i}`, value])) }
const tensors = { inputs: [{ name: 'x', shape: [1, width], datatype: 'FP32', data: row }] }

/** What is asked for, as ratio of ours to theirs. */
const wanted: { readonly [peer: string]: number } = {
  ...{ fastapi: 5, litserve: 15, bentoml: 15, mlserver: 10, mlflow: 15, triton: 2 },
}

/** It sheds load, without an answer in place of the model's. */
const refusing = new Set(['bentoml'])

interface Side {
  readonly name: string
  readonly title: string
  readonly server: Server
}

export const serve: Benchmark = {
  summary: 'one row a request: FastAPI, LitServe, BentoML, MLServer, MLflow, Triton',
  run: (settings) =>
    inWorkplace('serve', async (place) => {
      const sides: Side[] = []
      const missing: string[] = []
      try {
        const ours = await ourServer(place)
        sides.push({ name: 'ours', title: 'sixfold serve', server: ours.predict })
        sides.push({ name: 'tensors', title: 'sixfold serve, Open Inference', server: ours.infer })
        for (const peer of settings.peers ? servingPeers : []) {
          settings.say(`Starting ${peer.title}`)
          if (existsSync(join(environmentOf(peer.name), 'made')))
            sides.push({ name: peer.name, title: peer.title, server: await start(peer, place) })
          else missing.push(peer.name)
        }
        const noTriton = settings.peers ? whyNoTriton() : null
        if (noTriton !== null) missing.push(noTriton)
        else if (settings.peers) {
          settings.say('Starting Triton')
          const server = await startTriton(modelFile, JSON.stringify(tensors))
          sides.push({ name: 'triton', title: 'Triton 2.51, Python backend with onnxruntime', server })
        }
        if (!settings.peers) missing.push('Python peers were left out')
        settings.say('In process, and health beside calls that take long')
        const predictMs = await inProcess(place, settings.quick)
        const { callMs, healthMs } = await healthBeside(new URL(ours.predict.url).origin, settings.quick ? 2 : 15)
        const outcome = await measure(sides, missing, settings)
        return {
          measures: [
            ...outcome.measures,
            within('serve, in process', 'ms, p99 of a prediction', predictMs, 1),
            within('serve, health', 'ms, p99 while calls of the model take long', healthMs, 20),
          ],
          notes: [...outcome.notes, `the calls beside which health was asked took ${callMs.toFixed(0)} ms each`],
        }
      } finally {
        for (const { server } of sides) await server.stop()
      }
    }),
}

/** At most so much: then the share of what is wanted is 1 or more. */
const within = (name: string, unit: string, ours: number, wanted: number): Measure => ({
  ...{ name, unit, ours: [ours], theirs: null, peer: '', floor: [wanted], better: 'less' },
  ...{ floorIs: 'what is wanted at most', wanted: { ofFloor: 1 } },
})

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))]!

/** In this process, one after another: features, model, log and all. Milliseconds. */
async function inProcess(place: Workplace, quick: boolean): Promise<number> {
  const { platform } = await loadProject(project)
  const opened = await open(platform, { project, data: place.path('in process') })
  try {
    await add(opened, 'light', modelFile)
    await opened.refresh()
    const took: number[] = []
    for (let i = 0; i < (quick ? 3_000 : 50_000); i++) {
      const began = performance.now()
      const { degraded } = await opened.predict('light', request)
      took.push(performance.now() - began)
      if (degraded.length > 0) throw new Error(`A prediction in process was degraded: ${JSON.stringify(degraded)}`)
    }
    return quantile(took.slice(took.length / 10), 0.99)
  } finally {
    await opened.close()
  }
}

/** Of a health check, while calls of some 70 ms follow one another: the calls' own median, and the health's 99th percentile. */
async function healthBeside(
  url: string,
  seconds: number,
): Promise<{ readonly callMs: number; readonly healthMs: number }> {
  const infer = async (rows: number): Promise<number> => {
    const began = performance.now()
    const data = new Array<number>(rows * heavyInputs).fill(0.5)
    const inputs = [{ name: 'x', shape: [rows, heavyInputs], datatype: 'FP32', data }]
    const answer = await fetch(`${url}/v2/models/heavy/infer`, {
      method: 'POST',
      headers: { 'x-request-timeout-ms': '30000' },
      body: JSON.stringify({ inputs }),
    })
    if (answer.status !== 200) throw new Error(`The heavy model answers ${answer.status}: ${await answer.text()}`)
    await answer.arrayBuffer()
    return performance.now() - began
  }
  let rows = 32
  while ((await infer(rows)) < 70 && rows < 1_024) rows *= 2
  const calls: number[] = []
  const health: number[] = []
  let running = true
  const busy = (async () => {
    while (running) calls.push(await infer(rows))
  })()
  const until = performance.now() + seconds * 1000
  while (performance.now() < until) {
    const began = performance.now()
    await (await fetch(`${url}/healthz`)).arrayBuffer()
    health.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  running = false
  await busy
  return { callMs: quantile(calls, 0.5), healthMs: quantile(health, 0.99) }
}

const add = ({ registry }: Opened, model: string, file: string): Promise<unknown> =>
  registry.add(
    model,
    file,
    { description: null, to: 'production', facts: null, golden: null },
    { actor: 'local:bench', reason: null },
  )

async function measure(sides: readonly Side[], missing: readonly string[], settings: Settings): Promise<Outcome> {
  const scores = await Promise.all(sides.map(({ server }) => scoreOf(server)))
  for (const [i, score] of scores.entries())
    if (!(Math.abs(score - scores[0]!) < 1e-5))
      throw new Error(`${sides[i]!.title} answers ${score}, and not ${scores[0]}.`)
  const seconds = settings.quick ? 1 : 5
  const loads = new Map<string, Load[]>(sides.map(({ name }) => [name, []]))
  settings.say('Warming up')
  for (const { name, server } of sides) await load(server, '', 1, settings.quick ? 1 : 3, refusing.has(name))
  settings.say(`Taking turns, ${generator}, ${seconds} s each`)
  const all = await interleave(
    settings.quick ? 1 : 3,
    Object.fromEntries(
      sides.map(({ name, server }) => [
        name,
        async () => {
          const one = await load(server, '', 1, seconds, refusing.has(name))
          loads.get(name)!.push(one)
          return one.perSecond
        },
      ]),
    ),
  )
  const measures = sides
    .filter(({ name }) => wanted[name] !== undefined)
    .map(
      ({ name, title }): Measure => ({
        ...{ name: `serve, ${name}`, unit: 'requests/s', better: 'more', ours: all['ours']!, theirs: all[name]! },
        ...{ peer: title, floor: null, floorIs: null, wanted: { ratio: wanted[name]! } },
      }),
    )
  const notes = sides.map(({ name, title, server }) => {
    const of = (field: keyof Load, digits: number): string =>
      median(loads.get(name)!.map((one) => one[field])).toFixed(digits)
    return `${title}: ${of('perSecond', 0)}/s, p50 ${of('p50', 2)} ms, p99 ${of('p99', 2)} ms, ${of('cpuMicros', 0)} µs of processor time a request, ${server.memoryMiB?.().toFixed(0) ?? '?'} MiB`
  })
  return {
    measures:
      measures.length > 0
        ? measures
        : [
            {
              ...{ name: 'serve', unit: 'requests/s', better: 'more', ours: all['ours']!, theirs: null, peer: '' },
              ...{ floor: null, floorIs: null, wanted: {} },
            },
          ],
    notes: [
      ...notes,
      ...(missing.length > 0
        ? [`not there: ${missing.join(', ')}: \`npx jiti benchmarks/peers/setup.ts\` installs them`]
        : []),
      `${generator}, one row of ${width} numbers, one server process each; all answered ${scores[0]!.toFixed(6)}`,
    ],
  }
}

interface ScoredServer extends Server {
  score(answer: never): number
}

async function scoreOf(server: Server): Promise<number> {
  const answer = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: server.template,
  })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${server.url} answers ${answer.status}: ${text.slice(0, 500)}`)
  return (server as ScoredServer).score(JSON.parse(text) as never)
}

async function ourServer(place: Workplace): Promise<{ readonly predict: ScoredServer; readonly infer: ScoredServer }> {
  const { platform } = await loadProject(project)
  const opened = await open(platform, { project, data: place.environment.SIXFOLD_DATA })
  await add(opened, 'light', modelFile)
  writeModel(place.path('heavy.onnx'), 300)
  await add(opened, 'heavy', place.path('heavy.onnx'))
  await opened.close()
  const child = spawn(
    process.execPath,
    [program, '--project', project, '--json', 'serve', '--port', '0'],
    piped(place.environment),
  )
  const { url } = JSON.parse(await firstLine(child)) as { readonly url: string }
  const process_ = over(child)
  return {
    predict: {
      ...process_,
      url: `${url}/v1/models/light/predict`,
      template: JSON.stringify(request),
      score: ({ prediction }: { readonly prediction: { readonly score: number } }) => prediction.score,
    },
    infer: {
      ...process_,
      url: `${url}/v2/models/light/infer`,
      template: JSON.stringify({ ...tensors, outputs: [{ name: 'probabilities' }] }),
      score: openInferenceScore,
      // It is the same process, which is stopped once.
      stop: async () => {},
    },
  }
}

async function start(peer: ServingPeer, place: Workplace): Promise<ScoredServer> {
  const port = await freePort()
  const environment = { MODEL: modelFile, ...peer.environment?.(port) }
  const run = ([command, ...args]: readonly string[]): readonly [string, string[]] => [
    programOf(peer.name, command!),
    args,
  ]
  const cwd = join(import.meta.dirname, 'peers')
  const path = `${join(environmentOf(peer.name), 'bin')}:${process.env['PATH']}`
  if (peer.prepare !== undefined) {
    const { status, stderr } = spawnSync(...run(peer.prepare(modelFile, place.folder)), { cwd, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${peer.title} cannot be prepared: ${stderr.slice(-2_000)}`)
  }
  const child = spawn(...run(peer.command(port, place.folder)), {
    ...piped({ ...environment, PATH: path }),
    // Some start processes of their own, and leave them behind.
    detached: true,
    cwd,
  })
  child.stdout!.resume()
  const url = `http://127.0.0.1:${port}`
  const server = {
    ...over(child),
    stop: async () => {
      const ended = once(child, 'exit')
      process.kill(-child.pid!, 'SIGKILL')
      await ended
    },
  }
  try {
    await answering(child, url + peer.ready)
    await untilReady(url + peer.ready)
  } catch (error) {
    await server.stop()
    throw error
  }
  return { ...server, url: url + peer.path, template: JSON.stringify(peer.body(row)), score: peer.score }
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if ((await fetch(url).catch(() => null))?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${url} does not become ready.`)
}
