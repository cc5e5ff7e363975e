/**
 * Tensors as JSON, in both directions. Servers in Python and C++ write NaN and Infinity as they are, which JSON does not have, and take
 * them so.
 */
import type { Tensor, TensorData } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'

/** What a server answered is not what it was to answer. */
export class Unexpected extends Error {}

/** Throws Unexpected. */
export function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  const text = body.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    try {
      // Texts are passed over as they are. 1e999 is how JSON says what is beyond all numbers.
      value = JSON.parse(
        text.replace(/"(?:[^"\\]|\\.)*"|NaN|Infinity/g, (part) =>
          part === 'NaN' ? 'null' : part === 'Infinity' ? '1e999' : part,
        ),
      )
    } catch {
      throw new Unexpected('it is no JSON')
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unexpected('it is no JSON object')
  return value as Readonly<Record<string, unknown>>
}

/** How a number that JSON does not have is written: as it is; or in JSON, NaN as null and what is beyond all numbers as one that is too. */
export type NotFinite = 'as it is' | 'in JSON'

export function writeValues(tensor: Tensor, notFinite: NotFinite): string {
  const { type, data } = tensor
  if (type === 'string') return JSON.stringify(data)
  const parts = new Array<string>(data.length)
  for (let i = 0; i < data.length; i++) parts[i] = writeValue(type, data[i]!, notFinite)
  return `[${parts.join(',')}]`
}

/** As lists in lists. */
export function writeNested(tensor: Tensor, notFinite: NotFinite): string {
  const { type, shape, data } = tensor
  let at = 0
  const write = (depth: number): string => {
    if (depth === shape.length) return writeValue(type, data[at++]!, notFinite)
    const parts = new Array<string>(shape[depth]!)
    for (let i = 0; i < parts.length; i++) parts[i] = write(depth + 1)
    return `[${parts.join(',')}]`
  }
  return write(0)
}

export function writeValue(type: string, value: TensorData[number], notFinite: NotFinite): string {
  if (type === 'bool') return value === 0 ? 'false' : 'true'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint' || Number.isFinite(value) || notFinite === 'as it is') return String(value)
  return Number.isNaN(value) ? 'null' : value > 0 ? '1e999' : '-1e999'
}

/** Throws Unexpected where the values are not those of such a tensor. The shape is that of the lists. */
export function readNested({ name, type, shape }: TensorInfo, value: unknown): Tensor {
  const sizes: number[] = []
  for (let at = value, depth = 0; depth < shape.length; depth++) {
    if (!Array.isArray(at)) throw new Unexpected(`'${name}' has ${depth} dimensions, not ${shape.length}`)
    sizes.push(at.length)
    at = at[0] as unknown
  }
  const flat: unknown[] = []
  const walk = (at: unknown, depth: number): void => {
    if (depth === sizes.length) {
      flat.push(at)
      return
    }
    if (!Array.isArray(at) || at.length !== sizes[depth])
      throw new Unexpected(`'${name}' has lists of different lengths`)
    for (const part of at) walk(part, depth + 1)
  }
  walk(value, 0)
  return { type, shape: sizes, data: readValues(name, type, flat) }
}

/** Where the numbers of a type lie. */
export const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

/** Throws Unexpected. */
export function readValues(name: string, type: string, values: readonly unknown[]): TensorData {
  const wrong = (value: unknown): Unexpected =>
    new Unexpected(`'${name}' holds ${JSON.stringify(value)?.slice(0, 40)}, which is no ${type}`)
  switch (type) {
    case 'float32':
      return floats(new Float32Array(values.length), values, wrong)
    case 'float64':
      return floats(new Float64Array(values.length), values, wrong)
    case 'int64':
    case 'uint64': {
      // Beyond 2^53 the reader of JSON has lost digits.
      const data = new arrays[type](values.length)
      for (let i = 0; i < values.length; i++) {
        if (!Number.isSafeInteger(values[i]) || (type === 'uint64' && (values[i] as number) < 0)) throw wrong(values[i])
        data[i] = BigInt(values[i] as number)
      }
      return data
    }
    case 'int32':
    case 'uint32':
    case 'int16':
    case 'uint16':
    case 'int8':
    case 'uint8': {
      const data = new arrays[type](values.length)
      for (let i = 0; i < values.length; i++) {
        data[i] = values[i] as number
        // What does not fit is another number in it.
        if (data[i] !== values[i]) throw wrong(values[i])
      }
      return data
    }
    case 'bool':
      return Uint8Array.from(values, (value) => {
        if (![true, false, 0, 1].includes(value as number)) throw wrong(value)
        return Number(value)
      })
    case 'string':
      return values.map((value) => {
        const text = typeof value === 'object' && value !== null ? fromBase64(value) : value
        if (typeof text !== 'string') throw wrong(value)
        return text
      })
    default:
      throw new Unexpected(`'${name}' is of the type ${type}, which is not read`)
  }
}

function floats<D extends Float32Array | Float64Array>(
  data: D,
  values: readonly unknown[],
  wrong: (value: unknown) => Unexpected,
): D {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== 'number' && value !== null) throw wrong(value)
    data[i] = value ?? Number.NaN
  }
  return data
}

/** TensorFlow Serving's way to write bytes. */
function fromBase64(value: object): string | null {
  const { b64 } = value as { readonly b64?: unknown }
  return typeof b64 === 'string' ? Buffer.from(b64, 'base64').toString('utf8') : null
}
