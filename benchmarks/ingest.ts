/**
 * Events into online state: pushed over HTTP in batches of 250, pushed inside the process, and a whole history materialised.
 * Beside it Feast with the same rows (its push is called inside its process, its state is sqlite), and the least that a store must
 * do: the same records read and written again by LMDB, a transaction a batch; or the same rows read in order from Parquet.
 */
import { open as openLmdb } from 'lmdb'
import type { Benchmark, Measure, Outcome, Settings } from './measure.ts'
import { equal, interleave, seconds } from './measure.ts'
import type { Feast } from './peers/python.ts'
import { startFeast, whyNoPeers } from './peers/python.ts'
import type { Server } from './predict/servers.ts'
import { ourServer } from './predict/servers.ts'
import type { Opened } from './sixfold.ts'
import { end, makeTables, sizes, tables } from './tables.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

const batchRows = 250
const clients = 4

export const ingest: Benchmark = {
  summary: 'events into online state, pushed and from history: Feast',
  run: (settings) =>
    inWorkplace('ingest', async (place) => {
      await makeTables(place, sizes(settings.quick))
      await makeWindowed(place, settings.quick)
      const missing = whyNoPeers(settings.peers)
      const feast = missing === null ? await startFeast(place.path('feast'), place.folder) : null
      try {
        const built = await materialized(place, feast, settings)
        const pushes = await pushed(place, feast, settings)
        return {
          measures: [...built.measures, ...pushes.measures],
          notes: [...built.notes, ...pushes.notes, ...(missing === null ? [] : [missing])],
        }
      } finally {
        await feast?.stop()
      }
    }),
}

const feastIs = 'Feast (sqlite online, DuckDB offline)'

// --- from history

async function materialized(place: Workplace, feast: Feast | null, { quick, say }: Settings): Promise<Outcome> {
  const { users, events } = sizes(quick)
  return place.opened(end, async (opened) => {
    const ours = async (): Promise<number> => {
      let took = 0
      for (const { name } of tables) {
        const { milliseconds } = await opened.materialize(name, { through: null, rebuild: true }, () => {})
        took += milliseconds / 1000
      }
      return events / took
    }
    const floor = async (): Promise<number> => {
      let rows = 0
      const took = await seconds(async () => {
        for (const { name } of tables)
          for await (const chunk of place.db.stream(
            `SELECT * FROM '${place.path(`${name}.parquet`)}' ORDER BY user_id, ts`,
          ))
            rows += chunk.rowCount
      })
      return rows / took
    }
    const sides: Record<string, () => Promise<number>> = { ours, floor }
    if (feast !== null) sides['theirs'] = async () => events / (await feast.materialize()).seconds
    say('Materialising in turns')
    const all = await interleave(quick ? 2 : 3, sides)
    await checkNewest(
      place,
      users,
      null,
      async (view, user) => (await opened.readFeatures(view, { user_id: user }, undefined)).features,
    )
    const { bytes } = await opened.stores.online.size()
    const records = await Promise.all(tables.map(({ name }) => recordBytes(opened, name, users)))
    return {
      measures: [
        {
          name: 'ingest materialise',
          unit: 'events/s',
          better: 'more',
          ours: all['ours']!,
          theirs: all['theirs'] ?? null,
          peer: feastIs,
          floor: all['floor']!,
          floorIs: 'reading the rows from Parquet in order',
          wanted: {},
        },
      ],
      notes: [
        `State of ${users} entities with ${tables.length} views: ${(bytes / users).toFixed(0)} bytes an entity on disk, after rebuilding in place; records of ${records.map((mean) => mean.toFixed(0)).join(', ')} bytes`,
      ],
    }
  })
}

/** The mean length of a view's records, of those users who have one. */
async function recordBytes({ views, stores }: Opened, view: string, users: number): Promise<number> {
  const { keyOf } = views.named(view)
  let [records, bytes] = [0, 0]
  await stores.online.read(
    Array.from({ length: users }, (_, user) => keyOf([user])),
    (_, value) => {
      if (value === null) return
      records++
      bytes += value.length
    },
  )
  return bytes / records
}

