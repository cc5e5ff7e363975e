/**
 * kill -9 while a batch is planned, scored, judged and published: at random instants, and at each failure point by its name. A reader that looks up
 * without pause must see whole batches alone, each answer as it can be reckoned; whoever resumes must do what is not done and no more; and what
 * comes of it is what an undisturbed run gives, byte for byte.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { linearModel } from '../tests/cli/onnx.ts'
import { bias, day, expected, firstDay, opened, shops, weights } from './batch-project.ts'
import type { DrillResult } from './ingest-kill.ts'
import type { Random } from './random.ts'

const jiti = join(import.meta.dirname, '../node_modules/jiti/lib/jiti-cli.mjs')
type Opened = Awaited<ReturnType<typeof opened>>

export interface BatchKillResult extends DrillResult {
  readonly runs: number
  readonly lookups: number
  /** Kills at each failure point that was ever passed. */
  readonly points: { readonly [name: string]: number }
}

export async function batchKill(random: Random, kills: number, say: (text: string) => void): Promise<BatchKillResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-batch-kill-'))
  await writeVisits(join(folder, 'visits.parquet'))
  writeFileSync(join(folder, 'busy.onnx'), linearModel('busy', weights, bias))
  const server = await opened(folder, true)
  try {
    const asked = { description: null, to: 'production', facts: null, golden: null } as const
    await server.registry.add('busy', join(folder, 'busy.onnx'), asked, { actor: 'local:drill', reason: null })
    return await drill(server, folder, random, kills, say)
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function writeVisits(path: string): Promise<void> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`COPY (SELECT CAST(shop AS BIGINT) AS shop, TIMESTAMPTZ '2025-12-01 00:00:00+00' + INTERVAL (n) MINUTE AS "at"
    FROM range(${shops}) s(shop), range(7) v(n) WHERE n < shop % 7) TO '${path}'`)
  connection.closeSync()
}

async function drill(
  server: Opened,
  folder: string,
  random: Random,
  kills: number,
  say: (text: string) => void,
): Promise<BatchKillResult> {
  const counts = { faults: 0, checked: 0, lost: 0, doubled: 0, half_visible: 0 }
  const points = new Map<string, number>()
  const reader = readerOf(server, random, say)
  let runs = 0
  try {
    while (counts.faults < kills) {
      const run = { at: firstDay + runs * day, occasion: `drill ${runs}` }
      runs++
      // Killed once or several times before it is let to its end.
      for (let left = 1 + random.below(3); left > 0 && counts.faults < kills; left--) {
        const done = await doneOf(server, run.occasion)
        const least = [...points].toSorted(([, a], [, b]) => a - b)[0]?.[0]
        const point = counts.faults % 4 === 3 ? undefined : least
        const death = await processOf(
          folder,
          run,
          point === undefined
            ? null
            : { point, after: point.startsWith('score: ') && !point.includes('end') ? random.below(3) : 0 },
          100 + random.below(1_500),
        )
        for (const name of death.points) if (!points.has(name)) points.set(name, 0)
        if (!death.killed) break
        counts.faults++
        if (death.at !== null) points.set(death.at, (points.get(death.at) ?? 0) + 1)
        counts.doubled += await again(server, run.occasion, done, say)
        if (counts.faults % 10 === 0) say(`${counts.faults} kills in ${runs} runs, ${reader.counts().lookups} look-ups`)
      }
      const done = await doneOf(server, run.occasion)
      const end = await processOf(folder, run, null, null)
      if (!end.out.includes('"state":"published"')) {
        counts.lost++
        say(`run ${runs} ended so: ${end.out} ${end.complaints}`)
        continue
      }
      counts.doubled += await again(server, run.occasion, done, say)
      counts.checked += shops
      if (runs % 4 === 0) counts.lost += await undisturbed(server, folder, run, say)
    }
  } finally {
    await reader.stop()
  }
  const { lookups, answers, half } = reader.counts()
  counts.half_visible = half
  counts.checked += answers
  say(`Killed at ${[...points].map(([name, times]) => `${name} ${times}`).join(', ')}`)
  return { name: 'batch-kill', ...counts, runs, lookups, points: Object.fromEntries(points) }
}

interface Ended {
  readonly killed: boolean
  readonly at: string | null
  readonly points: readonly string[]
  readonly out: string
  readonly complaints: string
}

