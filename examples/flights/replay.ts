/**
 * The summer of 2013, lived again through a real server: its clock is moved from one scheduled departure to the next; what took off,
 * landed and was observed in between arrives as events; each flight is asked about, by both models, at its scheduled departure;
 * and what came of it is told when it lands.
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { connect } from 'sixfold/client'
import type platform from './platform.ts'

export interface ReplayOptions {
  readonly url: string
  readonly data: string
  readonly from: string
  readonly until: string
  /** Called about once a second. */
  readonly progress: (progress: ReplayProgress) => void
}
export interface ReplayProgress {
  readonly now: Date
  readonly done: number
  readonly predictions: number
  readonly perSecond: number
  /** Milliseconds, as the client saw them, in the last second. */
  readonly p50: number
  readonly p99: number
}
export interface ReplayResult {
  readonly flights: number
  readonly predictions: number
  readonly events: number
  readonly outcomes: number
  readonly errors: number
  readonly degraded: number
  readonly seconds: number
  /** Of all predictions, as the client saw them. */
  readonly p50: number
  readonly p99: number
}

interface Flight {
  readonly flight_id: number
  readonly carrier: string
  readonly tailnum: string | null
  readonly origin: string
  readonly dest: string
  readonly distance: number
  readonly scheduled_departure: number
  readonly scheduled_arrival: number
  readonly departure: number | null
  readonly arrival: number | null
  readonly dep_delay: number | null
  readonly arr_delay: number | null
  readonly air_time: number | null
}

const models = ['late', 'late_linear'] as const

/** Of a server that needs a key. */
const key = process.env['SIXFOLD_KEY']
export const authorization: Readonly<Record<string, string>> = key ? { authorization: `Bearer ${key}` } : {}

export async function replay({ url, data, from, until, progress }: ReplayOptions): Promise<ReplayResult> {
  const client = connect<typeof platform>(url, { headers: authorization })
  const { flights, weather } = await readHistory(data, Date.parse(from), Date.parse(until))
  const asked = byMinute(flights.filter((flight) => flight.scheduled_departure >= Date.parse(from)))
  const since = Date.parse(from)
  const took = queueBy(
    flights.filter(({ departure }) => departure !== null && departure >= since),
    ({ departure }) => departure!,
  )
  const landed = queueBy(
    flights.filter(({ arrival }) => arrival !== null && arrival >= since),
    ({ arrival }) => arrival!,
  )
  const observed = queueBy(weather, (row) => row['observed_at'] as number)

  const ids = new Map<number, string[]>()
  const latencies: number[] = []
  let recent: number[] = []
  const counts = { flights: 0, predictions: 0, events: 0, outcomes: 0, errors: 0, degraded: 0 }
  const began = performance.now()
  let reported = began

  for (const [step, group] of asked.entries()) {
    const now = group[0]!.scheduled_departure
    await post(`${url}/v1/clock`, { now: new Date(now).toISOString() })
    const departures = took.until(now)
    const landings = landed.until(now)
    const outcomes = landings.flatMap(({ flight_id, arr_delay }) => {
      const known = ids.get(flight_id)
      ids.delete(flight_id)
      return (known ?? []).map((id) => ({ id, outcome: { late: arr_delay! > 15 } }))
    })
    const [, , , joined] = await Promise.all([
      departures.length === 0
        ? null
        : client.events.departures.push(departures.map((f) => ({ ...event(f), departure: new Date(f.departure!) }))),
      landings.length === 0
        ? null
        : client.events.landings.push(
            landings.map((f) => ({
              ...event(f),
              arr_delay: f.arr_delay,
              air_time: f.air_time,
              arrival: new Date(f.arrival!),
            })),
          ),
      client.events.observations.push(
        observed.until(now).map((row) => ({ ...row, observed_at: new Date(row['observed_at'] as number) }) as never),
      ),
      outcomes.length === 0 ? null : client.outcomes(outcomes),
    ])
    counts.events += departures.length + landings.length
    counts.outcomes += joined?.accepted ?? 0

    await Promise.all(
      group.flatMap((flight) =>
        models.map(async (model) => {
          const start = performance.now()
          try {
            const { record } = await client[model].predict(
              { carrier: flight.carrier, origin: flight.origin, dest: flight.dest, tailnum: flight.tailnum ?? '' },
              {
                distance: flight.distance,
                scheduled_departure: new Date(flight.scheduled_departure),
                scheduled_arrival: new Date(flight.scheduled_arrival),
              },
            )
            if (record.degraded.length > 0) counts.degraded++
            if (record.id !== null) ids.set(flight.flight_id, [...(ids.get(flight.flight_id) ?? []), record.id])
          } catch {
            counts.errors++
          }
          const latency = performance.now() - start
          latencies.push(latency)
          recent.push(latency)
          counts.predictions++
        }),
      ),
    )
    counts.flights += group.length
    if (performance.now() - reported > 1000) {
      const sorted = recent.sort((a, b) => a - b)
      progress({
        now: new Date(now),
        done: (step + 1) / asked.length,
        predictions: counts.predictions,
        perSecond: (recent.length / (performance.now() - reported)) * 1000,
        p50: quantile(sorted, 0.5),
        p99: quantile(sorted, 0.99),
      })
      reported = performance.now()
      recent = []
    }
  }
  const sorted = latencies.sort((a, b) => a - b)
  return {
    ...counts,
    seconds: (performance.now() - began) / 1000,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  }
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN

const event = ({ flight_id, carrier, tailnum, origin, dest, distance, dep_delay }: Flight) => ({
  flight_id,
  carrier,
  tailnum,
  origin,
  dest,
  distance,
  dep_delay,
})

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
}