// --- pushed

/** Bodies of pushes, and the same as rows. */
interface Batches {
  readonly rows: readonly (readonly object[])[]
  readonly bodies: readonly string[]
}

async function pushed(place: Workplace, feast: Feast | null, { quick, say }: Settings): Promise<Outcome> {
  const rounds = quick ? 2 : 5
  const each = quick ? 16 : 160
  const { users } = sizes(quick)
  say('Preparing the events')
  const latest = await batchesOf(place, 'va', rounds * each)
  const windowed = await batchesOf(place, 'paid', rounds * each)
  const server = await ourServer({
    ...place,
    environment: { ...place.environment, SIXFOLD_DATA: place.path('pushed') },
  })
  try {
    return await place.opened(
      end,
      async (opened) => {
        const per = each * batchRows
        let [overHttp, inside, inWindows] = [0, 0, 0]
        const http = async (): Promise<number> => {
          const batches = latest.bodies.slice(overHttp * each, ++overHttp * each)
          return per / (await seconds(() => post(server, batches)))
        }
        const inProcess = (source: string, batches: Batches, round: number) => async (): Promise<number> => {
          const list = batches.rows.slice(round * each, (round + 1) * each)
          return (
            per / (await seconds(() => inTurns(list, async (rows) => accepted(await opened.push(source, rows), rows))))
          )
        }
        const length = 200
        const floor = rawUpdates(place, users, length, each)
        const sides: Record<string, () => Promise<number>> = {
          http,
          process: () => inProcess('a', latest, inside++)(),
          windows: () => inProcess('paid', windowed, inWindows++)(),
          floor,
        }
        const theirBatches = quick ? 4 : 20
        if (feast !== null)
          sides['theirs'] = async () => (theirBatches * batchRows) / (await feast.push(theirBatches, batchRows)).seconds
        say('Pushing in turns')
        const all = await interleave(rounds, sides)
        const upTo = rounds * per
        await checkNewest(
          place,
          users,
          upTo,
          async (view, user) => (await opened.readFeatures(view, { user_id: user }, undefined)).features,
        )
        await checkNewest(place, users, upTo, (view, user) => readOver(server, view, user))
        const measure = (name: string, ours: readonly number[], peer: readonly number[] | null): Measure => ({
          name,
          unit: 'events/s',
          better: 'more',
          ours,
          theirs: peer,
          peer: name === 'ingest push, windows' ? 'Feast computes no windows' : feastIs,
          floor: all['floor']!,
          floorIs: 'LMDB reads and writes the records, a transaction a batch',
          wanted: {},
        })
        return {
          measures: [
            measure('ingest push, HTTP', all['http']!, all['theirs'] ?? null),
            measure('ingest push, in process', all['process']!, all['theirs'] ?? null),
            measure('ingest push, windows', all['windows']!, null),
          ],
          notes: [
            `Pushed in batches of ${batchRows}, ${clients} at once; records afterwards ${(await recordBytes(opened, 'va', users)).toFixed(0)} bytes for the latest values, ${(await recordBytes(opened, 'spending', users)).toFixed(0)} for windows`,
            'The newest rows of 20 entities by SQL were what the state answered, each way',
          ],
        }
      },
      'inside',
    )
  } finally {
    await server.stop()
  }
}

/** Payments of the last day, in order. */
async function makeWindowed({ db, path }: Workplace, quick: boolean): Promise<void> {
  const { users } = sizes(quick)
  const rows = quick ? 10_000 : 200_000
  await db.run(
    `COPY (SELECT CAST(hash(i) % ${users} AS BIGINT) AS user_id, make_timestamptz(CAST(${end - 86_400_000} + i * 86400000 // ${rows} AS BIGINT) * 1000) AS ts,
      (hash(i + 1) % 10000)::DOUBLE / 100 AS amount, hash(i + 2) % 10 < 3 AS ok FROM range(${rows}) _(i)) TO '${path('paid.parquet')}' (FORMAT parquet)`,
  )
}

