/**
 * Several servers on shared stores, and everything that can die does, at random instants: the servers, Redis with the last second of
 * its append-only file, and the command that materialises. Meanwhile clients push, sending what was not acknowledged again and to
 * another server, some of it to two at once; they tell outcomes to two servers at once, the same one and different ones; two
 * processes add versions of a model; and readers watch.
 *
 * In the end every server must answer what was acknowledged, once, and all of them the same. A reader must never have seen a state
 * half built: of history all of an entity or what it was before, and of pushes all that had been acknowledged, but for the moments
 * after Redis has lost some.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Service } from '../tests/services/index.ts'
import { startKafka, startPostgres, startRedis } from '../tests/services/index.ts'
import type { DrillResult } from './ingest-kill.ts'
import type { Random } from './random.ts'
import type { RunningServer } from './server.ts'
import { startServer, tell } from './server.ts'
import { steps, writeHistory } from './several-oracle.ts'
import { SeveralWork } from './several-work.ts'

export const sharedLogs = ['postgres', 'kafka'] as const
export type SharedLog = (typeof sharedLogs)[number]

export interface SeveralResult extends DrillResult {
  readonly log: SharedLog
  readonly server_kills: number
  readonly redis_kills: number
  readonly materialize_kills: number
  /** Runs of `sixfold materialize` that came to their end. */
  readonly materialized: number
  readonly events: number
  readonly outcomes: number
  readonly versions: number
  readonly reads: number
}

const servers = 3
/** After Redis is back: until every server has taken in again what it lost. */
const settlingMs = 5_000

export async function severalKill(
  log: SharedLog,
  random: Random,
  forMs: number,
  say: (text: string) => void,
): Promise<SeveralResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-several-'))
  const closing: (() => Promise<unknown>)[] = []
  try {
    const history = await writeHistory(join(folder, 'history.parquet'))
    const { redis, environment } = await setTheStage(log, folder, closing)
    const first = await tell(null, environment, 'materialize', ...through(0))
    if (first.ended !== 'well') throw new Error(`Nothing could be built: ${first.said}`)
    const running: (RunningServer | null)[] = []
    for (let i = 0; i < servers; i++) running.push(await startServer(environment))
    closing.unshift(async () => Promise.all(running.map((server) => server?.stop())))
    say(`${log}: ${servers} servers run`)

    const work = new SeveralWork(running, environment, folder, random, history, say)
    work.begin()
    const chaos = new Chaos(running, environment, redis, random, work, say)
    await chaos.last(forMs)
    say(`${log}: ${chaos.serverKills} servers, ${chaos.redis.kills} times Redis and ${chaos.runKills} runs were killed`)
    await work.end()
    // The first ends what was killed, perhaps to another end.
    for (let i = 0; i < 2; i++) {
      const last = await tell(null, environment, 'materialize', ...through(steps.length - 1))
      if (last.ended !== 'well') throw new Error(`History could not be added in the end: ${last.said}`)
    }
    const { lost, doubled, checked } = await work.compare()
    return {
      name: 'several-kill',
      log,
      faults: chaos.serverKills + chaos.redis.kills + chaos.runKills,
      checked,
      lost,
      doubled,
      half_visible: work.half,
      server_kills: chaos.serverKills,
      redis_kills: chaos.redis.kills,
      materialize_kills: chaos.runKills,
      materialized: chaos.materialized,
      ...work.counts(),
    }
  } finally {
    for (const close of closing) await close().catch((error: unknown) => say(String(error)))
    rmSync(folder, { recursive: true, force: true })
  }
}

async function setTheStage(log: SharedLog, folder: string, closing: (() => Promise<unknown>)[]) {
  const kept = <T extends Service>(one: T): T => {
    closing.push(() => one.close())
    return one
  }
  const data = join(folder, 'redis')
  mkdirSync(data)
  const redis = kept(await startRedis(['--dir', data, '--auto-aof-rewrite-percentage', '0']))
  const postgres = kept(await startPostgres())
  const database = `postgres://sixfold@127.0.0.1:${postgres.port}/sixfold`
  const environment: NodeJS.ProcessEnv = {
    DRILL_HISTORY: join(folder, 'history.parquet'),
    SIXFOLD_DATA: join(folder, 'data'),
    SIXFOLD_ONLINE_URL: redis.url,
    SIXFOLD_METADATA_URL: database,
    SIXFOLD_LOG_URL:
      log === 'postgres' ? database : `kafka://${kept(await startKafka()).url}?partitions=4&replication=1`,
  }
  return { redis: new LossyRedis(redis, join(data, 'appendonlydir')), environment }
}

