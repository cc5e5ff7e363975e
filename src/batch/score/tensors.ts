/** Columns of vectors as the tensors of a call: row after row, as a model file wants them. */
import type { Signature } from '../../inference/index.ts'
import type { Column } from '../../ports/batch-rows.ts'
import type { Tensor, TensorData, Tensors } from '../../ports/model-runtime.ts'

type Binding = Signature['inputs'][number]

/** Makes the tensors of calls, of which most have as many rows as one may have. */
export interface TensorMaker {
  /** `rows` are positions in the columns, ascending. `lacking` is told of those that have no value where the tensor cannot say so. */
  make(entries: readonly Column[], rows: Int32Array, lacking: (row: number) => void): Tensors
  /** Of a call that is answered: their memory serves the next. */
  release(tensors: Tensors): void
}

export function tensorMaker({ inputs }: Signature, most: number): TensorMaker {
  const spare = new Map<string, TensorData[]>(inputs.map(({ input }) => [input, []]))
  return {
    make: (entries, rows, lacking) => {
      const tensors: { [input: string]: Tensor } = {}
      for (const binding of inputs) {
        const width = binding.entries.length
        const data =
          (rows.length === most ? spare.get(binding.input)!.pop() : undefined) ?? emptyOf(binding, rows.length * width)
        for (let i = 0; i < width; i++) fill(binding, data, i, width, entries[binding.entries[i]!]!, rows, lacking)
        tensors[binding.input] = {
          type: binding.type,
          shape: binding.rank === 1 ? [rows.length] : [rows.length, width],
          data,
        }
      }
      return tensors
    },
    release: (tensors) => {
      for (const { input, entries, type } of inputs) {
        const { data } = tensors[input]!
        // What is lacking leaves its place as it is, which in memory that was used is a value of another row.
        if (data.length === most * entries.length && (type === 'float32' || type === 'float64'))
          spare.get(input)!.push(data)
      }
    },
  }
}

function emptyOf({ type }: Binding, size: number): TensorData {
  switch (type) {
    case 'float32':
      return new Float32Array(size)
    case 'float64':
      return new Float64Array(size)
    case 'int64':
      return new BigInt64Array(size)
    case 'int32':
      return new Int32Array(size)
    case 'bool':
      return new Uint8Array(size)
    case 'string':
      return new Array<string>(size).fill('')
  }
}

function fill(
  { type }: Binding,
  data: TensorData,
  at: number,
  width: number,
  { values, valid }: Column,
  rows: Int32Array,
  lacking: (row: number) => void,
): void {
  const into = data as { [at: number]: unknown }
  if (type === 'float32' || type === 'float64') {
    const numbers = data as Float64Array
    // The case that counts: numbers into numbers, mostly of rows that follow each other.
    const first = rows[0]!
    if (values instanceof Float32Array && rows.at(-1)! - first === rows.length - 1)
      for (let i = 0; i < rows.length; i++) numbers[i * width + at] = values[first + i]!
    else if (values instanceof Float32Array || values instanceof Float64Array || values instanceof Uint8Array)
      for (let i = 0; i < rows.length; i++) numbers[i * width + at] = values[rows[i]!]!
    else for (let i = 0; i < rows.length; i++) numbers[i * width + at] = Number(values[rows[i]!])
    if (valid !== null)
      for (let i = 0; i < rows.length; i++) if (valid[rows[i]!] === 0) numbers[i * width + at] = Number.NaN
    return
  }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const value = values[row]
    if ((valid !== null && valid[row] === 0) || value === null || value === undefined) {
      lacking(row)
      continue
    }
    if (type === 'string') into[i * width + at] = value
    else if (type === 'int64') into[i * width + at] = BigInt(value as bigint | number)
    else if (type === 'bool') into[i * width + at] = Number(value)
    else {
      const integer = Number(value)
      if (integer === (integer | 0)) into[i * width + at] = integer
      else lacking(row)
    }
  }
}
