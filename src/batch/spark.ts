/**
 * The engine of a Spark cluster. Partitions that wait become one job, which reads rows and histories, makes vectors and asks the model; what it
 * leaves of each partition goes through the same last step as on this machine, so that the same answers are archived, and profiled.
 */

import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rowKeysOf } from '../definition/batch.ts'
import { requestOf } from '../definition/model.ts'
import type { Signature } from '../inference/index.ts'
import { signatureOf } from '../inference/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { pause } from '../kernel/persist.ts'
import type { BatchRowsStore, Columns, PartitionInput } from '../ports/batch-rows.ts'
import type { Partition } from '../ports/batch-store.ts'
import type { ModelRuntime, Tensor, Tensors } from '../ports/model-runtime.ts'
import type { Engine, Scored, Scorer, ScoreWork } from './engine.ts'
import { Profiles } from './profile-set.ts'
import { chunkScorer } from './score/chunk.ts'
import { singleEntries, writtenColumns } from './score/local.ts'
import { sessions } from './score/sessions.ts'

/** What Spark is asked for, by whoever knows how it is started. */
export interface SparkWork {
  readonly batch: ScoreWork['batch']
  readonly at: number
  readonly parts: readonly {
    readonly partition: number
    readonly path: string
    readonly from: number
    readonly to: number
  }[]
  readonly model: string
  readonly inputs: readonly {
    readonly name: string
    readonly type: string
    readonly rank: 1 | 2
    readonly entries: readonly string[]
  }[]
  readonly outputs: readonly string[]
  readonly rows: 1 | null
  readonly single: ReadonlySet<string>
  /** Each partition becomes one file in `_sx_partition=N` below it. */
  readonly out: string
}
export interface SparkRunner {
  run(
    work: SparkWork,
    folder: string,
    signal: AbortSignal,
  ): Promise<{ readonly columns: readonly string[]; readonly cpuMs: number; readonly modelMs: number }>
}

export interface SparkEngineOptions {
  readonly runtime: ModelRuntime
  readonly rows: BatchRowsStore
  readonly runner: SparkRunner
}

/** Partitions of one job. */
const partitionsMost = 64
/** So long a job waits for others to come along. */
const gatherMs = 100

export function sparkEngine({ runtime, rows, runner }: SparkEngineOptions): Engine {
  return {
    name: 'spark',
    parallel: partitionsMost,
    open: async (work): Promise<Scorer> => {
      const pool = await sessions(runtime, work.model, 1)
      const described = pool.first
      const signature = signatureOf(work.batch.model, described)
      await pool.close()
      const single = singleEntries(work.batch, signature)
      const jobs = gathered(async (parts, signal) => {
        const folder = join(work.folder, `spark-${parts[0]!.partition}-${parts.length}`)
        mkdirSync(folder, { recursive: true })
        const asked = { ...jobOf(work, signature, single, folder), parts }
        const done = await runner.run(asked, folder, signal)
        const total = parts.reduce((sum, { from, to }) => sum + to - from, 0)
        return { ...done, out: asked.out, total }
      })
      const columns = writtenColumns(work.batch, signature, described)
      return {
        score: async (partition, progress, signal) => {
          const { from, to, path, bytesRead } = await partOf(work, partition)
          const job = await jobs({ partition: partition.index, path, from, to }, signal)
          const staged = join(job.out, `_sx_partition=${partition.index}`)
          const share = (to - from) / Math.max(1, job.total)
          const own = process.cpuUsage()
          const finished = await finish(work, rows, signature, columns, staged, job.columns, partition, progress)
          const used = process.cpuUsage(own)
          rmSync(staged, { recursive: true, force: true })
          return {
            ...finished,
            cost: {
              inferred: finished.rows,
              cpuMs: job.cpuMs * share + (used.user + used.system) / 1000,
              modelMs: job.modelMs * share,
              bytesRead,
            },
          }
        },
        close: async () => {},
      }
    },
  }
}

const jobOf = (
  { batch, run, model }: ScoreWork,
  signature: Signature,
  single: ReadonlySet<string>,
  folder: string,
): Omit<SparkWork, 'parts'> => {
  const entries = Object.keys(batch.model.vector)
  return {
    ...{ batch, at: run.at, model, single },
    inputs: signature.inputs.map(({ input, type, rank, entries: places }) => ({
      ...{ name: input, type, rank },
      entries: places.map((place) => entries[place]!),
    })),
    outputs: tensorsOf(signature),
    rows: signature.rows,
    out: join(folder, 'out'),
  }
}

