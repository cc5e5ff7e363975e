/**
 * Rows of several callers, put into one call and taken apart again. Rows of values are evaluated into columns, tensors are copied there;
 * what does not fit beside others, because its other dimensions differ, goes alone and is copied nowhere.
 */
import type { Evaluate } from '../../expression/functions/spec.ts'
import type { Tensor, Tensors } from '../../ports/model-runtime.ts'
import type { Signature } from '../signature.ts'
import type { InputBatch } from '../tensors.ts'
import { inputBatch, outputReader } from '../tensors.ts'
import type { Job } from './queue.ts'
import type { RowAnswer, TensorsAnswer } from './work.ts'

/** What one call takes, and whose it is. */
export interface Batch {
  readonly jobs: readonly Job[]
  readonly rows: number
  readonly inputs: Tensors
  /** Of the runtime. */
  readonly outputs: readonly string[]
  /** Its columns can be used again. */
  release(): void
}

export interface Batches {
  /** Whether the job can share a call. */
  shares(job: Job): boolean
  /** Fills a call with jobs that share, or with one alone. A row that has no tensor is rejected, and is not part of it. */
  make(jobs: readonly Job[]): Batch | null
  /** Gives each its rows. */
  answer(batch: Batch, outputs: Tensors, computed: number, began: number): void
}

export function batches(signature: Signature, entries: readonly Evaluate[], capacity: number): Batches {
  const read = outputReader(signature)
  const ofRows = [...new Set(signature.outputs.map(({ tensor }) => tensor))]
  const spare: InputBatch[] = []
  const nothing = (): void => {}

  const shares = ({ inputs, rows, alone }: Job): boolean => {
    if (alone || rows > capacity) return false
    if (inputs === null) return true
    return signature.inputs.every(({ input, rank, entries }) => {
      const { shape } = inputs[input]!
      return shape.length === rank && (rank === 1 || shape[1] === entries.length)
    })
  }
  const wantedBy = (jobs: readonly Job[]): readonly string[] => {
    if (jobs.every(({ outputs }) => outputs === null)) return ofRows
    return [...new Set(jobs.flatMap(({ outputs }) => outputs ?? ofRows))]
  }
  const make = (jobs: readonly Job[]): Batch | null => {
    const only = jobs.length === 1 ? jobs[0]! : null
    if (only !== null && only.inputs !== null)
      return { jobs, rows: only.rows, inputs: only.inputs, outputs: only.outputs!, release: nothing }
    const columns = spare.pop() ?? inputBatch(signature, entries, capacity)
    const taken: Job[] = []
    let rows = 0
    for (const job of jobs) {
      try {
        if (job.row !== null) columns.fill(rows, job.row)
        else columns.copy(rows, job.inputs!)
        rows += job.rows
        taken.push(job)
      } catch (error) {
        job.reject(error)
      }
    }
    const release = (): void => {
      if (spare.length < 8) spare.push(columns)
    }
    if (rows === 0) {
      release()
      return null
    }
    return { jobs: taken, rows, inputs: columns.tensors(0, rows), outputs: wantedBy(taken), release }
  }
  const answer = ({ jobs, rows }: Batch, outputs: Tensors, computed: number, began: number): void => {
    let at = 0
    for (const job of jobs) {
      const queued = began - job.since
      if (job.row !== null)
        job.resolve({ queued, computed, rows, outputs: read(outputs, rows, at) } satisfies RowAnswer as never)
      else
        job.resolve({
          ...{ queued, computed, rows },
          outputs: jobs.length === 1 ? only(outputs, job.outputs!) : part(outputs, job.outputs!, rows, at, job.rows),
        } satisfies TensorsAnswer as never)
      at += job.rows
    }
  }
  return { shares, make, answer }
}

const only = (outputs: Tensors, names: readonly string[]): Tensors =>
  Object.fromEntries(names.map((name) => [name, outputs[name]!]))

/** Rows of each output from one on, in arrays of their own: what one caller holds on to keeps nothing of the others' alive. */
const part = (outputs: Tensors, names: readonly string[], rows: number, from: number, count: number): Tensors =>
  Object.fromEntries(
    names.map((name): [string, Tensor] => {
      const { type, shape, data } = outputs[name]!
      const width = data.length / rows
      return [
        name,
        {
          type,
          shape: [count, ...shape.slice(1)],
          data: data.slice(from * width, (from + count) * width) as Tensor['data'],
        },
      ]
    }),
  )

/** Whether every output has a part for each row, so that it can be taken apart. */
export const isByRow = (outputs: Tensors, rows: number): boolean =>
  Object.values(outputs).every(({ shape, data }) => shape[0] === rows && data.length % rows === 0)
