/** Rows to tensors and back, by a signature. Types are resolved once; filling a row only computes and stores. */
import type { Output } from '../definition/model.ts'
import type { Evaluate } from '../expression/functions/spec.ts'
import type { Value } from '../expression/node.ts'
import { unreachable } from '../kernel/assert.ts'
import type { Tensor, TensorData, Tensors } from '../ports/model-runtime.ts'
import type { InputBinding, OutputBinding, Signature } from './signature.ts'

/** The inputs of one call, filled row by row. */
export interface InputBatch {
  readonly capacity: number
  /** Evaluates the vector over a row of values and stores it. Throws NoValue. */
  fill(index: number, row: readonly Value[]): void
  /** Copies rows that are tensors already, of the same columns. */
  copy(index: number, inputs: Tensors): void
  /** Of the rows from one on and before another. */
  tensors(from: number, to: number): { readonly [input: string]: Tensor }
}

/** An entry of the vector has no value that its tensor could hold: an integer that overflowed. */
export class NoValue extends Error {}

export function inputBatch(signature: Signature, entries: readonly Evaluate[], capacity: number): InputBatch {
  const columns = signature.inputs.map((input) => columnsFor(input, entries, capacity))
  return {
    capacity,
    fill: (index, row) => {
      for (let i = 0; i < columns.length; i++) columns[i]!.fill(index, row)
    },
    copy: (index, inputs) => {
      for (const { binding, data } of columns) {
        const from = inputs[binding.input]!.data
        const at = index * binding.entries.length
        if (Array.isArray(data)) for (let i = 0; i < from.length; i++) (data as unknown[])[at + i] = from[i]
        else (data as Float32Array).set(from as Float32Array, at)
      }
    },
    tensors: (from, to) => {
      const rows = to - from
      const tensors: { [input: string]: Tensor } = {}
      for (const { binding, data } of columns) {
        const width = binding.entries.length
        tensors[binding.input] = {
          type: binding.type,
          shape: binding.rank === 1 ? [rows] : [rows, width],
          data: partOf(data, from * width, to * width),
        }
      }
      return tensors
    },
  }
}

interface Columns {
  readonly binding: InputBinding
  readonly data: TensorData
  fill(index: number, row: readonly Value[]): void
}

const partOf = (data: TensorData, from: number, to: number): TensorData =>
  Array.isArray(data) ? data.slice(from, to) : (data as Float32Array).subarray(from, to)

function columnsFor(binding: InputBinding, entries: readonly Evaluate[], capacity: number): Columns {
  const evaluate = binding.entries.map((entry) => entries[entry]!)
  const width = evaluate.length
  const size = capacity * width
  const store = <D extends TensorData>(data: D, convert: (value: Value) => D[number]): Columns => ({
    binding,
    data,
    fill: (index, row) => {
      const at = index * width
      for (let i = 0; i < width; i++) (data as { [at: number]: unknown })[at + i] = convert(evaluate[i]!(row))
    },
  })
  switch (binding.type) {
    case 'float32':
      return store(new Float32Array(size), toFloat)
    case 'float64':
      return store(new Float64Array(size), toFloat)
    case 'int64':
      return store(new BigInt64Array(size), (value) => BigInt(present(value) as number))
    case 'int32':
      return store(new Int32Array(size), toInt32)
    case 'bool':
      return store(new Uint8Array(size), (value) => Number(present(value)))
    case 'string':
      return store(new Array<string>(size).fill(''), (value) => present(value) as string)
    default:
      return unreachable(binding.type)
  }
}

function present(value: Value): NonNullable<Value> {
  if (value === null) throw new NoValue()
  return value
}
function toInt32(value: Value): number {
  const integer = Number(present(value))
  if (integer !== (integer | 0)) throw new NoValue()
  return integer
}

/** Missing is NaN, in floats alone. */
const toFloat = (value: Value): number =>
  value === null ? Number.NaN : typeof value === 'number' ? value : Number(value)

export type OutputValue = number | string | readonly number[]
/** The outputs of one row by position; null where the model gave what cannot be an answer: not finite, or no known label. */
export type ReadOutputs = (
  tensors: { readonly [output: string]: Tensor },
  rows: number,
  index: number,
) => readonly (OutputValue | null)[]

export function outputReader({ outputs }: Signature): ReadOutputs {
  const readers = outputs.map(readerFor)
  return (tensors, rows, index) => readers.map((read) => read(tensors, rows, index))
}

function readerFor({
  kind,
  tensor,
}: OutputBinding): (tensors: { readonly [output: string]: Tensor }, rows: number, index: number) => OutputValue | null {
  return (tensors, rows, index) => {
    const { data } = tensors[tensor]!
    const width = data.length / rows
    return Number.isInteger(width) ? valueAt(kind, data, index * width, width) : null
  }
}

/** Null also where a row has another width than its kind of output: it would be a guess which of the numbers is meant. */
function valueAt(kind: Output, data: TensorData, at: number, width: number): OutputValue | null {
  if (typeof kind === 'object' && 'vector' in kind) {
    if (width !== kind.vector) return null
    const values = Array.from({ length: width }, (_, i) => Number(data[at + i]))
    return values.every(Number.isFinite) ? values : null
  }
  if (kind === 'probability') {
    if (width !== 1 && width !== 2) return null
    // Of two columns the second is that of the positive class.
    const value = Number(data[at + (width === 2 ? 1 : 0)])
    return value >= 0 && value <= 1 ? value : null
  }
  if (width !== 1) return null
  if (kind === 'number') return finite(Number(data[at]))
  const value = data[at]!
  const text = typeof value === 'string' ? value : kind.label[Number(value)]
  return text !== undefined && kind.label.includes(text) ? text : null
}
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
