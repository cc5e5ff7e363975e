/**
 * A store goes away in the midst of work, and comes back: killed and started again, and behind a proxy that delays, resets and
 * swallows. Two servers share the stores; events are pushed, predictions asked, outcomes told and versions of a model added
 * throughout, and whatever was refused is sent again, as a careful client would.
 *
 * No prediction may fail on the server's side; what was acknowledged must be there at the end, once; and both servers go on as
 * before without being started again.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { linearModel } from '../tests/cli/onnx.ts'
import type { FaultProxy, Service } from '../tests/services/index.ts'
import { faultProxy, freePort, startKafka, startPostgres, startRedis, startS3 } from '../tests/services/index.ts'
import type { DrillResult } from './ingest-kill.ts'
import type { Random } from './random.ts'
import type { RunningServer } from './server.ts'
import { runCommand, startServer } from './server.ts'

export const outageStores = ['redis', 'postgres', 'kafka', 's3'] as const
export type OutageStore = (typeof outageStores)[number]

export interface OutageResult extends DrillResult {
  readonly predictions: number
  readonly degraded: number
  readonly server_errors: number
  readonly events: number
  readonly outcomes: number
  readonly versions: number
  /** The longest time from the store's return until both servers did everything again, in milliseconds. */
  readonly recovered_ms: number
  /** The slowest prediction, in milliseconds. */
  readonly slowest_ms: number
  /** By how much the memory of a server grew at most, in megabytes. */
  readonly grown_mb: number
}

export interface OutageOptions {
  /** For how long the store is away, and its connection is broken, in milliseconds. */
  readonly awayMs: number
  readonly brokenMs: number
}

export async function storeOutage(
  store: OutageStore,
  random: Random,
  { awayMs, brokenMs }: OutageOptions,
  say: (text: string) => void,
): Promise<OutageResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-outage-'))
  const closing: (() => Promise<unknown>)[] = []
  try {
    const stage = await setTheStage(store, folder, closing)
    const servers: RunningServer[] = []
    for (let i = 0; i < 2; i++) {
      const server = await startServer(stage.environment)
      closing.unshift(() => server.stop())
      servers.push(server)
    }
    const work = new Work(servers, stage.environment, folder, random)
    const before = servers.map(memoryOf)
    work.begin()
    await work.allWell(30_000)
    say(`${store}: two servers work`)

    let recovered = 0
    const faults: [string, number, () => Promise<unknown>, () => Promise<unknown>][] = [
      ['killed', awayMs, () => stage.service.kill(), () => stage.service.start()],
      ['200 ms away', brokenMs, async () => stage.proxy.latency(200), async () => stage.proxy.heal()],
      ['resetting', brokenMs, async () => stage.proxy.reset(), async () => stage.proxy.heal()],
      ['half open', brokenMs, async () => stage.proxy.halfOpen(), async () => stage.proxy.heal()],
    ]
    for (const [name, lasts, begin, end] of faults) {
      const mark = work.counts()
      await begin()
      await sleep(lasts)
      const during = work.counts()
      await end()
      const back = performance.now()
      await work.allWell(60_000)
      const ms = performance.now() - back
      recovered = Math.max(recovered, ms)
      say(
        `${store} ${name} for ${lasts / 1000} s: ${during.predictions - mark.predictions} predictions, ${during.degraded - mark.degraded} of them degraded, ${during.serverErrors - mark.serverErrors} failed; ${during.events - mark.events} events, ${during.outcomes - mark.outcomes} outcomes, ${during.versions - mark.versions} versions acknowledged meanwhile; all well ${Math.round(ms)} ms after`,
      )
    }
    await work.end()
    const grown = Math.max(...work.peaks.map((peak, i) => peak - before[i]!))
    const { lost, doubled, checked } = await work.compare(say)
    const { predictions, degraded, serverErrors, events, outcomes, versions } = work.counts()
    return {
      name: 'store-outage',
      faults: faults.length,
      checked,
      lost,
      doubled,
      half_visible: 0,
      predictions,
      degraded,
      server_errors: serverErrors,
      events,
      outcomes,
      versions,
      recovered_ms: Math.round(recovered),
      slowest_ms: Math.round(work.slowest),
      grown_mb: Math.round(grown),
    }
  } finally {
    for (const close of closing) await close().catch((error: unknown) => say(String(error)))
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Stage {
  /** The store that goes away, and what lies before it. */
  readonly service: Service
  readonly proxy: FaultProxy
  readonly environment: NodeJS.ProcessEnv
}

/** Redis and PostgreSQL always, Kafka and S3 where they are the ones to go away; that one behind a proxy. */
async function setTheStage(store: OutageStore, folder: string, closing: (() => Promise<unknown>)[]): Promise<Stage> {
  const kept = <T extends { close(): Promise<void> }>(one: T): T => {
    closing.push(() => one.close())
    return one
  }
  const environment: NodeJS.ProcessEnv = { SIXFOLD_DATA: join(folder, 'data') }
  let service: Service | null = null
  let proxy: FaultProxy | null = null
  const behind = async (name: OutageStore, started: Service): Promise<number> => {
    if (name !== store) return started.port
    service = started
    proxy = kept(await faultProxy(started.port))
    return proxy.port
  }
  const redis = await behind('redis', kept(await startRedis()))
  environment['SIXFOLD_ONLINE_URL'] = `redis://127.0.0.1:${redis}`
  const postgres = await behind('postgres', kept(await startPostgres()))
  environment['SIXFOLD_METADATA_URL'] = `postgres://sixfold@127.0.0.1:${postgres}/sixfold`
  environment['SIXFOLD_LOG_URL'] = `postgres://sixfold@127.0.0.1:${postgres}/sixfold`
  if (store === 'kafka') {
    // A broker tells clients where to connect to: here to the proxy.
    const port = await freePort()
    proxy = kept(await faultProxy(port))
    service = kept(await startKafka({ port, advertisedPort: proxy.port }))
    environment['SIXFOLD_LOG_URL'] = `kafka://127.0.0.1:${proxy.port}?partitions=4&replication=1`
  }
  if (store === 's3') {
    const s3 = kept(await startS3())
    const port = await behind('s3', s3)
    Object.assign(environment, {
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SIXFOLD_ARTIFACTS_URL: `s3://models/sixfold?region=${s3.region}&endpoint=http://127.0.0.1:${port}&pathStyle=true`,
    })
    await s3.bucket('models')
  }
  return { service: service!, proxy: proxy!, environment }
}

/** Of a server, in megabytes. */
function memoryOf({ child }: RunningServer): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!
  return Number(kilobytes) / 1024
}

