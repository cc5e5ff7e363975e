/**
 * Rows that arrive together go into the runtime together. A call costs some twenty microseconds before it computes a row, so that
 * 32 rows in one call cost a fraction of 32 calls. Nothing ever waits for company: the batch is released at the end of the
 * present turn of the event loop, and while the runtime computes, the next one fills.
 */

import type { Evaluate } from '../expression/functions/spec.ts'
import type { Value } from '../expression/node.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { LoadedModel } from '../ports/model-runtime.ts'
import type { Signature } from './signature.ts'
import type { InputBatch, OutputValue } from './tensors.ts'
import { inputBatch, outputReader } from './tensors.ts'

export interface Answer {
  readonly outputs: readonly (OutputValue | null)[]
  /** Milliseconds from being handed over to being handed back. */
  readonly milliseconds: number
  /** How many rows went together. */
  readonly rows: number
}

export interface Batcher {
  /** Takes what it needs from the row before it returns. Rejects when the runtime fails, with NoValue, or with SX_OVERLOADED. */
  submit(row: readonly Value[]): Promise<Answer>
  readonly waiting: number
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

interface Options {
  readonly batchRows: number
  readonly queueRows: number
  readonly monotonic: () => number
}

interface Batch {
  readonly inputs: InputBatch
  rows: number
  readonly waiting: {
    readonly since: number
    readonly resolve: (answer: Answer) => void
    readonly reject: (error: unknown) => void
  }[]
}

export function batcher(
  model: LoadedModel,
  signature: Signature,
  entries: readonly Evaluate[],
  options: Options,
): Batcher {
  const { queueRows, monotonic } = options
  const batchRows = signature.rows ?? options.batchRows
  const read = outputReader(signature)
  const wanted = [...new Set(signature.outputs.map(({ tensor }) => tensor))]
  const spare: InputBatch[] = []
  const full: Batch[] = []
  let filling: Batch | null = null
  let scheduled = false
  let queued = 0
  let running: Promise<void> = Promise.resolve()

  const newBatch = (): Batch => ({
    inputs: spare.pop() ?? inputBatch(signature, entries, batchRows),
    rows: 0,
    waiting: [],
  })

  const release = (): void => {
    scheduled = false
    if (filling !== null && filling.rows > 0) {
      full.push(filling)
      filling = null
    }
    running = running.then(drain)
  }
  const drain = async (): Promise<void> => {
    for (let batch = full.shift(); batch !== undefined; batch = full.shift()) await run(batch)
  }
  const run = async (batch: Batch): Promise<void> => {
    const { inputs, rows, waiting } = batch
    try {
      const tensors = await model.run(inputs.tensors(0, rows), wanted)
      const now = monotonic()
      for (let i = 0; i < rows; i++) {
        const { since, resolve } = waiting[i]!
        resolve({ outputs: read(tensors, rows, i), milliseconds: now - since, rows })
      }
    } catch (error) {
      if (rows === 1) waiting[0]!.reject(error)
      else await runSingly(batch)
    } finally {
      queued -= rows
      if (spare.length < 8) spare.push(inputs)
    }
  }
  /** After a call that failed: a row of one caller is not to cost the others their answers. */
  const runSingly = async ({ inputs, rows, waiting }: Batch): Promise<void> => {
    for (let i = 0; i < rows; i++) {
      const { since, resolve, reject } = waiting[i]!
      try {
        const tensors = await model.run(inputs.tensors(i, i + 1), wanted)
        resolve({ outputs: read(tensors, 1, 0), milliseconds: monotonic() - since, rows: 1 })
      } catch (error) {
        reject(error)
      }
    }
  }

  return {
    submit: (row) => {
      if (queued >= queueRows)
        return Promise.reject(new SixfoldError('SX_OVERLOADED', `${queued} rows wait for the model.`))
      filling ??= newBatch()
      const batch = filling
      try {
        batch.inputs.fill(batch.rows, row)
      } catch (error) {
        return Promise.reject(error)
      }
      batch.rows++
      queued++
      if (batch.rows === batchRows) {
        full.push(batch)
        filling = null
      }
      if (!scheduled) {
        scheduled = true
        setImmediate(release)
      }
      return new Promise((resolve, reject) => batch.waiting.push({ since: monotonic(), resolve, reject }))
    },
    get waiting() {
      return queued
    },
    idle: async () => {
      while (queued > 0) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