async function processOf(
  folder: string,
  { at, occasion }: { readonly at: number; readonly occasion: string },
  kill: { readonly point: string; readonly after: number } | null,
  afterMs: number | null,
): Promise<Ended> {
  const child = spawn(process.execPath, [jiti, join(import.meta.dirname, 'batcher.ts')], {
    env: {
      ...process.env,
      ...{ DRILL_FOLDER: folder, DRILL_AT: String(at), DRILL_OCCASION: occasion },
      ...(kill === null ? {} : { KILL_AT: kill.point, KILL_AFTER: String(kill.after) }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, errors] = ['', '']
  let timer: NodeJS.Timeout | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    // The time runs from the beginning of the run: to kill a process that loads its modules tells nothing.
    if (afterMs !== null && kill === null) timer ??= setTimeout(() => child.kill('SIGKILL'), afterMs)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  const lines = errors.split('\n')
  return {
    killed: signal === 'SIGKILL',
    at: lines.find((line) => line.startsWith('killed at '))?.slice('killed at '.length) ?? null,
    points: lines.filter((line) => line.startsWith('point ')).map((line) => line.slice('point '.length)),
    out,
    complaints: lines.filter((line) => !line.startsWith('point ')).join('\n'),
  }
}

type Done = ReadonlyMap<number, number>

/** How often each partition that is done was tried. */
async function doneOf(server: Opened, occasion: string): Promise<Done> {
  const run = await runOf(server, occasion)
  if (run === undefined) return new Map()
  const partitions = await server.stores.metadata.batches.partitions(run.id)
  return new Map(partitions.filter(({ state }) => state === 'done').map(({ index, attempts }) => [index, attempts]))
}
const runOf = async (server: Opened, occasion: string) =>
  (await server.stores.metadata.batches.runs({ batch: 'tonight', environment: 'default', occasion, limit: 1 }))[0]

/** Partitions that were done before, and were done again. */
async function again(server: Opened, occasion: string, before: Done, say: (text: string) => void): Promise<number> {
  const now = await doneOf(server, occasion)
  const repeated = [...before].filter(([index, attempts]) => now.get(index) !== attempts)
  if (repeated.length > 0) say(`${occasion}: partitions ${repeated.map(([index]) => index).join(', ')} were done again`)
  return repeated.length
}

/** The same rows at the same instant, by nobody disturbed. */
async function undisturbed(
  server: Opened,
  folder: string,
  { at, occasion }: { readonly at: number; readonly occasion: string },
  say: (text: string) => void,
): Promise<number> {
  const other = `${occasion}, undisturbed`
  await processOf(folder, { at, occasion: other }, null, null)
  const files = async (name: string): Promise<string> => {
    const run = await runOf(server, name)
    const partitions = await server.stores.metadata.batches.partitions(run!.id)
    return partitions.map(({ output }) => output?.sha256).join(' ')
  }
  const [one, two] = [await files(occasion), await files(other)]
  if (one === two) return 0
  say(`${occasion}: its files are ${one}, those of an undisturbed run ${two}`)
  return 1
}

function readerOf(server: Opened, random: Random, say: (text: string) => void) {
  let [lookups, answers, half, ended] = [0, 0, 0, false]
  const wrong = (words: string): void => {
    half++
    if (half < 20) say(words)
  }
  const loop = (async () => {
    while (!ended) {
      const keys = Array.from({ length: 20 }, () => random.below(shops))
      const found = await server.batches.lookup(
        'tonight',
        keys.map((shop) => ({ shop })),
      )
      lookups++
      if (found[0]!.version !== null) {
        if (new Set(found.map(({ version }) => version)).size !== 1) wrong('one call was answered by two versions')
        for (const [i, { outputs, rung, asOf, version }] of found.entries()) {
          answers++
          const is = outputs?.['busy'] as number | undefined
          const wanted = expected(keys[i]!, asOf!)
          if (rung !== 'exact' || is === undefined || Math.abs(is - wanted) > 1e-5)
            wrong(`version ${version}: shop ${keys[i]} is ${is} by ${rung}, not ${wanted}`)
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  return {
    counts: () => ({ lookups, answers, half }),
    stop: async () => {
      ended = true
      await loop
    },
  }
}