interface Payment {
  readonly id: string
  readonly account: string
  readonly amount: number
  readonly shop: string
  readonly at: string
}

interface Counts {
  readonly predictions: number
  readonly degraded: number
  readonly serverErrors: number
  readonly events: number
  readonly outcomes: number
  readonly versions: number
}

const accounts = Array.from({ length: 40 }, (_, i) => `account-${i}`)

/** What clients do, and what was acknowledged to them. */
class Work {
  readonly peaks: number[]
  slowest = 0
  readonly #servers: readonly RunningServer[]
  readonly #environment: NodeJS.ProcessEnv
  readonly #folder: string
  readonly #random: Random
  readonly #payments: Payment[] = []
  readonly #outcomes = new Map<string, boolean>()
  #versions = 0
  #predictions = 0
  #degraded = 0
  #serverErrors = 0
  #nextPayment = 0
  #ended = false
  #loops: Promise<void>[] = []
  /** What has last gone well: for each server a push, a sound prediction and an outcome, and a version. */
  readonly #well = new Map<string, number>()

  constructor(servers: readonly RunningServer[], environment: NodeJS.ProcessEnv, folder: string, random: Random) {
    this.#servers = servers
    this.#environment = environment
    this.#folder = folder
    this.#random = random
    this.peaks = servers.map(() => 0)
  }

  counts(): Counts {
    return {
      predictions: this.#predictions,
      degraded: this.#degraded,
      serverErrors: this.#serverErrors,
      events: this.#payments.length,
      outcomes: this.#outcomes.size,
      versions: this.#versions,
    }
  }

  begin(): void {
    for (const [i, { url }] of this.#servers.entries()) {
      this.#loops.push(this.#push(url), this.#push(url), this.#outcome(url), this.#watch(i))
      for (let client = 0; client < 4; client++) this.#loops.push(this.#predict(url))
    }
    this.#loops.push(this.#addVersions())
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#loops)
  }

