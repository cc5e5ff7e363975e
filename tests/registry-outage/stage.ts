/**
 * Servers of the drills' project on one Redis, one PostgreSQL and one S3, each with a folder of its own; three versions of a model were in
 * production, one after another. Clients ask for predictions all the time, and what version answered is kept.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { RunningServer } from '../../drills/server.ts'
import { startServer, tell } from '../../drills/server.ts'
import { linearModel } from '../cli/onnx.ts'
import type { FaultProxy, S3Service, Service } from '../services/index.ts'
import { faultProxy, startPostgres, startRedis, startS3 } from '../services/index.ts'

export interface Entry {
  readonly id: string
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly version: number
  readonly reason: string | null
  readonly details: { readonly to?: string; readonly rollback?: boolean; readonly by?: number }
}

export interface Server {
  readonly url: string
  /** Versions as clients saw them, without repetition. */
  readonly seen: (number | null)[]
  /** Of the predictions since this was last emptied, in milliseconds. */
  readonly took: number[]
  readonly failed: string[]
  kill(): Promise<void>
  /** Rejects if it has not been killed by itself within so many milliseconds. */
  ended(withinMs: number): Promise<void>
  start(more?: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<void>
}

export interface Stage {
  readonly redis: Service
  readonly postgres: Service
  readonly s3: S3Service
  /** Between everybody and PostgreSQL. */
  readonly proxy: FaultProxy
  readonly environment: NodeJS.ProcessEnv
  readonly servers: readonly Server[]
  /** Adds a version, which is then in production. */
  add(...args: readonly string[]): Promise<void>
  close(): Promise<void>
}

