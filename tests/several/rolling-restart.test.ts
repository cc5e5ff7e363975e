/**
 * Three servers of the flights on the same stores behind nginx, restarted one after another under load: every request is answered,
 * and the state is that of one server that took every event once.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { describeWith } from '../services/index.ts'
import type { Clients, Day } from './load.ts'
import { clients, readFlights } from './load.ts'
import { embedded, stage } from './stage.ts'

const parquet = join(import.meta.dirname, '../../examples/flights/data/flights.parquet')
const [morning, night] = ['2013-06-01T00:00:00Z', '2013-06-02T04:00:00Z'] as const

const views = {
  airline_punctuality: ['carrier'],
  origin_congestion: ['origin'],
  route_pace: ['origin', 'dest'],
  aircraft_rotation: ['tailnum'],
} as const

describeWith(['redis', 'postgres', 's3', 'nginx'], 'several servers', () => {
  test('a rolling restart under load answers every request', { timeout: 300_000 }, async () => {
    const day = await readFlights(parquet, morning, night)
    const three = await stage(3, morning, night)
    try {
      const load = clients(three.url)
      const work = workOf(load, day)
      await sleep(2_000)
      for (const server of three.servers) {
        expect(await server.stop()).toBe(0)
        await server.start()
        await sleep(1_000)
      }
      await work.end()
      process.stdout.write(`${said(load)}\n${work.outcomes - work.sound} of ${work.outcomes} predictions degraded\n`)

      expect(load.failures, three.complaints()).toEqual([])
      for (const { sent, answered } of Object.values(load.counts)) expect(answered).toEqual({ 2: sent, 4: 0, 5: 0 })
      expect(work.pushed).toBe(day.events.length)
      expect(work.duplicates).toBe(0)
      expect(load.counts.predict.sent).toBeGreaterThan(500)
      expect(work.outcomes).toBeGreaterThan(100)

      // Each server has the same state, and it is that of one server that was pushed everything once.
      const one = await embedded(morning, night)
      const alone = clients(one.url)
      for (const source of ['departures', 'landings'])
        await alone.post('push', `/v1/events/${source}`, {
          events: day.events.filter((event) => event.source === source).map(({ row }) => row),
        })
      expect(alone.failures).toEqual([])
      const wanted = await statesOf(one.url, day)
      await one.close()
      expect(wanted.length).toBeGreaterThan(500)
      for (const { url } of three.servers) expect(await statesOf(url, day)).toEqual(wanted)

      // What one answered can be told of and looked up at another. Every server counts every outcome, once.
      await settled(
        three.servers.map(({ url }) => url),
        { 'outcomes.late': work.outcomes },
        work.sound,
      )
      const [first, second, third] = three.servers.map(({ url }) => url)
      const asked = day.flights[0]!
      const { id } = (await clients(first!).post('predict', '/v1/models/late/predict', asked)) as {
        readonly id: string
      }
      expect(
        await clients(second!).post('outcome', '/v1/outcomes', { id, outcome: { late: asked.late } }),
      ).toMatchObject({
        accepted: 1,
      })
      const explained = await (await fetch(`${third}/v1/predictions/${id}`)).json()
      expect(explained).toMatchObject({ id, model: 'late', outcome: { values: { late: asked.late } } })
    } finally {
      await three.close()
    }
  })
})

interface Work {
  readonly pushed: number
  readonly duplicates: number
  readonly outcomes: number
  /** Of predictions that were not degraded: a read of Redis may have taken too long. */
  readonly sound: number
  /** Lets every client finish; the pushes go on until all events are pushed. */
  end(): Promise<void>
}