/** Flights that leave at the same minute, in the order of the minutes. */
function byMinute(flights: readonly Flight[]): readonly (readonly Flight[])[] {
  const groups = new Map<number, Flight[]>()
  for (const flight of flights)
    groups.set(flight.scheduled_departure, [...(groups.get(flight.scheduled_departure) ?? []), flight])
  return [...groups.values()]
}

/** Rows in the order of an instant, handed out up to a moment. What happens at the moment itself comes with the next. */
function queueBy<T>(rows: readonly T[], instant: (row: T) => number): { until(now: number): readonly T[] } {
  const sorted = [...rows].sort((a, b) => instant(a) - instant(b))
  let at = 0
  return {
    until: (now) => {
      const start = at
      while (at < sorted.length && instant(sorted[at]!) < now) at++
      return sorted.slice(start, at)
    },
  }
}

/** Flights asked about in the span, those that were under way when it began, and the weather. */
async function readHistory(
  data: string,
  from: number,
  until: number,
): Promise<{ readonly flights: readonly Flight[]; readonly weather: readonly Record<string, unknown>[] }> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const read = async (sql: string): Promise<readonly Record<string, unknown>[]> => {
    const rows = (await connection.runAndReadAll(sql)).getRowObjects()
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
  }
  const span = (column: string): string => `epoch_ms(${column}) >= ${from} AND epoch_ms(${column}) < ${until}`
  const flights = await read(
    `SELECT * EXCLUDE (flight) FROM '${data}/flights.parquet' WHERE (${span('scheduled_departure')}) OR (epoch_ms(arrival) >= ${from} AND epoch_ms(scheduled_departure) < ${from}) ORDER BY scheduled_departure, flight_id`,
  )
  const weather = await read(
    `SELECT origin, observed_at, temp, wind_speed, wind_gust, precip, visib, pressure FROM '${data}/weather.parquet' WHERE epoch_ms(observed_at) >= ${from - 3_600_000} AND epoch_ms(observed_at) < ${until} AND coalesce(wind_speed, 0) <= 200`,
  )
  connection.closeSync()
  return { flights: flights as unknown as readonly Flight[], weather }
}
const plain = (value: unknown): unknown =>
  typeof value === 'bigint'
    ? Number(value)
    : typeof value === 'object' && value !== null && 'micros' in value
      ? Number((value as { micros: bigint }).micros / 1000n)
      : value