/** As after a loss of power: what was appended within the last second is gone, all of it or some. */
class LossyRedis {
  kills = 0
  readonly #service: Service
  readonly #folder: string
  readonly #timer: NodeJS.Timeout
  /** How long the file was at the last instants. */
  #lengths: number[] = []

  constructor(service: Service, folder: string) {
    this.#service = service
    this.#folder = folder
    this.#timer = setInterval(() => {
      this.#lengths = [...this.#lengths, statSync(this.#file).size].slice(-10)
    }, 100)
    this.#timer.unref()
  }

  get #file(): string {
    return join(this.#folder, readdirSync(this.#folder).find((name) => name.endsWith('.incr.aof'))!)
  }

  async killAndStart(random: Random): Promise<number> {
    this.kills++
    await this.#service.kill()
    const { size } = statSync(this.#file)
    const lost = random.below(size - Math.min(size, this.#lengths[0] ?? size) + 1)
    truncateSync(this.#file, size - lost)
    this.#lengths = []
    await sleep(random.below(1_000))
    await this.#service.start()
    return lost
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

class Chaos {
  serverKills = 0
  runKills = 0
  materialized = 0
  readonly redis: LossyRedis
  readonly #servers: (RunningServer | null)[]
  readonly #environment: NodeJS.ProcessEnv
  readonly #random: Random
  readonly #work: SeveralWork
  readonly #say: (text: string) => void
  #ended = false

  constructor(
    running: (RunningServer | null)[],
    environment: NodeJS.ProcessEnv,
    redis: LossyRedis,
    random: Random,
    work: SeveralWork,
    say: (text: string) => void,
  ) {
    this.#servers = running
    this.#environment = environment
    this.redis = redis
    this.#random = random
    this.#work = work
    this.#say = say
  }

  async last(ms: number): Promise<void> {
    const all = [this.#killServers(), this.#killRedis(), this.#materialize()]
    await sleep(ms)
    this.#ended = true
    await Promise.all(all)
    this.redis.close()
  }

  async #killServers(): Promise<void> {
    while (!this.#ended) {
      await sleep(500 + this.#random.below(2_500))
      const i = this.#random.below(servers)
      await this.#servers[i]!.kill()
      this.#servers[i] = null
      this.serverKills++
      // A server does not start while Redis is away; whoever runs it starts it again.
      while (this.#servers[i] === null) this.#servers[i] = await startServer(this.#environment).catch(() => null)
    }
  }

  async #killRedis(): Promise<void> {
    while (!this.#ended) {
      await sleep(settlingMs + this.#random.below(6_000))
      this.#work.disturbed = Number.POSITIVE_INFINITY
      const lost = await this.redis.killAndStart(this.#random)
      this.#work.disturbed = performance.now() + settlingMs
      this.#say(`Redis was killed, and lost ${lost} bytes of its log`)
    }
  }

  /** History is added to what is there, step by step, or all is built anew; half of the runs are killed. */
  async #materialize(): Promise<void> {
    for (let step = 0; !this.#ended; ) {
      const rebuild = this.#random.next() < 0.5
      if (!rebuild && step < steps.length - 1) step++
      const args = ['materialize', ...through(step), ...(rebuild ? ['--rebuild'] : [])]
      const killAfter = this.#random.next() < 0.5 ? 700 + this.#random.below(1_200) : null
      const { ended, said } = await tell(killAfter, this.#environment, ...args)
      if (ended === 'killed') this.runKills++
      else if (ended === 'well') this.materialized++
      else this.#say(`${args.join(' ')}: ${said}`)
      await sleep(this.#random.below(800))
    }
  }
}

const through = (step: number): readonly string[] => ['--through', new Date(steps[step]!).toISOString()]
