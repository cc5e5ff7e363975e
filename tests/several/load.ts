/** Clients of several servers, and what they were answered: everything that was sent is counted under one of the answers. */
import { DuckDBInstance } from '@duckdb/node-api'

export interface Counts {
  sent: number
  /** By hundreds of the status. */
  readonly answered: { 2: number; 4: number; 5: number }
  /** Without an answer. */
  unanswered: number
}
export type Kind = 'predict' | 'push' | 'outcome' | 'read'

export interface Clients {
  readonly counts: Readonly<Record<Kind, Counts>>
  /** The first answers that were not 2xx. */
  readonly failures: readonly string[]
  /** Null where the answer is not 2xx. */
  post(kind: Kind, path: string, body: object): Promise<Record<string, unknown> | null>
}

export function clients(url: string): Clients {
  const none = (): Counts => ({ sent: 0, answered: { 2: 0, 4: 0, 5: 0 }, unanswered: 0 })
  const counts = { predict: none(), push: none(), outcome: none(), read: none() }
  const failures: string[] = []
  return {
    counts,
    failures,
    post: async (kind, path, body) => {
      const count = counts[kind]
      count.sent++
      const fail = (what: string): null => {
        if (failures.length < 20) failures.push(`${kind}: ${what}`)
        return null
      }
      try {
        const answer = await fetch(url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        const text = await answer.text()
        count.answered[Math.floor(answer.status / 100) as 2 | 4 | 5]++
        return answer.ok
          ? (JSON.parse(text) as Record<string, unknown>)
          : fail(`${answer.status} ${text.slice(0, 300)}`)
      } catch (error) {
        count.unanswered++
        return fail(String((error as Error).cause ?? error))
      }
    },
  }
}

export interface Flight {
  readonly keys: { readonly carrier: string; readonly origin: string; readonly dest: string; readonly tailnum: string }
  readonly request: object
  readonly late: boolean
}
export interface Day {
  readonly flights: readonly Flight[]
  /** What was pushed of them, by source. */
  readonly events: readonly { readonly source: string; readonly row: object }[]
}

/** The flights of New York that took off and landed in the span, in no order. */
export async function readFlights(parquet: string, from: string, until: string): Promise<Day> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const result = await connection.runAndReadAll(`
    SELECT flight_id::INTEGER AS flight_id, carrier, tailnum, origin, dest, distance::DOUBLE AS distance, dep_delay::DOUBLE AS dep_delay,
      arr_delay::DOUBLE AS arr_delay, air_time::DOUBLE AS air_time,
      ${['departure', 'arrival', 'scheduled_departure', 'scheduled_arrival'].map((name) => `strftime(${name}, '%Y-%m-%dT%H:%M:%SZ') AS ${name}`).join(', ')}
    FROM '${parquet}' WHERE departure >= '${from}' AND arrival < '${until}' ORDER BY hash(flight_id)`)
  const rows = result.getRowObjectsJson() as unknown as (Flight['keys'] & Record<string, unknown>)[]
  connection.closeSync()
  const flown = ({
    flight_id,
    carrier,
    tailnum,
    origin,
    dest,
    distance,
    dep_delay,
  }: Record<string, unknown>): object => ({
    ...{ flight_id, carrier, tailnum, origin, dest, distance, dep_delay },
  })
  return {
    flights: rows.map((row) => ({
      keys: { carrier: row.carrier, origin: row.origin, dest: row.dest, tailnum: row.tailnum ?? '' },
      request: {
        distance: row['distance'],
        scheduled_departure: row['scheduled_departure'],
        scheduled_arrival: row['scheduled_arrival'],
      },
      late: Number(row['arr_delay']) > 15,
    })),
    events: rows.flatMap((row) => [
      { source: 'departures', row: { ...flown(row), departure: row['departure'] } },
      {
        source: 'landings',
        row: { ...flown(row), arr_delay: row['arr_delay'], air_time: row['air_time'], arrival: row['arrival'] },
      },
    ]),
  }
}
