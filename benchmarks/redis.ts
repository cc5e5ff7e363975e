/**
 * Predictions with online state in Redis, 32 connections, random users, three views, one process. Beside it the same server with its
 * state embedded, and `feast serve`, which answers the same numbers from the same Redis without a model. And how many commands a
 * prediction costs Redis, by its own count.
 */
import { createClient } from 'redis'
import { missing } from '../scripts/installed.mjs'
import type { Service } from '../tests/services/process.ts'
import { startRedis } from '../tests/services/redis.ts'
import type { Benchmark, Outcome, Settings } from './measure.ts'
import { equal, interleave, median } from './measure.ts'
import { startFeast, whyNoPeers } from './peers/python.ts'
import type { Load } from './predict/load.ts'
import { generator, load } from './predict/load.ts'
import type { Server } from './predict/servers.ts'
import { addScore, feastServer, ourServer } from './predict/servers.ts'
import { checkAnswers, freePort, newestRow, ourPath } from './predict.ts'
import { end, makeTables, sizes, tables } from './tables.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

export const redis: Benchmark = {
  summary: 'predictions with state in Redis: feast serve on the same Redis, and state embedded',
  run: async (settings) => {
    const reason = missing('redis')
    if (reason !== null) return { measures: [], notes: [reason] }
    return inWorkplace('redis', async (place) => {
      const service = await startRedis()
      const servers: Server[] = []
      const started = async (server: Promise<Server>): Promise<Server> => {
        servers.push(await server)
        return server
      }
      try {
        await makeTables(place, sizes(settings.quick))
        await build(place, 'embedded', null, settings)
        await build(place, 'shared', service.url, settings)
        const embedded = await started(ourServer(at(place, 'embedded', null)))
        const shared = await started(ourServer(at(place, 'shared', service.url)))
        const without = whyNoPeers(settings.peers)
        const feast = without === null ? await started(peer(place, service, settings)) : null
        return await measure(place, service, { embedded, shared, feast }, without, settings)
      } finally {
        for (const server of servers) await server.stop()
        await service.close()
      }
    })
  },
}

const at = (place: Workplace, folder: string, online: string | null): Workplace => ({
  ...place,
  environment: { SIXFOLD_DATA: place.path(folder), ...(online === null ? {} : { SIXFOLD_ONLINE_URL: online }) },
})

const build = (place: Workplace, folder: string, online: string | null, { say }: Settings): Promise<void> =>
  place.opened(
    end,
    async (opened) => {
      for (const { name } of tables) {
        say(`Building ${name}, ${folder}`)
        await opened.materialize(name, { through: null, rebuild: false }, () => {})
      }
      await addScore(opened)
    },
    folder,
    online === null ? {} : { online },
  )

async function peer(place: Workplace, { port }: Service, { say }: Settings): Promise<Server> {
  const repo = place.path('feast')
  const feast = await startFeast(repo, place.folder, `127.0.0.1:${port}`)
  say('Feast materialises into Redis')
  await feast.materialize()
  await feast.stop()
  return feastServer(repo, await freePort())
}

interface Servers {
  readonly embedded: Server
  readonly shared: Server
  readonly feast: Server | null
}

async function measure(
  place: Workplace,
  service: Service,
  { embedded, shared, feast }: Servers,
  without: string | null,
  { quick, say }: Settings,
): Promise<Outcome> {
  const { users } = sizes(quick)
  await checkAnswers(place, embedded, null, users)
  const checked = await checkAnswers(place, shared, null, users)
  if (feast !== null) await checkFeast(place, feast, users)
  const single = await commandsOfSingle(service, shared, users)

  const seconds = quick ? 2 : 6
  const loads: Record<keyof Servers, Load[]> = { embedded: [], shared: [], feast: [] }
  let [reads, predictions] = [0, 0]
  const side = (name: keyof Servers, server: Server, path: string) => async () => {
    const before = name === 'shared' ? await readsSoFar(service) : 0
    const one = await load(server, path, users, seconds)
    if (name === 'shared') {
      reads += (await readsSoFar(service)) - before
      predictions += one.perSecond * seconds
    }
    loads[name].push(one)
    return one.perSecond
  }
  say('Warming up')
  await load(embedded, ourPath, users, quick ? 1 : 3)
  await load(shared, ourPath, users, quick ? 1 : 3)
  if (feast !== null) await load(feast, '', users, quick ? 1 : 3)
  say(`Taking turns, ${generator}, ${seconds} s each`)
  const sides: Record<string, () => Promise<number>> = {
    shared: side('shared', shared, ourPath),
    embedded: side('embedded', embedded, ourPath),
  }
  if (feast !== null) sides['feast'] = side('feast', feast, '')
  const all = await interleave(quick ? 2 : 5, sides)
  const summary = (name: string, list: readonly Load[]): string => {
    const of = (field: keyof Load, digits: number): string => median(list.map((one) => one[field])).toFixed(digits)
    const processor = Number.isNaN(list[0]!.cpuMicros) ? '' : `, ${of('cpuMicros', 1)} µs of processor time a request`
    return `${name}: p50 ${of('p50', 2)} ms, p99 ${of('p99', 2)} ms${processor}`
  }
  return {
    measures: [
      {
        name: 'predict on Redis',
        unit: 'requests/s',
        better: 'more',
        ours: all['shared']!,
        theirs: all['feast'] ?? null,
        peer: 'feast serve on the same Redis, features only',
        floor: all['embedded']!,
        floorIs: 'the same server with its state embedded (LMDB)',
        wanted: { ratio: 5, ofFloor: 0.6 },
      },
    ],
    notes: [
      summary('on Redis', loads.shared),
      summary('embedded', loads.embedded),
      ...(without === null ? [summary('feast serve', loads.feast)] : [without]),
      `Three views in ${single} of Redis; under load ${(predictions / reads).toFixed(1)} predictions share one`,
      `${generator}, random of ${users} users, one server process each; ${checked}`,
    ],
  }
}

/** Predictions asked for one after another: each must have cost one command, and the server reads little beside them. */
async function commandsOfSingle(service: Service, { url, template }: Server, users: number): Promise<string> {
  const asked = 500
  const before = await readsSoFar(service)
  for (let i = 0; i < asked; i++) {
    const body = template.replace('%d', String((i * 7919) % users))
    const response = await fetch(url + ourPath, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    await response.arrayBuffer()
  }
  const each = ((await readsSoFar(service)) - before) / asked
  equal('round trips of a prediction, in whole ones', Math.round(each), 1)
  return `${each.toFixed(2)} MGET`
}

async function readsSoFar({ url }: Service): Promise<number> {
  const client = createClient({ url })
  await client.connect()
  const stats = await client.info('commandstats')
  client.destroy()
  return Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}

async function checkFeast(place: Workplace, { url, template }: Server, users: number): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const user = Math.floor((i * users) / 20)
    const body = template.replace('%d', String(user))
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { metadata, results } = (await response.json()) as {
      readonly metadata: { readonly feature_names: readonly string[] }
      readonly results: readonly { readonly values: readonly number[] }[]
    }
    const of = new Map(metadata.feature_names.map((name, at) => [name, results[at]!.values[0]]))
    const found = tables.flatMap(({ name, columns }) =>
      Array.from({ length: columns }, (_, f) => of.get(`${name}__f${f}`)),
    )
    equal(`features of ${user}, Feast`, found.join(' '), (await newestRow(place, user)).join(' '))
  }
}
