/**
 * The same file of 100 trees behind every server, one row a request as JSON, 32 connections, one process each, one after another in
 * turns. Ours answers through its whole pipeline, and logs every prediction; and once more as Open Inference, as two of the others are
 * asked.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Benchmark, Measure, Outcome, Settings } from './measure.ts'
import { interleave, median, random } from './measure.ts'
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
        return await measure(sides, missing, settings)
      } finally {
        for (const { server } of sides) await server.stop()
      }
    }),
}

async function measure(sides: readonly Side[], missing: readonly string[], settings: Settings): Promise<Outcome> {
  const scores = await Promise.all(sides.map(({ server }) => scoreOf(server)))
  for (const [i, score] of scores.entries())
    if (!(Math.abs(score - scores[0]!) < 1e-5))
      throw new Error(`${sides[i]!.title} answers ${score}, and not ${scores[0]}.`)
  const seconds = settings.quick ? 1 : 5
  const loads = new Map<string, Load[]>(sides.map(({ name }) => [name, []]))
  settings.say('Warming up')
  for (const { server } of sides) await load(server, '', 1, settings.quick ? 1 : 3)
  settings.say(`Taking turns, ${generator}, ${seconds} s each`)
  const all = await interleave(
    settings.quick ? 1 : 3,
    Object.fromEntries(
      sides.map(({ name, server }) => [
        name,
        async () => {
          const one = await load(server, '', 1, seconds)
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
  await opened.registry.add(
    'light',
    modelFile,
    { description: null, to: 'production', facts: null, golden: null },
    { actor: 'local:bench', reason: null },
  )
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
    cwd,
  })
  child.stdout!.resume()
  const url = `http://127.0.0.1:${port}`
  const server = over(child)
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
