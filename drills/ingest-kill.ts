/**
 * kill -9 while events are pushed, predictions asked and outcomes told, and while history is materialised, each time at a random
 * instant; then a start over. What was acknowledged must be there, once; what was not is sent again, as a careful client would,
 * and must then be there once as well. And whoever reads while a view is rebuilt sees the old state whole, or the new one.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { isSixfoldError } from 'sixfold'
import { connect } from 'sixfold/client'
import type platform from './project/platform.ts'
import type { Random } from './random.ts'
import { runAndKill, startServer } from './server.ts'

export interface DrillResult {
  readonly name: string
  readonly faults: number
  /** Facts that were compared. */
  readonly checked: number
  readonly lost: number
  readonly doubled: number
  readonly half_visible: number
  /** Answers of 500 and above, where there must be none. */
  readonly server_errors?: number
}

interface Payment {
  readonly id: string
  readonly account: string
  readonly amount: number
  readonly shop: string
  readonly at: Date
}

export async function ingestKill(random: Random, kills: number, say: (text: string) => void): Promise<DrillResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-drill-'))
  try {
    const pushed = await killWhilePushing(join(folder, 'push'), random, kills, say)
    const built = await killWhileMaterializing(folder, random, kills, say)
    const sum = (of: (result: Counts) => number): number => of(pushed) + of(built)
    return {
      name: 'ingest-kill',
      faults: sum(({ faults }) => faults),
      checked: sum(({ checked }) => checked),
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      half_visible: sum(({ halfVisible }) => halfVisible),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Counts {
  readonly faults: number
  readonly checked: number
  readonly lost: number
  readonly doubled: number
  readonly halfVisible: number
}

const accounts = Array.from({ length: 12 }, (_, i) => `account-${i}`)

// --- pushes, predictions, outcomes

async function killWhilePushing(
  data: string,
  random: Random,
  kills: number,
  say: (text: string) => void,
): Promise<Counts> {
  const environment = { SIXFOLD_DATA: data }
  const payments: Payment[] = []
  const outcomes = new Map<string, boolean>()
  let faults = 0
  let nextId = 0
  let unacknowledged: Payment[] | null = null
  let untold: { id: string; risky: boolean } | null = null
  const newPayments = (): Payment[] =>
    Array.from({ length: 1 + random.below(300) }, () => ({
      id: `p${nextId++}`,
      account: accounts[random.below(accounts.length)]!,
      amount: random.below(1000) - 300,
      shop: `shop-${random.below(40)}`,
      at: new Date(Date.now() - random.below(90 * 60_000)),
    }))

  while (faults < kills) {
    const server = await startServer(environment)
    const client = connect<typeof platform>(server.url, { timeoutMs: 5_000 })
    let alive = true
    const dies = new Promise<void>((resolve) => setTimeout(resolve, 20 + random.below(500))).then(async () => {
      alive = false
      await server.kill()
    })
    while (alive) {
      try {
        unacknowledged ??= newPayments()
        await client.events.payments.push(unacknowledged)
        payments.push(...unacknowledged)
        unacknowledged = null
        if (untold === null) {
          const { record } = await client.risky.predict({ account: accounts[random.below(accounts.length)]! })
          // The log has it within some tens of milliseconds; an outcome never comes sooner than that.
          await new Promise((resolve) => setTimeout(resolve, 30))
          untold = { id: record.id!, risky: random.next() < 0.5 }
        }
        await client.outcome(untold.id, 'risky', { risky: untold.risky })
        outcomes.set(untold.id, untold.risky)
        untold = null
      } catch (error) {
        // A prediction whose record was not written when the process died has no outcome to lose.
        if (isSixfoldError(error) && error.code === 'SX_UNKNOWN_PREDICTION') untold = null
        else if (isSixfoldError(error) && error.status < 500) throw error
      }
    }
    await dies
    faults++
    if (faults % 5 === 0)
      say(`killed ${faults} times while pushing: ${payments.length} events and ${outcomes.size} outcomes acknowledged`)
  }

  const server = await startServer(environment)
  const client = connect<typeof platform>(server.url)
  if (unacknowledged !== null) {
    await client.events.payments.push(unacknowledged)
    payments.push(...unacknowledged)
  }
  if (untold !== null) {
    try {
      await client.outcome(untold.id, 'risky', { risky: untold.risky })
      outcomes.set(untold.id, untold.risky)
    } catch (error) {
      if (!(isSixfoldError(error) && error.code === 'SX_UNKNOWN_PREDICTION')) throw error
    }
  }
  let lost = 0
  let doubled = 0
  for (const account of accounts) {
    const mine = payments.filter((payment) => payment.account === account)
    const { payments: counted, total, shops } = await client.features.spending.read({ account })
    lost += Math.max(0, mine.length - counted)
    doubled += Math.max(0, counted - mine.length)
    const sum = mine.reduce((a, { amount }) => a + amount, 0)
    if (counted === mine.length && ((total ?? 0) !== sum || shops !== new Set(mine.map(({ shop }) => shop)).size))
      lost++
  }
  const { models } = (await (await fetch(`${server.url}/v1/status`)).json()) as {
    models: readonly { quality: { outcomes: number } }[]
  }
  const told = models[0]!.quality.outcomes
  lost += Math.max(0, outcomes.size - told)
  doubled += Math.max(0, told - outcomes.size)
  for (const [id, risky] of outcomes) {
    const explained = (await (await fetch(`${server.url}/v1/predictions/${id}`)).json()) as {
      outcome: { values: { risky: boolean } } | null
    }
    if (explained.outcome?.values.risky !== risky) lost++
  }
  await server.stop()
  say(
    `pushing: ${payments.length} events, ${outcomes.size} outcomes, ${faults} kills: ${lost} lost, ${doubled} doubled`,
  )
  return { faults, checked: payments.length + outcomes.size, lost, doubled, halfVisible: 0 }
}

// --- materialisation

async function killWhileMaterializing(
  folder: string,
  random: Random,
  kills: number,
  say: (text: string) => void,
): Promise<Counts> {
  const history = join(folder, 'history.parquet')
  const entities = 4_000
  const rows = 800_000
  const halfway = Date.parse('2025-06-15T00:00:00Z')
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`COPY (SELECT 'p' || i AS id, 'a' || (hash(i) % ${entities}) AS account, CAST(hash(i + 1) % 500 AS BIGINT) - 100 AS amount, 's' || (hash(i + 2) % 30) AS shop,
    TIMESTAMPTZ '2025-06-01 00:00:00+00' + INTERVAL (CAST(hash(i + 3) % 2419200 AS BIGINT)) SECOND AS "at" FROM range(${rows}) t(i)) TO '${history}' (FORMAT parquet)`)
  const environment = { DRILL_HISTORY: history, SIXFOLD_DATA: join(folder, 'built') }
  const expected = async (until: number): Promise<Map<string, readonly [number, number, number]>> => {
    const result = await connection.runAndReadAll(
      `SELECT account, count(*), sum(amount), count(DISTINCT shop) FROM '${history}' WHERE epoch_ms("at") < ${until} GROUP BY account`,
    )
    return new Map(
      result
        .getRows()
        .map(([account, n, total, shops]) => [account as string, [Number(n), Number(total), Number(shops)] as const]),
    )
  }

  // Built anew, and then extended, each killed again and again; the last run of each is left to end.
  let faults = 0
  const untilItEnds = async (...args: readonly string[]): Promise<void> => {
    const share = Math.ceil(kills / 2)
    for (let killed = 0; killed < share; killed++) {
      if (await runAndKill(250 + random.below(900), environment, 'materialize', ...args)) break
      faults++
    }
    await runAndKill(120_000, environment, 'materialize', ...args)
  }
  let lost = 0
  let doubled = 0
  let checked = 0
  const compare = async (until: number): Promise<void> => {
    const server = await startServer(environment)
    const client = connect<typeof platform>(server.url)
    const wanted = await expected(until)
    const all = Array.from({ length: entities }, (_, i) => `a${i}`)
    for (let from = 0; from < all.length; from += 100)
      await Promise.all(
        all.slice(from, from + 100).map(async (account) => {
          const [n, total, shops] = wanted.get(account) ?? [0, null, 0]
          const got = await client.features.spending.read({ account })
          checked++
          lost += Math.max(0, n - got.payments)
          doubled += Math.max(0, got.payments - n)
          if (got.payments === n && (got.total !== total || got.shops !== shops)) lost++
        }),
      )
    await server.stop()
  }
  await untilItEnds('--through', new Date(halfway).toISOString())
  await compare(halfway)
  const end = Date.parse('2025-07-01T00:00:00Z')
  await untilItEnds('--through', new Date(end).toISOString())
  await compare(end)
  say(`materialising: ${faults} kills, ${checked} entities compared: ${lost} lost, ${doubled} doubled`)

  const rebuilt = await readWhileRebuilding(environment, end, await expected(end), random, say)
  await compare(end)
  return { faults: faults + rebuilt.faults, checked, lost, doubled, halfVisible: rebuilt.half }
}

/** A server answers while the view is rebuilt, with a run that is killed in between. */
async function readWhileRebuilding(
  environment: NodeJS.ProcessEnv,
  end: number,
  wanted: ReadonlyMap<string, readonly [number, number, number]>,
  random: Random,
  say: (text: string) => void,
): Promise<{ readonly faults: number; readonly half: number }> {
  const server = await startServer(environment)
  const client = connect<typeof platform>(server.url)
  let reads = 0
  let half = 0
  let building = true
  const reader = (async () => {
    while (building) {
      const account = `a${random.below(4_000)}`
      const { payments } = await client.features.spending.read({ account })
      reads++
      if (payments !== (wanted.get(account)?.[0] ?? 0)) half++
    }
  })()
  const through = ['--through', new Date(end).toISOString(), '--rebuild']
  let faults = 0
  for (let i = 0; i < 2; i++)
    if (!(await runAndKill(500 + random.below(700), environment, 'materialize', ...through))) faults++
  await runAndKill(120_000, environment, 'materialize', ...through)
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  building = false
  await reader
  await server.stop()
  say(`rebuilding: ${reads} reads meanwhile, ${half} of a state half built`)
  return { faults, half }
}