/** Predictions and outcomes for as long as it lasts, and every event in small pushes over that time. */
function workOf(load: Clients, { flights, events }: Day): Work {
  const counted = { pushed: 0, duplicates: 0, outcomes: 0, sound: 0 }
  let ended = false
  let at = 0
  let asked = 0
  const toTell: { readonly id: string; readonly late: boolean; readonly sound: boolean }[] = []
  const predict = async (): Promise<void> => {
    while (!ended) {
      const { late, ...question } = flights[asked++ % flights.length]!
      const answer = await load.post('predict', '/v1/models/late/predict', question)
      if (answer !== null)
        toTell.push({ id: answer['id'] as string, late, sound: (answer['degraded'] as unknown[]).length === 0 })
      await sleep(5)
    }
  }
  const tell = async (): Promise<void> => {
    for (;;) {
      const one = toTell.shift()
      if (one === undefined) {
        if (ended) return
        await sleep(20)
        continue
      }
      const answer = await load.post('outcome', '/v1/outcomes', { id: one.id, outcome: { late: one.late } })
      const accepted = Number(answer?.['accepted'] ?? 0)
      counted.outcomes += accepted
      if (one.sound) counted.sound += accepted
      await sleep(10)
    }
  }
  const push = async (): Promise<void> => {
    while (at < events.length) {
      const { source, row } = events[at++]!
      const answer = await load.post('push', `/v1/events/${source}`, { events: [row] })
      counted.pushed += Number(answer?.['accepted'] ?? 0)
      counted.duplicates += Number(answer?.['duplicates'] ?? 0)
      if (!ended) await sleep(15)
    }
  }
  const loops = [predict(), predict(), predict(), predict(), tell(), tell(), push(), push()]
  return {
    get pushed() {
      return counted.pushed
    },
    get duplicates() {
      return counted.duplicates
    },
    get outcomes() {
      return counted.outcomes
    },
    get sound() {
      return counted.sound
    },
    end: async () => {
      ended = true
      await Promise.all(loops)
    },
  }
}

const said = ({ counts }: Clients): string =>
  Object.entries(counts)
    .filter(([, { sent }]) => sent > 0)
    .map(
      ([kind, { sent, answered, unanswered }]) =>
        `${kind}: ${sent} sent, ${answered[2]} 2xx, ${answered[4]} 4xx, ${answered[5]} 5xx, ${unanswered} without an answer`,
    )
    .join('\n')

/** The features of every entity of the day. */
async function statesOf(url: string, { flights }: Day): Promise<readonly unknown[]> {
  const reader = clients(url)
  const states: unknown[] = []
  for (const [view, names] of Object.entries(views)) {
    const all = flights.map(({ keys }) => Object.fromEntries(names.map((name) => [name, keys[name]])))
    const different = new Map(all.map((keys) => [JSON.stringify(keys), keys]))
    for (const keys of different.values()) {
      const read = () => reader.post('read', `/v1/views/${view}/read`, { keys })
      // On a busy machine Redis may take longer than a read waits: the answer says to send it again.
      const state = (await read()) ?? (await read())
      if (state === null) throw new Error(reader.failures.join('\n'))
      states.push({ keys, ...state })
    }
  }
  return states
}

interface Status {
  readonly topics: readonly { readonly topic: string; readonly end: number }[]
  readonly models: readonly {
    readonly model: string
    readonly quality: { readonly outputs: { readonly late: { readonly total: { readonly examples: number } } } }
  }[]
}

/** Waits until every server says so many entries of each topic, and counts so many outcomes: those told to another come later. */
async function settled(
  urls: readonly string[],
  topics: Readonly<Record<string, number>>,
  counted: number,
): Promise<void> {
  const wanted = { ...topics, counted }
  for (let attempt = 0; ; attempt++) {
    const all = await Promise.all(
      urls.map(async (url) => {
        const status = (await (await fetch(`${url}/v1/status`)).json()) as Status
        const end = (name: string): number => status.topics.find(({ topic }) => topic === name)?.end ?? 0
        return {
          ...Object.fromEntries(Object.keys(topics).map((name) => [name, end(name)])),
          counted: status.models.find(({ model }) => model === 'late')!.quality.outputs.late.total.examples,
        }
      }),
    )
    if (all.every((one) => JSON.stringify(one) === JSON.stringify(wanted))) return
    if (attempt === 100) expect(all).toEqual(urls.map(() => wanted))
    await sleep(100)
  }
}
