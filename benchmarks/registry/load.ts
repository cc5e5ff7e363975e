/** What is asked of a server that speaks MLflow's REST API: the same requests, whoever's server it is. */
import { Agent, request } from 'node:http'

export interface Times {
  /** Milliseconds of each answer, by what was asked. */
  readonly [what: string]: readonly number[]
}
export interface Run {
  readonly perSecond: number
  readonly times: Times
}

export type Ask = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<Record<string, unknown>>

/** One connection, kept. What is not answered with 200 ends the benchmark. */
export function connection(url: string): { readonly ask: Ask; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { hostname, port } = new URL(url)
  const ask: Ask = (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? null : JSON.stringify(body)
      const headers =
        text === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
      const asked = request({ agent, hostname, port, method, path: `/api/2.0/mlflow/${path}`, headers }, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const said = Buffer.concat(parts).toString()
          if (answer.statusCode === 200) resolve(JSON.parse(said) as Record<string, unknown>)
          else reject(new Error(`${method} ${path} was answered with ${answer.statusCode}: ${said.slice(0, 300)}`))
        })
        answer.on('error', reject)
      })
      asked.on('error', reject)
      asked.end(text ?? undefined)
    })
  return { ask, close: () => agent.destroy() }
}

type Work = (timed: <T>(what: string, work: () => Promise<T>) => Promise<T>, ask: Ask) => Promise<() => Promise<void>>

/** So many connections at once, for so long; `prepare` gives what each does again and again. */
export async function load(url: string, connections: number, milliseconds: number, prepare: Work): Promise<Run> {
  const times: { [what: string]: number[] } = {}
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const result = await work()
    times[what] ??= []
    times[what].push(performance.now() - began)
    return result
  }
  const open = Array.from({ length: connections }, () => connection(url))
  try {
    const steps = await Promise.all(open.map(({ ask }) => prepare(timed, ask)))
    let done = 0
    const began = performance.now()
    await Promise.all(
      steps.map(async (step) => {
        while (performance.now() - began < milliseconds) {
          await step()
          done++
        }
      }),
    )
    return { perSecond: (done * 1000) / (performance.now() - began), times }
  } finally {
    for (const one of open) one.close()
  }
}

let names = 0
const fresh = (what: string): string => `${what}-${process.pid}-${Date.now().toString(36)}-${names++}`

/** Create a version, put it in production in place of the one before, let an alias name it, and ask what the alias names. */
export const cycle: Work = async (timed, ask) => {
  const name = fresh('model')
  await ask('POST', 'registered-models/create', { name })
  let count = 0
  return async () => {
    const source = `s3://bucket/${name}/${count++}`
    const { model_version: made } = (await timed('create version', () =>
      ask('POST', 'model-versions/create', { name, source }),
    )) as { readonly model_version: { readonly version: string } }
    const { version } = made
    const stage = { name, version, stage: 'Production', archive_existing_versions: true }
    await timed('transition', () => ask('POST', 'model-versions/transition-stage', stage))
    await timed('set alias', () => ask('POST', 'registered-models/alias', { name, alias: 'champion', version }))
    const read = (await timed('get by alias', () =>
      ask('GET', `registered-models/alias?name=${name}&alias=champion`),
    )) as { readonly model_version: { readonly version: string } }
    if (read.model_version.version !== version)
      throw new Error(`The alias names ${read.model_version.version} after it was set to ${version}.`)
  }
}

/** A run's batch of so many metrics, a step further each time. */
export const logBatch =
  (metrics: number): Work =>
  async (timed, ask) => {
    const { run } = (await ask('POST', 'runs/create', { experiment_id: '0', start_time: Date.now() })) as {
      readonly run: { readonly info: { readonly run_id: string } }
    }
    const { run_id } = run.info
    let step = 0
    return async () => {
      step++
      const timestamp = Date.now()
      const list = Array.from({ length: metrics }, (_, i) => ({ key: `m${i}`, value: step + i / 10, timestamp, step }))
      await timed('log batch', () => ask('POST', 'runs/log-batch', { run_id, metrics: list }))
    }
  }

/** Reads of what training and serving ask for: an alias, a version, a model, a run. */
export const reads: Work = async (timed, ask) => {
  const name = fresh('model')
  await ask('POST', 'registered-models/create', { name })
  await ask('POST', 'model-versions/create', { name, source: 's3://bucket/read' })
  await ask('POST', 'registered-models/alias', { name, alias: 'champion', version: '1' })
  const { run } = (await ask('POST', 'runs/create', { experiment_id: '0', start_time: Date.now() })) as {
    readonly run: { readonly info: { readonly run_id: string } }
  }
  const { run_id } = run.info
  const list = Array.from({ length: 10 }, (_, i) => ({ key: `m${i}`, value: i, timestamp: Date.now(), step: 1 }))
  await ask('POST', 'runs/log-batch', { run_id, metrics: list, params: [{ key: 'depth', value: '6' }] })
  return async () => {
    await timed('read', () => ask('GET', `registered-models/alias?name=${name}&alias=champion`))
    await timed('read', () => ask('GET', `model-versions/get?name=${name}&version=1`))
    await timed('read', () => ask('GET', `registered-models/get?name=${name}`))
    await timed('read', () => ask('GET', `runs/get?run_id=${run_id}`))
  }
}