  /** Waits until all has gone well since now. */
  async allWell(withinMs: number): Promise<void> {
    const since = performance.now()
    const wanted = [
      'version',
      ...this.#servers.flatMap(({ url }) => ['push', 'predict', 'outcome'].map((what) => `${what} ${url}`)),
    ]
    for (;;) {
      const missing = wanted.filter((what) => (this.#well.get(what) ?? 0) < since)
      if (missing.length === 0) return
      if (performance.now() - since > withinMs) throw new Error(`Not well after ${withinMs} ms: ${missing.join(', ')}`)
      await sleep(20)
    }
  }

  async #push(url: string): Promise<void> {
    while (!this.#ended) {
      const payments = Array.from({ length: 1 + this.#random.below(40) }, () => this.#payment())
      while ((await send(`${url}/v1/events/payments`, { events: payments }))?.status !== 200) await sleep(50)
      this.#payments.push(...payments)
      this.#well.set(`push ${url}`, performance.now())
      await sleep(20)
    }
  }

  #payment(): Payment {
    return {
      id: `p${this.#nextPayment++}`,
      account: accounts[this.#random.below(accounts.length)]!,
      amount: this.#random.below(1000) - 300,
      shop: `shop-${this.#random.below(40)}`,
      at: new Date(Date.now() - this.#random.below(90 * 60_000)).toISOString(),
    }
  }

  async #predict(url: string): Promise<void> {
    while (!this.#ended) {
      const began = performance.now()
      const answer = await this.#ask(url)
      this.slowest = Math.max(this.slowest, performance.now() - began)
      this.#predictions++
      if (answer === null) this.#serverErrors++
      else if (answer.degraded.length > 0) this.#degraded++
      else this.#well.set(`predict ${url}`, performance.now())
      await sleep(5)
    }
  }

  /** Null where the server failed. */
  async #ask(url: string): Promise<{ readonly id: string | null; readonly degraded: readonly unknown[] } | null> {
    const keys = { account: accounts[this.#random.below(accounts.length)]! }
    const answer = await send(`${url}/v1/models/risky/predict`, { keys })
    return answer?.status === 200 ? (answer.body as { id: string | null; degraded: readonly unknown[] }) : null
  }

  /** Predicted by this server, and told to the other. */
  async #outcome(url: string): Promise<void> {
    const other = this.#servers.find((server) => server.url !== url)!.url
    while (!this.#ended) {
      await sleep(30)
      const id = (await this.#ask(url))?.id
      if (id == null) continue
      const risky = this.#random.next() < 0.5
      for (;;) {
        const answer = await send(`${other}/v1/outcomes`, { id, outcome: { risky } })
        if (answer?.status === 200) {
          this.#outcomes.set(id, risky)
          this.#well.set(`outcome ${other}`, performance.now())
          break
        }
        // The prediction waited in memory longer than it may: it was never in the log, and has no outcome to lose.
        if (answer?.status === 404) break
        await sleep(50)
      }
    }
  }

  async #addVersions(): Promise<void> {
    const path = join(this.#folder, 'risky.onnx')
    while (!this.#ended) {
      writeFileSync(path, linearModel('risky', [0, 0], 0.1 + 0.8 * this.#random.next()))
      while (!(await runCommand(this.#environment, 'model', 'add', 'risky', path))) await sleep(100)
      this.#versions++
      this.#well.set('version', performance.now())
      await sleep(500)
    }
  }

  async #watch(server: number): Promise<void> {
    while (!this.#ended) {
      this.peaks[server] = Math.max(this.peaks[server]!, memoryOf(this.#servers[server]!))
      await sleep(200)
    }
  }

  /** Everything acknowledged against what both servers hold. */
  async compare(say: (text: string) => void): Promise<{ lost: number; doubled: number; checked: number }> {
    let lost = 0
    let doubled = 0
    // Figures are taken in by each server in its own time, within a second or two.
    await sleep(3_000)
    for (const { url } of this.#servers) {
      for (const account of accounts) {
        const mine = this.#payments.filter((payment) => payment.account === account)
        const { body } = (await send(`${url}/v1/views/spending/read`, { keys: { account } }))!
        const { payments, total, shops } = (body as { features: { payments: number; total: number; shops: number } })
          .features
        lost += Math.max(0, mine.length - payments)
        doubled += Math.max(0, payments - mine.length)
        const sum = mine.reduce((a, { amount }) => a + amount, 0)
        const different = new Set(mine.map(({ shop }) => shop)).size
        if (payments === mine.length && ((total ?? 0) !== sum || shops !== different)) lost++
      }
      const status = (await (await fetch(`${url}/v1/status`)).json()) as {
        models: readonly { version: string; quality: { outcomes: number } }[]
      }
      const told = status.models[0]!.quality.outcomes
      if (told !== this.#outcomes.size) say(`${url} counts ${told} outcomes of ${this.#outcomes.size}`)
      lost += Math.max(0, this.#outcomes.size - told)
      doubled += Math.max(0, told - this.#outcomes.size)
      if (status.models[0]!.version !== String(this.#versions)) {
        say(`${url} answers with version ${status.models[0]!.version} of ${this.#versions}`)
        if (Number(status.models[0]!.version) < this.#versions) lost++
        else doubled++
      }
    }
    const [{ url }] = this.#servers as [RunningServer]
    for (const [id, risky] of this.#outcomes) {
      const explained = (await (await fetch(`${url}/v1/predictions/${id}`)).json()) as {
        outcome: { values: { risky: boolean } } | null
      }
      if (explained.outcome?.values.risky !== risky) lost++
    }
    return { lost, doubled, checked: this.#payments.length + this.#outcomes.size + this.#versions }
  }
}

const requestMs = 30_000

/** Null where no answer came. */
async function send(url: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown } | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(requestMs),
    })
    return { status: response.status, body: await response.json() }
  } catch {
    return null
  }
}