const tensorsOf = ({ outputs }: Signature): readonly string[] => [...new Set(outputs.map(({ tensor }) => tensor))]

type Part = SparkWork['parts'][number]

async function partOf({ open }: ScoreWork, { rows, input: given }: Partition) {
  const input = given as PartitionInput
  if (input.kind === 'rows') return { path: await open(input.sha256), from: 0, to: rows, bytesRead: 0 }
  const { file, from, to } = input
  return { path: file.path, from, to, bytesRead: Math.round((file.bytes * (to - from)) / Math.max(1, file.rows)) }
}

/** Several that are asked for at about the same time become one job. It ends when all of them were given up, and not before. */
function gathered<T>(run: (parts: readonly Part[], signal: AbortSignal) => Promise<T>) {
  let waiting: { readonly parts: Part[]; readonly signals: AbortSignal[]; readonly job: Promise<T> } | null = null
  return (part: Part, signal: AbortSignal): Promise<T> => {
    if (waiting === null || waiting.parts.length >= partitionsMost) {
      const [parts, signals]: [Part[], AbortSignal[]] = [[], []]
      const job = (async () => {
        await pause(gatherMs)
        if (waiting?.parts === parts) waiting = null
        const ending = new AbortController()
        const given = (): void => {
          if (signals.every(({ aborted }) => aborted)) ending.abort(signals[0]!.reason)
        }
        for (const one of signals) one.addEventListener('abort', given, { once: true })
        given()
        ending.signal.throwIfAborted()
        return run(
          parts.toSorted((a, b) => a.partition - b.partition),
          ending.signal,
        )
      })()
      waiting = { parts, signals, job }
    }
    waiting.parts.push(part)
    waiting.signals.push(signal)
    return waiting.job
  }
}

/** What Spark left of a partition, as an archived file: by the rules by which a model's answers are read everywhere. */
async function finish(
  { batch, run, folder }: ScoreWork,
  rows: BatchRowsStore,
  signature: Signature,
  columns: ReturnType<typeof writtenColumns>,
  staged: string,
  outputs: readonly string[],
  { index }: Partition,
  progress: (rows: number) => void,
): Promise<Pick<Scored, 'path' | 'rows' | 'profile'>> {
  const files = readdirSync(staged).filter((name) => name.endsWith('.parquet'))
  if (files.length !== 1)
    throw new SixfoldError('SX_BATCH_ENGINE', `Spark left ${files.length} files of partition ${index}, not one.`)
  const { model } = batch
  const names = [
    ...Object.keys(rowKeysOf(batch)).map((name) => `keys__${name}`),
    ...Object.keys(requestOf(model.inputs)).map((name) => `request__${name}`),
    ...Object.keys(model.vector).map((name) => `vector__${name}`),
    ...outputs,
  ]
  const profiles = new Profiles(batch)
  const tensors = tensorsOf(signature)
  const chunk = chunkScorer({
    ...{ batch, at: run.at, signature, profiles, columns },
    answer: async (_, given, some) => answersIn(given, tensors, some),
  })
  async function* answered(): AsyncIterable<Columns> {
    for await (const some of rows.read({ paths: [join(staged, files[0]!)] }, names)) {
      const done = await chunk.score(some)
      done.look()
      progress(done.rows)
      yield done
    }
  }
  const path = join(folder, `part-${index}.parquet`)
  const written = await rows.write(path, columns, answered())
  return { path, rows: written.rows, profile: profiles.toJSON() }
}

/** Columns `tensor__I__K` of the rows named, as the tensors that they were. */
function answersIn({ columns }: Columns, tensors: readonly string[], rows: Int32Array): Tensors {
  const made: { [name: string]: Tensor } = {}
  for (const [i, name] of tensors.entries()) {
    const parts = columns.filter((column) => column.name.startsWith(`tensor__${i}__`))
    const texts = parts[0]?.type === 'string'
    const data = texts
      ? new Array<string>(rows.length * parts.length)
      : new Float64Array(rows.length * parts.length).fill(Number.NaN)
    for (const [k, { values, valid }] of parts.entries())
      for (let row = 0; row < rows.length; row++) {
        const at = rows[row]!
        if (valid !== null && valid[at] === 0) continue
        ;(data as { [at: number]: unknown })[row * parts.length + k] = texts ? values[at] : Number(values[at])
      }
    made[name] = {
      type: texts ? 'string' : 'float64',
      shape: [rows.length, parts.length],
      data: data as Tensor['data'],
    }
  }
  return made
}
