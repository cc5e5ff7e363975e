/**
 * The registry and the tracking of runs, by the requests of MLflow's own client: versions created, put in production and named by an alias,
 * batches of metrics, and reads. Beside it `mlflow server` on SQLite. Every change is durable when it is answered, on both sides.
 */
import Database from 'libsql'
import { missing } from '../scripts/installed.mjs'
import type { Benchmark, Outcome, Settings } from './measure.ts'
import { interleave } from './measure.ts'
import type { Run } from './registry/load.ts'
import { cycle, load, logBatch, reads } from './registry/load.ts'
import type { RegistryServer } from './registry/servers.ts'
import { mlflowServer, ourRegistry } from './registry/servers.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

export const registry: Benchmark = {
  summary: "versions, stages, aliases, metrics and reads by MLflow's requests: mlflow server on SQLite",
  run: (settings) =>
    inWorkplace('registry', async (place) => {
      const without = settings.peers ? missing('mlflow') : 'Python peers were left out'
      const ours = await ourRegistry(place)
      try {
        const theirs = without === null ? await mlflowServer(place.path('mlflow')) : null
        try {
          return await measure(place, ours, theirs, without, settings)
        } finally {
          await theirs?.stop()
        }
      } finally {
        await ours.stop()
      }
    }),
}

const batch = 10

async function measure(
  place: Workplace,
  ours: RegistryServer,
  theirs: RegistryServer | null,
  without: string | null,
  { quick, say }: Settings,
): Promise<Outcome> {
  const milliseconds = quick ? 1_000 : 5_000
  const rounds = quick ? 2 : 5
  const works = {
    'cycles, 1 connection': [1, cycle],
    'cycles, 4 connections': [4, cycle],
    'batches, 1 connection': [1, logBatch(batch)],
    'batches, 4 connections': [4, logBatch(batch)],
    'reads, 1 connection': [1, reads],
  } as const
  const runs = new Map<string, Run[]>()
  const turn = (who: string, server: RegistryServer, name: keyof typeof works) => async () => {
    const [connections, work] = works[name]
    const run = await load(server.url, connections, milliseconds, work)
    runs.set(`${who} ${name}`, [...(runs.get(`${who} ${name}`) ?? []), run])
    return run.perSecond
  }
  say('Warming up')
  for (const server of [ours, ...(theirs === null ? [] : [theirs])])
    for (const [connections, work] of Object.values(works)) await load(server.url, connections, 500, work)

  const rates: { [name: string]: Readonly<Record<string, readonly number[]>> } = {}
  for (const name of Object.keys(works) as (keyof typeof works)[]) {
    say(`Taking turns: ${name}, ${milliseconds / 1000} s each`)
    const sides: Record<string, () => number | Promise<number>> = {
      ours: turn('ours', ours, name),
      ...(theirs === null ? {} : { theirs: turn('theirs', theirs, name) }),
      ...(name === 'reads, 1 connection'
        ? {}
        : { floor: () => commitsPerSecond(place.path('floor.sqlite'), milliseconds / 5) }),
    }
    rates[name] = await interleave(rounds, sides)
  }
  const changes = (name: string): number => (name.startsWith('cycles') ? 3 : 1)
  const peer = 'mlflow server, SQLite'
  const rate = (name: keyof typeof works) => ({
    name: `registry ${name}`,
    unit: name.startsWith('cycles') ? 'cycles/s' : 'batches/s',
    better: 'more' as const,
    ours: rates[name]!['ours']!,
    theirs: rates[name]!['theirs'] ?? null,
    peer,
    floor: rates[name]!['floor']!.map((commits) => commits / changes(name)),
    floorIs: 'commits of one row, one after another, in SQLite alone',
    wanted: { ratio: 10 },
  })
  const latency = (who: string): readonly number[] | null =>
    runs.get(`${who} reads, 1 connection`)?.map(({ times }) => quantile(times['read']!, 0.99)) ?? null
  return {
    measures: [
      rate('cycles, 1 connection'),
      rate('cycles, 4 connections'),
      rate('batches, 1 connection'),
      rate('batches, 4 connections'),
      {
        name: 'registry reads, p99',
        unit: 'ms',
        better: 'less',
        ours: latency('ours')!,
        theirs: latency('theirs'),
        peer,
        floor: null,
        floorIs: null,
        wanted: { ratio: 10 },
      },
    ],
    notes: [
      ...describe('ours', 'ours', ours, runs),
      ...(theirs === null ? [without!] : describe('theirs', 'mlflow server', theirs, runs)),
      `A cycle is a version created, put in production in place of the one before, named by an alias, and read by it; a batch has ${batch} metrics.`,
    ],
  }
}

function describe(
  who: string,
  name: string,
  server: RegistryServer,
  runs: ReadonlyMap<string, readonly Run[]>,
): string[] {
  const all: { [what: string]: number[] } = {}
  for (const work of ['cycles, 1 connection', 'batches, 1 connection', 'reads, 1 connection'])
    for (const { times } of runs.get(`${who} ${work}`) ?? [])
      for (const [what, list] of Object.entries(times)) all[what] = (all[what] ?? []).concat(list)
  const text = Object.entries(all).map(
    ([what, list]) => `${what} ${quantile(list, 0.5).toFixed(2)}/${quantile(list, 0.99).toFixed(2)}`,
  )
  return [
    `${name}: started in ${(server.startedMs / 1000).toFixed(1)} s, ${server.memoryMiB().toFixed(0)} MiB at the end`,
    `${name}, p50/p99 in ms, 1 connection: ${text.join(', ')}`,
  ]
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** How often a second one row can be written so that it survives the loss of power. */
function commitsPerSecond(path: string, milliseconds: number): number {
  const database = new Database(path)
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; create table if not exists t (a text)')
    const insert = database.prepare('insert into t values (?)')
    const began = performance.now()
    let count = 0
    for (; performance.now() - began < milliseconds; count++) insert.run(`row ${count}`)
    return (count * 1000) / (performance.now() - began)
  } finally {
    database.close()
  }
}
