/** A version in its process, called with rows of its vector: the same tensors, and the same reading of what comes back, as in serving. */
import type { Model } from '../../definition/model.ts'
import type { Scalar, Value } from '../../expression/node.ts'
import { typeOf } from '../../expression/node.ts'
import type { OutputValue, Signature } from '../../inference/index.ts'
import { inputBatch, NoValue, outputReader, postProcessOf } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { parseInt64, toInt64 } from '../../kernel/int64.ts'
import type { IsolatedModel, Tensor } from '../../ports/model-runtime.ts'
import { shown } from './words.ts'

/** Values of the vector's entries, in their order. */
export type Row = readonly Value[]
/** Of each output, in their order; null where the model gave what cannot be an answer. */
export type Answer = readonly (OutputValue | null)[]

export interface Scorer {
  /** Row by row; null where an entry has a value that its tensor cannot hold. */
  score(rows: readonly Row[]): Promise<readonly (Answer | null)[]>
  /** The tensors of as many rows, these again and again; null where none of them has any. */
  tensors(rows: readonly Row[], count: number): { readonly [input: string]: Tensor } | null
}

export function scorer(model: Model, signature: Signature, loaded: IsolatedModel): Scorer {
  const entries = Object.keys(model.vector).map((_, i) => (row: Row) => row[i]!)
  const read = outputReader(signature)
  const post = postProcessOf(model)
  const outputs = [...new Set(signature.outputs.map(({ tensor }) => tensor))]
  const filled = (rows: readonly Row[]) => {
    const batch = inputBatch(signature, entries, Math.max(1, rows.length))
    const places = rows.map(() => -1)
    let count = 0
    rows.forEach((row, i) => {
      try {
        batch.fill(count, row)
        places[i] = count++
      } catch (error) {
        if (!(error instanceof NoValue)) throw error
      }
    })
    return { batch, places, count }
  }
  return {
    score: async (rows) => {
      const { batch, places, count } = filled(rows)
      const answers: Answer[] = []
      const step = signature.rows ?? Math.max(1, count)
      for (let from = 0; from < count; from += step) {
        const tensors = await loaded.run(batch.tensors(from, from + step), outputs)
        for (let i = 0; i < step; i++) answers.push(read(tensors, step, i))
      }
      return places.map((place, i) => {
        if (place < 0) return null
        return post === null ? answers[place]! : post(answers[place]!, (entry) => rows[i]![entry]!)
      })
    },
    tensors: (rows, count) => {
      const usable = rows.filter((row) => filled([row]).count > 0)
      if (usable.length === 0) return null
      const { batch } = filled(Array.from({ length: count }, (_, i) => usable[i % usable.length]!))
      return batch.tensors(0, count)
    },
  }
}

/** Reads values from a file as values of the vector. Throws SX_LABELS_INVALID. */
export function rowReader(
  model: Model,
  where: string,
): (raw: (entry: string, i: number) => unknown, row: number) => Row {
  const entries = Object.entries(model.vector).map(([name, node]) => [name, typeOf(node) as Scalar] as const)
  return (raw, row) =>
    entries.map(([name, type], i) => {
      const value = scalarOf(type, raw(name, i))
      if (value === undefined)
        throw new SixfoldError(
          'SX_LABELS_INVALID',
          `${where}, row ${row + 1}: '${name}' is ${shown(raw(name, i))}, no ${type}.`,
          { fix: 'Write the rows with `sixfold training-set`, or correct the column.' },
        )
      return value
    })
}

/** Undefined where it is none. NaN is how a file of floats says missing. */
function scalarOf(type: Scalar, raw: unknown): Value | undefined {
  if (raw === null || raw === undefined || Number.isNaN(raw)) return null
  switch (type) {
    case 'float64':
      return typeof raw === 'number' || typeof raw === 'bigint' || typeof raw === 'boolean' ? finite(raw) : undefined
    case 'int64':
      if (typeof raw === 'bigint') return toInt64(raw)
      if (typeof raw === 'boolean') return Number(raw)
      // JSON has no integers beyond 2^53, and holds them as texts.
      if (typeof raw === 'string') return /^-?\d{1,19}$/.test(raw) ? parseInt64(raw) : undefined
      return typeof raw === 'number' && Number.isInteger(raw) ? raw : undefined
    case 'boolean':
      return raw === true || raw === 1 || raw === 1n
        ? true
        : raw === false || raw === 0 || raw === 0n
          ? false
          : undefined
    case 'string':
      return typeof raw === 'string' ? raw : undefined
    default:
      return undefined
  }
}

const finite = (raw: number | bigint | boolean): number | null => {
  const value = Number(raw)
  return Number.isFinite(value) ? value : null
}

/** By name, as people read it. */
export const rowOf = (model: Model, row: Row): { readonly [entry: string]: Value } =>
  Object.fromEntries(Object.keys(model.vector).map((name, i) => [name, row[i]!]))

export const answerOf = (model: Model, answer: Answer | null): { readonly [output: string]: unknown } =>
  Object.fromEntries(Object.keys(model.output).map((name, i) => [name, answer?.[i] ?? null]))
