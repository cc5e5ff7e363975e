/**
 * Predictions over HTTP, 32 connections, random users: three views read, twenty numbers, a model of 100 trees; one process. Beside it
 * FastAPI with Feast and onnxruntime, and a bare HTTP server that does nothing but put the same model behind a port.
 */
import { createServer } from 'node:net'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Benchmark, Outcome, Settings } from './measure.ts'
import { equal, interleave, median } from './measure.ts'
import { startFeast, whyNoPeers } from './peers/python.ts'
import type { Load } from './predict/load.ts'
import { generator, load } from './predict/load.ts'
import type { Server } from './predict/servers.ts'
import { addScore, bareServer, fastApiServer, modelFile, ourServer } from './predict/servers.ts'
import { end, makeTables, sizes, tables } from './tables.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

export const ourPath = '/v1/models/score/predict'

export const predict: Benchmark = {
  summary: 'predictions over HTTP: FastAPI + Feast + onnxruntime, and a bare server',
  run: (settings) =>
    inWorkplace('predict', async (place) => {
      await makeTables(place, sizes(settings.quick))
      await place.opened(end, async (opened) => {
        for (const { name } of tables) {
          settings.say(`Building ${name}`)
          await opened.materialize(name, { through: null, rebuild: false }, () => {})
        }
        await addScore(opened)
      })
      const servers: Server[] = []
      const started = async (server: Promise<Server>): Promise<Server> => {
        servers.push(await server)
        return server
      }
      try {
        const ours = await started(ourServer(place))
        const bare = await started(bareServer())
        const missing = whyNoPeers(settings.peers)
        const theirs = missing === null ? await started(peer(place, settings)) : null
        return await measure(place, { ours, bare, theirs }, missing, settings)
      } finally {
        for (const server of servers) await server.stop()
      }
    }),
}

async function peer(place: Workplace, { say }: Settings): Promise<Server> {
  const repo = place.path('feast')
  const feast = await startFeast(repo, place.folder)
  say('Feast materialises')
  await feast.materialize()
  await feast.stop()
  return fastApiServer(repo, await freePort())
}

interface Servers {
  readonly ours: Server
  readonly bare: Server
  readonly theirs: Server | null
}

async function measure(
  place: Workplace,
  { ours, bare, theirs }: Servers,
  missing: string | null,
  { quick, say }: Settings,
): Promise<Outcome> {
  const { users } = sizes(quick)
  const checked = await checkAnswers(place, ours, theirs, users)
  const seconds = quick ? 2 : 6
  const loads: Record<'ours' | 'bare' | 'theirs', Load[]> = { ours: [], bare: [], theirs: [] }
  const side = (name: keyof typeof loads, server: Server, path: string) => async () => {
    const one = await load(server, path, users, seconds)
    loads[name].push(one)
    return one.perSecond
  }
  say('Warming up')
  for (const [server, path] of [
    [ours, ourPath],
    [bare, ''],
    ...(theirs === null ? [] : [[theirs, ''] as const]),
  ] as const)
    await load(server, path, users, quick ? 1 : 3)
  say(`Taking turns, ${generator}, ${seconds} s each`)
  const sides: Record<string, () => Promise<number>> = {
    ours: side('ours', ours, ourPath),
    bare: side('bare', bare, ''),
  }
  if (theirs !== null) sides['theirs'] = side('theirs', theirs, '')
  const all = await interleave(quick ? 2 : 5, sides)
  const summary = (name: string, list: readonly Load[]): string => {
    const of = (field: keyof Load, digits: number): string => median(list.map((one) => one[field])).toFixed(digits)
    return `${name}: p50 ${of('p50', 2)} ms, p99 ${of('p99', 2)} ms, ${of('cpuMicros', 1)} µs of processor time a request`
  }
  return {
    measures: [
      {
        name: 'predict',
        unit: 'requests/s',
        better: 'more',
        ours: all['ours']!,
        theirs: all['theirs'] ?? null,
        peer: 'FastAPI + Feast (sqlite) + onnxruntime',
        floor: all['bare']!,
        floorIs: 'bare node:http with the model batched',
        wanted: { ratio: 15, ofFloor: 0.6 },
      },
    ],
    notes: [
      summary('ours', loads.ours),
      summary('bare server', loads.bare),
      ...(theirs === null ? [missing!] : [summary('FastAPI', loads.theirs)]),
      `${generator}, random of ${users} users, one server process each; ${checked}`,
    ],
  }
}

/** Every server's answer for a few users, against the newest rows by SQL and the model called here. */
export async function checkAnswers(
  place: Workplace,
  ours: Server,
  theirs: Server | null,
  users: number,
): Promise<string> {
  const session = await InferenceSession.create(modelFile, { intraOpNumThreads: 1 })
  const post = async (
    url: string,
    body: string,
  ): Promise<{ readonly score?: number; readonly prediction?: { score: number } }> => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return (await response.json()) as { score?: number }
  }
  const some = Array.from({ length: 20 }, (_, i) => Math.floor((i * users) / 20))
  for (const user of some) {
    const row = await newestRow(place, user)
    const x = new Tensor('float32', Float32Array.from(row), [1, row.length])
    const { probabilities } = await session.run({ x }, ['probabilities'])
    const expected = (probabilities!.data[1] as number).toFixed(5)
    const our = await post(ours.url + ourPath, ours.template.replace('%d', String(user)))
    equal(`score of ${user}, ours`, our.prediction?.score.toFixed(5), expected)
    if (theirs === null) continue
    const their = await post(theirs.url, theirs.template.replace('%d', String(user)))
    equal(`score of ${user}, FastAPI`, their.score?.toFixed(5), expected)
  }
  await session.release()
  return `answers for ${some.length} users were those of the newest rows by SQL`
}

/** The newest values of a user in all tables, by SQL. */
export async function newestRow({ db, path }: Workplace, user: number): Promise<readonly number[]> {
  const row: number[] = []
  for (const { name, columns } of tables) {
    const newest = Array.from({ length: columns }, (_, i) => `coalesce(arg_max(f${i}, ts), 0)`)
    const [found] = await db.rows(
      `SELECT ${newest.join(', ')} FROM '${path(`${name}.parquet`)}' WHERE user_id = ${user}`,
    )
    row.push(...found!.map(Number))
  }
  return row
}

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { readonly port: number }
      probe.close(() => resolve(port))
    })
  })
