/**
 * The data, made by DuckDB from row numbers and hashes, the same every time. The shape is that of a common feature-store
 * benchmark: 50,000 users, three tables with 8, 6 and 6 numbers, 2 million rows in all over 90 days, and labels at random instants.
 * Instants are whole seconds, and a user has at most one row of a table in a second, so that nobody's rule for ties decides.
 */
import type { Workplace } from './workplace.ts'

export interface Sizes {
  readonly users: number
  /** Rows of the three tables together. */
  readonly events: number
  readonly labels: number
}

export const sizes = (quick: boolean): Sizes =>
  quick ? { users: 2_000, events: 100_000, labels: 50_000 } : { users: 50_000, events: 2_000_000, labels: 1_000_000 }

export const tables = [
  { name: 'va', share: 0.5, columns: 8 },
  { name: 'vb', share: 0.3, columns: 6 },
  { name: 'vc', share: 0.2, columns: 6 },
] as const

const begin = `TIMESTAMPTZ '2026-01-01 00:00:00+00'`
const days = 90
export const end = Date.parse('2026-01-01T00:00:00Z') + days * 86_400_000

/** A whole number below `limit` for row i. */
const pick = (seed: number, limit: number): string => `CAST(hash(i * 1000003 + ${seed}) % ${limit} AS BIGINT)`
/** Between -1 and 1, in steps of 2^-20: sums of them are exact in whatever order they are taken. */
const number = (seed: number): string => `CAST(${pick(seed, 2 ** 21)} - 1048576 AS DOUBLE) / 1048576`
const instant = (seed: number): string => `${begin} + to_seconds(${pick(seed, days * 86_400)})`

export async function makeTables({ db, path }: Workplace, { users, events }: Sizes): Promise<void> {
  for (const [t, { name, share, columns }] of tables.entries()) {
    const seed = (t + 1) * 100
    const numbers = Array.from({ length: columns }, (_, j) => `${number(seed + 10 + j)} AS f${j}`)
    await db.run(
      `COPY (SELECT (CASE WHEN i < ${users} THEN i ELSE ${pick(seed, users)} END) AS user_id, ${instant(seed + 1)} AS ts, ${numbers.join(', ')}
       FROM range(${events * share}) _(i) QUALIFY row_number() OVER (PARTITION BY user_id, ts ORDER BY i) = 1) TO '${path(`${name}.parquet`)}' (FORMAT parquet)`,
    )
  }
}

export async function makeLabels({ db, path }: Workplace, { users, labels }: Sizes, file: string): Promise<void> {
  await db.run(
    `COPY (SELECT i AS id, ${pick(1, users)} AS user_id, ${instant(2)} AS "at", i % 2 AS label FROM range(${labels}) _(i)) TO '${path(file)}' (FORMAT parquet)`,
  )
}

/** Few users with many events each. */
export async function makeDense({ db, path }: Workplace, users: number, eventsEach: number): Promise<void> {
  await db.run(
    `COPY (SELECT i % ${users} AS user_id, ${instant(501)} AS ts, ${number(502)} AS f0 FROM range(${users * eventsEach}) _(i)) TO '${path('dense.parquet')}' (FORMAT parquet)`,
  )
}

/** A number that is the same for two files with the same rows, in whatever order; and how many rows there are. */
export async function checksum({ db }: Workplace, file: string, columns: readonly string[]): Promise<string> {
  const [row] = await db.rows(`SELECT count(*), sum(hash(${columns.join(', ')})) FROM read_parquet('${file}')`)
  return row!.map(String).join(' rows, ')
}