/** The oldest events of a table, as a client would send them. */
async function batchesOf({ db, path }: Workplace, table: string, count: number): Promise<Batches> {
  const time = table === 'paid' ? '"at"' : 'ts'
  const found = await db.rows(
    `SELECT to_json(t) FROM (SELECT * EXCLUDE (ts), strftime(ts, '%Y-%m-%dT%H:%M:%S.%gZ') AS ${time} FROM '${path(`${table}.parquet`)}' ORDER BY ts, user_id LIMIT ${count * batchRows}) t`,
  )
  const events = found.map(([json]) => JSON.parse(String(json)) as object)
  if (events.length < count * batchRows) throw new Error(`'${table}' has only ${events.length} events.`)
  const rows = Array.from({ length: count }, (_, i) => events.slice(i * batchRows, (i + 1) * batchRows))
  return { rows, bodies: rows.map((batch) => JSON.stringify({ events: batch })) }
}

/** A few at once, as several clients would. */
async function inTurns<T>(list: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < list.length) await work(list[next++]!)
  }
  await Promise.all(Array.from({ length: clients }, one))
}

const accepted = (answer: { readonly accepted: number }, rows: { readonly length: number }): void =>
  equal('events accepted', answer.accepted, rows.length)

const post = (server: Server, bodies: readonly string[]): Promise<void> =>
  inTurns(bodies, async (body) => {
    const response = await fetch(`${server.url}/v1/events/a`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const answer = (await response.json()) as { readonly accepted: number }
    if (!response.ok) throw new Error(JSON.stringify(answer))
    accepted(answer, { length: batchRows })
  })

async function readOver(server: Server, view: string, user: number): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${server.url}/v1/views/${view}/read`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ keys: { user_id: user } }),
  })
  return ((await response.json()) as { readonly features: Readonly<Record<string, unknown>> }).features
}

/** Rows a second of LMDB alone. */
function rawUpdates({ path }: Workplace, users: number, length: number, batches: number): () => Promise<number> {
  const db = openLmdb<Uint8Array, number>(path('raw'), { encoding: 'binary', noMemInit: true })
  let at = 0
  return async () => {
    const record = Buffer.alloc(length)
    const took = await seconds(async () => {
      for (let batch = 0; batch < batches; batch++)
        await db.transaction(() => {
          for (let i = 0; i < batchRows; i++) {
            const user = (at++ * 7919) % users
            const held = db.getBinary(user)
            record[0] = held === undefined ? 1 : held[0]! + 1
            void db.put(user, Buffer.from(record))
          }
        })
    })
    return (batches * batchRows) / took
  }
}

// --- what must be there afterwards

/** Of the oldest `events` of the first table, or of all three tables with null. */
async function checkNewest(
  { db, path }: Workplace,
  users: number,
  events: number | null,
  answer: (view: string, user: number) => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  for (const { name, columns } of events === null ? tables : tables.slice(0, 1)) {
    const all = `SELECT * FROM '${path(`${name}.parquet`)}'`
    const from = events === null ? all : `${all} ORDER BY ts, user_id LIMIT ${events}`
    for (let i = 0; i < 20; i++) {
      const user = Math.floor((i * users) / 20)
      const newest = Array.from({ length: columns }, (_, f) => `arg_max(f${f}, ts)`)
      const [row] = await db.rows(`SELECT ${newest.join(', ')} FROM (${from}) WHERE user_id = ${user}`)
      const features = await answer(name, user)
      const found = Array.from({ length: columns }, (_, f) => features[`f${f}`])
      equal(`${name} of ${user}`, found.join(' '), row!.join(' '))
    }
  }
}
