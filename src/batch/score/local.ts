/**
 * The engine of this machine: the offline store gives vectors as columns, threads compute the model, and the answers go into one Parquet file a
 * partition. Everything flows: so much of it is in memory as is under way.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '../../definition/batch.ts'
import { walk } from '../../expression/node.ts'
import type { Signature } from '../../inference/index.ts'
import { signatureOf } from '../../inference/index.ts'
import type { BatchRowsStore, Columns, PartitionInput, WrittenColumn } from '../../ports/batch-rows.ts'
import type { Partition } from '../../ports/batch-store.ts'
import type { LoadedModel, ModelRuntime, Tensors } from '../../ports/model-runtime.ts'
import type { Engine, Scored, Scorer, ScoreWork } from '../engine.ts'
import { Profiles } from '../profile-set.ts'
import type { ScoredChunk } from './chunk.ts'
import { chunkScorer } from './chunk.ts'
import type { Sessions } from './sessions.ts'
import { sessions } from './sessions.ts'

export interface LocalEngineOptions {
  readonly runtime: ModelRuntime
  readonly rows: BatchRowsStore
  /** Sessions of the model. By default one a processor. */
  readonly workers?: number
}

/** Chunks under way at once: one that is read, those that are computed, one that is written. */
const chunksAtOnce = 4

export function localEngine({ runtime, rows, workers = availableParallelism() }: LocalEngineOptions): Engine {
  return {
    name: 'local',
    // One is read and computed while another is written and synced.
    parallel: 2,
    open: async (work): Promise<Scorer> => {
      const pool = await sessions(runtime, work.model, workers)
      try {
        const signature = signatureOf(work.batch.model, pool.first)
        const meter = meterOf(pool)
        return {
          score: (partition, progress, signal) =>
            score(work, rows, pool, signature, meter, partition, progress, signal),
          close: () => pool.close(),
        }
      } catch (error) {
        await pool.close()
        throw error
      }
    },
  }
}

/** What the process took since it was last asked, charged to whoever asks: partitions that are computed at once share it. */
interface Meter {
  charge(to: { cpuMs: number; modelMs: number }): void
  /** At most every so often: what a process with many threads took costs a millisecond to ask for. */
  chargeNowAndThen(to: { cpuMs: number; modelMs: number }): void
}
const chargeEveryMs = 500

function meterOf(pool: Sessions): Meter {
  let [cpu, computed, asked] = [process.cpuUsage(), pool.computedMs, performance.now()]
  const charge: Meter['charge'] = (to) => {
    const now = process.cpuUsage()
    to.cpuMs += (now.user - cpu.user + now.system - cpu.system) / 1000
    to.modelMs += pool.computedMs - computed
    cpu = now
    computed = pool.computedMs
    asked = performance.now()
  }
  return {
    charge,
    chargeNowAndThen: (to) => {
      if (performance.now() - asked >= chargeEveryMs) charge(to)
    },
  }
}

async function score(
  { batch, run, previous, folder, open }: ScoreWork,
  rows: BatchRowsStore,
  pool: Sessions,
  signature: Signature,
  meter: Meter,
  partition: Partition,
  progress: (rows: number) => void,
  signal: AbortSignal,
): Promise<Scored> {
  const input = partition.input as PartitionInput
  const columns = writtenColumns(batch, signature, pool.first)
  const profiles = new Profiles(batch)
  const wanted = signature.outputs.map(({ tensor }) => tensor)
  const answer = (inputs: Tensors): Promise<Tensors> => pool.run(inputs, wanted)
  const chunk = chunkScorer({ batch, at: run.at, signature, answer, profiles, columns })
  const took = { cpuMs: 0, modelMs: 0 }
  const vectors = rows.vectors({
    batch,
    at: run.at,
    input,
    path: input.kind === 'rows' ? await open(input.sha256) : null,
    single: singleEntries(batch, signature),
    previous:
      previous.length > 0
        ? {
            paths: previous,
            columns: [...columns.map(({ name }) => name).filter((name) => !(name in batch.key))],
          }
        : null,
  })
  let count = 0
  async function* answered(): AsyncIterable<Columns> {
    const underWay: Promise<ScoredChunk>[] = []
    try {
      for await (const some of vectors) {
        signal.throwIfAborted()
        const next = chunk.score(some)
        // What fails while others are waited for is told of when its turn comes.
        next.catch(() => {})
        underWay.push(next)
        if (underWay.length >= chunksAtOnce) yield* counted(underWay.shift()!)
      }
      while (underWay.length > 0) yield* counted(underWay.shift()!)
    } finally {
      await Promise.allSettled(underWay)
    }
  }
  async function* counted(one: Promise<ScoredChunk>): AsyncIterable<Columns> {
    const done = await one
    done.look()
    count += done.rows
    meter.chargeNowAndThen(took)
    progress(done.rows)
    yield done
    // Who asks for the next one has written this one.
    done.release()
  }
  const path = join(folder, `part-${partition.index}.parquet`)
  await rows.write(path, columns, answered())
  meter.charge(took)
  return {
    path,
    rows: count,
    profile: profiles.toJSON(),
    cost: {
      inferred: chunk.inferred,
      ...took,
      bytesRead:
        input.kind === 'file'
          ? Math.round((input.file.bytes * (input.to - input.from)) / Math.max(1, input.file.rows))
          : readFileSync(await open(input.sha256)).byteLength,
    },
  }
}

/** What a row of the archive has: keys, outputs, the decision, and by what it is known again. */
export function writtenColumns(batch: Batch, signature: Signature, model: LoadedModel): readonly WrittenColumn[] {
  const { model: definition, decision, incremental } = batch
  const file = new Map(model.outputs.map(({ name, type }) => [name, type]))
  return [
    ...Object.entries(batch.key).map(([name, type]): WrittenColumn => ({ name, type })),
    ...Object.entries(definition.output).map(([name, kind]): WrittenColumn => {
      if (typeof kind === 'object') return { name, type: 'label' in kind ? 'string' : 'float64[]' }
      const tensor = signature.outputs.find((one) => one.name === name)?.tensor
      const asGiven = !Object.hasOwn(definition.post, name) && tensor !== undefined && file.get(tensor) === 'float32'
      return { name, type: asGiven ? 'float32' : 'float64' }
    }),
    ...(decision === null ? [] : [{ name: '_sx_decision', type: 'string' } as const]),
    ...(incremental ? [{ name: '_sx_vector', type: 'int64' } as const] : []),
  ]
}

/** Entries that go into float32 alone, and that no expression reads: they need not be made wider on the way. */
export function singleEntries({ model, decision, segments }: Batch, { inputs }: Signature): ReadonlySet<string> {
  const names = Object.keys(model.vector)
  const read = new Set<string>()
  for (const node of [
    ...Object.values(model.post),
    ...Object.values(segments),
    ...(decision === null ? [] : [decision]),
  ])
    for (const leaf of walk(node!)) if (leaf.kind === 'input' && leaf.group === 'vector') read.add(leaf.name)
  const single = new Set<string>()
  for (const { type, entries } of inputs)
    if (type === 'float32') for (const at of entries) if (!read.has(names[at]!)) single.add(`vector__${names[at]!}`)
  for (const { type, entries } of inputs)
    if (type !== 'float32') for (const at of entries) single.delete(`vector__${names[at]!}`)
  return single
}