export async function stage(count: number): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-outage-'))
  const [redis, postgres, s3] = await Promise.all([startRedis(), startPostgres(), startS3()])
  await s3.bucket('models')
  const proxy = await faultProxy(postgres.port)
  const metadata = `postgres://sixfold@127.0.0.1:${proxy.port}/sixfold`
  const environment: NodeJS.ProcessEnv = {
    SIXFOLD_DATA: join(folder, 'command'),
    SIXFOLD_ONLINE_URL: redis.url,
    SIXFOLD_METADATA_URL: metadata,
    SIXFOLD_LOG_URL: metadata,
    SIXFOLD_ARTIFACTS_URL: `s3://models/sixfold?region=${s3.region}&endpoint=${s3.url}&pathStyle=true`,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  }
  let added = 0
  const add = async (...args: readonly string[]): Promise<void> => {
    const path = join(folder, `${++added}.onnx`)
    writeFileSync(path, linearModel('risky', [0, 0], added / 100))
    const { ended, said } = await tell(null, environment, 'model', 'add', 'risky', path, ...args)
    expect(ended, said).toBe('well')
  }
  for (let i = 0; i < 3; i++) await add()
  const servers = Array.from({ length: count }, (_, i) =>
    watched({ ...environment, SIXFOLD_DATA: join(folder, `${i}`) }),
  )
  await Promise.all(servers.map((server) => server.start()))
  return {
    ...{ redis, postgres, s3, proxy, environment, servers, add },
    close: async () => {
      await Promise.all(servers.map((server) => server.kill()))
      await proxy.close()
      await Promise.all([redis, postgres, s3].map((service) => service.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function watched(environment: NodeJS.ProcessEnv): Server {
  let running: RunningServer | null = null
  let watching: Promise<void> = Promise.resolve()
  const server = {
    url: '',
    seen: [] as (number | null)[],
    took: [] as number[],
    failed: [] as string[],
    kill: async () => {
      const before = running
      running = null
      await before?.kill()
      await watching
    },
    ended: async (withinMs: number) => {
      const until = performance.now() + withinMs
      while (running !== null && running.child.signalCode === null) {
        if (performance.now() > until) throw new Error('It was not killed.')
        await sleep(20)
      }
      running = null
      await watching
    },
    start: async (more: NodeJS.ProcessEnv = {}, ...args: readonly string[]) => {
      const mine = await startServer({ ...environment, ...more }, ...args)
      running = mine
      server.url = mine.url
      watching = watch(mine)
    },
  }
  const watch = async (mine: RunningServer): Promise<void> => {
    while (running === mine) {
      const began = performance.now()
      const answer = await post(`${mine.url}/v1/models/risky/predict`, { keys: { account: 'a' } })
      // That a process has ended is known a little after its connections broke.
      if (answer.status === 0) await sleep(200)
      if (running !== mine || mine.child.exitCode !== null || mine.child.signalCode !== null) return
      server.took.push(performance.now() - began)
      if (answer.status !== 200)
        server.failed.push(`${new Date().toISOString()} ${answer.status} ${JSON.stringify(answer.body)}`)
      else {
        const version = answer.body.version === null ? null : Number(answer.body.version)
        if (server.seen.at(-1) !== version || server.seen.length === 0) server.seen.push(version)
      }
      await sleep(10)
    }
  }
  return server
}

// biome-ignore lint/suspicious/noExplicitAny: what a test looks into
export type Answer = { readonly status: number; readonly body: any; readonly ms: number }

export async function post(url: string, body: unknown, id?: string): Promise<Answer> {
  const began = performance.now()
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(id === undefined ? {} : { 'idempotency-key': id }) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    })
    return { status: response.status, body: await response.json(), ms: performance.now() - began }
  } catch (error) {
    return { status: 0, body: String(error), ms: performance.now() - began }
  }
}

export const newId = (): string => randomBytes(16).toString('hex')

export const rollback = ({ url }: Pick<Server, 'url'>, id = newId(), to?: number): Promise<Answer> =>
  post(`${url}/v1/registry/models/risky/rollback`, { reason: 'it is worse', ...(to === undefined ? {} : { to }) }, id)

/** Resolves when every server answers with that version. */
export async function answers(servers: readonly Server[], version: number, withinMs: number): Promise<number> {
  const began = performance.now()
  while (!servers.every(({ seen }) => seen.at(-1) === version)) {
    if (performance.now() - began > withinMs)
      throw new Error(`Not version ${version} after ${withinMs} ms: ${JSON.stringify(servers.map(({ seen }) => seen))}`)
    await sleep(10)
  }
  return performance.now() - began
}

/** The changes of stage to production and the superseded roll backs, oldest first. */
export async function entriesOf({ url }: Pick<Server, 'url'>): Promise<readonly Entry[]> {
  const response = await fetch(`${url}/v1/registry/audit?model=risky&limit=1000`)
  if (response.status !== 200) return []
  const { entries } = (await response.json()) as { readonly entries: readonly Entry[] }
  return [...entries]
    .reverse()
    .filter(({ action, details }) => action === 'rollback.superseded' || details.to === 'production')
}

/** Waits for the entries with these ids, and gives all there are. */
export async function written(server: Server, ids: readonly string[], withinMs = 60_000): Promise<readonly Entry[]> {
  const until = performance.now() + withinMs
  for (;;) {
    const entries = await entriesOf(server).catch(() => [])
    if (ids.every((id) => entries.some((one) => one.id === id))) return entries
    if (performance.now() > until) throw new Error(`Not written down: ${JSON.stringify(entries)}`)
    await sleep(50)
  }
}

export async function auditIsWhole({ url }: Pick<Server, 'url'>): Promise<void> {
  const verified = await (await fetch(`${url}/v1/registry/audit/verify`)).json()
  expect(verified).toMatchObject({ ok: true, problems: [] })
}

export const inProduction = async ({ url }: Pick<Server, 'url'>): Promise<readonly number[]> => {
  const model = (await (await fetch(`${url}/v1/registry/models/risky`)).json()) as {
    readonly list: readonly { readonly version: number; readonly stage: string }[]
  }
  return model.list.flatMap(({ version, stage }) => (stage === 'production' ? [version] : []))
}

/** A process with this in its environment is killed when it passes the failure point, the time that is counted. */
export const killedAt = (point: string): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(
    `globalThis[Symbol.for('sixfold.failpoint')] = (name) => { if (name === ${JSON.stringify(point)}) process.kill(process.pid, 'SIGKILL') }`,
  )}`,
})
