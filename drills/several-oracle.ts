/** What clients were told, and what every server has to answer because of it. */
import { DuckDBInstance } from '@duckdb/node-api'

export interface Payment {
  readonly id: string
  readonly account: string
  readonly amount: number
  readonly shop: string
  readonly at: string
}

export interface Spending {
  readonly payments: number
  readonly total: number | null
  readonly shops: number
  readonly latest: number | null
}

export interface Windows {
  readonly payments_1h: number
  readonly total_1d: number | null
}

/** History becomes known in steps: until halfway, and some days more each time, to its end. */
export const steps = Array.from({ length: 9 }, (_, i) => Date.parse('2025-06-15T00:00:00Z') + i * 2 * 86_400_000)
export const historyAccounts = 400
const rows = 60_000

/** Payments of June 2025, no two at one instant, each to be seen from a millisecond later on; what accounts spent until each step. */
export async function writeHistory(path: string): Promise<readonly ReadonlyMap<string, History>[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`COPY (SELECT 'h' || i AS id, 'h-' || (hash(i) % ${historyAccounts}) AS account,
    CAST(hash(i + 1) % 500 AS BIGINT) - 100 AS amount, 's-' || (hash(i + 2) % 30) AS shop,
    TIMESTAMPTZ '2025-06-01 00:00:00+00' + INTERVAL (i * 40) SECOND AS "at"
    FROM range(${rows}) t(i)) TO '${path}' (FORMAT parquet)`)
  const until = async (instant: number): Promise<Map<string, History>> => {
    const result = await connection.runAndReadAll(
      `SELECT account, count(*), sum(amount), list(DISTINCT shop)::VARCHAR, arg_max(amount, "at") FROM '${path}'
       WHERE epoch_ms("at") < ${instant} GROUP BY account`,
    )
    return new Map(
      result.getRows().map(([account, n, total, shops, latest]) => [
        String(account),
        {
          payments: Number(n),
          total: Number(total),
          latest: Number(latest),
          shops: String(shops).slice(1, -1).split(', '),
        },
      ]),
    )
  }
  const all: ReadonlyMap<string, History>[] = []
  for (const step of steps) all.push(await until(step))
  connection.closeSync()
  return all
}

export interface History {
  readonly payments: number
  readonly total: number
  readonly latest: number
  readonly shops: readonly string[]
}

const hour = 3_600_000
const floorTo = (instant: number, step: number): number => Math.floor(instant / step) * step

/** By the definitions of `project/platform.ts`, computed anew and simply: windows reach back to the beginning of their step. */
export function expected(history: History | undefined, pushed: readonly Payment[], at: number): Spending & Windows {
  const sum = (some: readonly Payment[]): number => some.reduce((total, { amount }) => total + amount, 0)
  const since = (instant: number): readonly Payment[] => pushed.filter((one) => Date.parse(one.at) >= instant)
  const newest = pushed.reduce<Payment | null>((a, b) => (a === null || a.at < b.at ? b : a), null)
  const payments = (history?.payments ?? 0) + pushed.length
  const lastDay = since(floorTo(at - 24 * hour, hour))
  return {
    payments,
    total: payments === 0 ? null : (history?.total ?? 0) + sum(pushed),
    shops: new Set([...(history?.shops ?? []), ...pushed.map(({ shop }) => shop)]).size,
    latest: newest?.amount ?? history?.latest ?? null,
    payments_1h: since(floorTo(at - hour, 300_000)).length,
    total_1d: lastDay.length === 0 ? null : sum(lastDay),
  }
}
