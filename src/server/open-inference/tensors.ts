/**
 * Tensors as the Open Inference Protocol has them, and as a model runtime does: by names of types, as JSON, flat or nested, and as bytes,
 * little-endian in the order of rows, a text with its length before it.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Tensor, TensorData } from '../../ports/model-runtime.ts'

interface Form {
  /** Of the runtime. */
  readonly type: string
  /** Bytes of an element; 0 for texts, whose length is their own. */
  readonly size: number
  readonly make: ((bytes: ArrayBuffer) => Exclude<TensorData, readonly string[]>) | null
  /** Whether integers, and between which. */
  readonly range: readonly [bigint, bigint] | null
}

const signed = (bits: bigint): readonly [bigint, bigint] => [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
const unsigned = (bits: bigint): readonly [bigint, bigint] => [0n, (1n << bits) - 1n]

const forms: { readonly [datatype: string]: Form } = {
  BOOL: { type: 'bool', size: 1, make: (bytes) => new Uint8Array(bytes), range: null },
  UINT8: { type: 'uint8', size: 1, make: (bytes) => new Uint8Array(bytes), range: unsigned(8n) },
  UINT16: { type: 'uint16', size: 2, make: (bytes) => new Uint16Array(bytes), range: unsigned(16n) },
  UINT32: { type: 'uint32', size: 4, make: (bytes) => new Uint32Array(bytes), range: unsigned(32n) },
  UINT64: { type: 'uint64', size: 8, make: (bytes) => new BigUint64Array(bytes), range: unsigned(64n) },
  INT8: { type: 'int8', size: 1, make: (bytes) => new Int8Array(bytes), range: signed(8n) },
  INT16: { type: 'int16', size: 2, make: (bytes) => new Int16Array(bytes), range: signed(16n) },
  INT32: { type: 'int32', size: 4, make: (bytes) => new Int32Array(bytes), range: signed(32n) },
  INT64: { type: 'int64', size: 8, make: (bytes) => new BigInt64Array(bytes), range: signed(64n) },
  FP16: { type: 'float16', size: 2, make: (bytes) => new Uint16Array(bytes), range: null },
  FP32: { type: 'float32', size: 4, make: (bytes) => new Float32Array(bytes), range: null },
  FP64: { type: 'float64', size: 8, make: (bytes) => new Float64Array(bytes), range: null },
  BYTES: { type: 'string', size: 0, make: null, range: null },
}
export const datatypes: readonly string[] = Object.keys(forms)
const datatypeOfType = new Map(Object.entries(forms).map(([datatype, { type }]) => [type, datatype]))

/** Of a type of the runtime; the type itself where the protocol has no name for it. */
export const datatypeOf = (type: string): string => datatypeOfType.get(type) ?? type

const invalid = (problem: string, fix: string): SixfoldError => new SixfoldError('SX_TENSOR_INVALID', problem, { fix })

function formOf(name: string, datatype: string): Form {
  if (Object.hasOwn(forms, datatype)) return forms[datatype]!
  throw invalid(
    `input '${shorten(name)}' has the datatype '${shorten(datatype)}', which there is not`,
    `Send one of ${datatypes.join(', ')}.`,
  )
}

/** The type of the runtime. Throws SX_TENSOR_INVALID. */
export const typeOfDatatype = (name: string, datatype: string): string => formOf(name, datatype).type

/** How many elements a shape has. Throws SX_TENSOR_INVALID for one that is none. */
export function elementsOf(name: string, shape: readonly number[]): number {
  let elements = 1
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw invalid(
        `input '${shorten(name)}' has the shape [${shape.join(',')}], which is none`,
        'Send sizes of 0 and more.',
      )
    elements *= size
  }
  if (!Number.isSafeInteger(elements))
    throw invalid(`input '${shorten(name)}' has more elements than can be counted`, 'Send a smaller shape.')
  return elements
}

const count = (name: string, given: number, expected: number): SixfoldError =>
  invalid(
    `input '${shorten(name)}' has ${given} elements, its shape says ${expected}`,
    'Send as many elements as the shape says.',
  )

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Nothing is made larger than what came: a shape that lies is found before. Throws SX_TENSOR_INVALID. */
export function fromBytes(name: string, datatype: string, shape: readonly number[], bytes: Uint8Array): Tensor {
  const form = formOf(name, datatype)
  const elements = elementsOf(name, shape)
  if (form.make === null) return { type: form.type, shape, data: textsOf(name, elements, bytes) }
  if (bytes.length !== elements * form.size)
    throw invalid(
      `input '${shorten(name)}' has ${bytes.length} bytes, its shape takes ${elements * form.size}`,
      'Send as many bytes as the elements have.',
    )
  // In memory of its own: what came may lie at any place, and numbers must not.
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  if (datatype === 'BOOL') for (let i = 0; i < copy.length; i++) copy[i] = copy[i] === 0 ? 0 : 1
  return { type: form.type, shape, data: form.make(copy.buffer) }
}

function textsOf(name: string, elements: number, bytes: Uint8Array): readonly string[] {
  const texts: string[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (at + 4 + length > bytes.length)
      throw invalid(
        `input '${shorten(name)}' ends within element ${texts.length}`,
        'Send 4 bytes of length, and as many bytes, for each.',
      )
    texts.push(textOf(name, bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + length
    if (texts.length > elements) break
  }
  if (texts.length !== elements) throw count(name, texts.length, elements)
  return texts
}

/** Of one element of bytes. */
export function textOf(name: string, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw invalid(`input '${shorten(name)}' has an element that is not UTF-8`, 'Send texts as UTF-8.')
  }
}

export function toBytes({ type, data }: Tensor): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (type !== 'string') throw new Error(`A tensor of ${type} is made of texts.`)
  const texts = (data as readonly string[]).map((text) => Buffer.from(text))
  const bytes = Buffer.allocUnsafe(texts.reduce((sum, { length }) => sum + 4 + length, 0))
  let at = 0
  for (const text of texts) {
    bytes.writeUInt32LE(text.length, at)
    text.copy(bytes, at + 4)
    at += 4 + text.length
  }
  return bytes
}

/** `data` is a list, or lists in lists. Throws SX_TENSOR_INVALID. */
export function fromJson(name: string, datatype: string, shape: readonly number[], data: unknown): Tensor {
  const form = formOf(name, datatype)
  if (datatype === 'FP16')
    throw invalid(`input '${shorten(name)}': FP16 has no form in JSON`, 'Send it as bytes, or as FP32.')
  const elements = elementsOf(name, shape)
  if (!Array.isArray(data)) throw invalid(`input '${shorten(name)}' has no list of data`, 'Send "data": [ … ].')
  const flat: unknown[] = []
  flatten(data, flat, elements)
  if (flat.length !== elements) throw count(name, flat.length, elements)
  return { type: form.type, shape, data: valuesOf(name, datatype, form, flat) }
}

/** Stops soon after there are more than are wanted. */
function flatten(list: readonly unknown[], into: unknown[], most: number): void {
  for (const one of list) {
    if (into.length > most) return
    if (Array.isArray(one)) flatten(one, into, most)
    else into.push(one)
  }
}

function valuesOf(name: string, datatype: string, { size, make, range }: Form, flat: readonly unknown[]): TensorData {
  const wrong = (i: number): SixfoldError =>
    invalid(
      `input '${shorten(name)}', element ${i}: ${shorten(JSON.stringify(flat[i]) ?? 'nothing', 60)} is no ${datatype}`,
      datatype.endsWith('64') && range !== null
        ? 'Send whole numbers within its range; beyond 2^53 as texts, or as bytes.'
        : 'Send what the datatype says.',
    )
  if (make === null)
    return flat.map((value, i) => {
      if (typeof value !== 'string') throw wrong(i)
      return value
    })
  const data = make(new ArrayBuffer(flat.length * size)) as Float64Array
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array
  const [least, most] = range === null || wide ? [0, 0] : [Number(range[0]), Number(range[1])]
  for (let i = 0; i < flat.length; i++) {
    const value = flat[i]
    if (datatype === 'BOOL') {
      if (typeof value !== 'boolean' && value !== 0 && value !== 1) throw wrong(i)
      data[i] = Number(value)
    } else if (range === null) {
      const float = floatOf(value)
      if (float === null) throw wrong(i)
      data[i] = float
    } else if (wide) {
      const whole = wholeOf(value)
      if (whole === null || whole < range[0] || whole > range[1]) throw wrong(i)
      ;(data as unknown as { [at: number]: bigint })[i] = whole
    } else {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) throw wrong(i)
      data[i] = value
    }
  }
  return data
}

/** What is missing has no other form in JSON than null; infinities come as texts, and integers that are too long for a number. */
function floatOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  if (value === null) return Number.NaN
  return typeof value === 'string' && /^(-?Infinity|NaN|-?\d{16,100})$/.test(value) ? Number(value) : null
}

function wholeOf(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : null
}

/** The elements as JSON text, flat. A float that is no number is null, and an infinite one a text; 64-bit integers are written whole. */
export function toJsonText({ type, data }: Tensor): string {
  if (!ArrayBuffer.isView(data)) return JSON.stringify(data)
  let text = '['
  for (let i = 0; i < data.length; i++) {
    const value = (data as Float64Array)[i]!
    text += i === 0 ? '' : ','
    text +=
      type === 'bool'
        ? value === 0
          ? 'false'
          : 'true'
        : typeof value === 'bigint' || Number.isFinite(value)
          ? value
          : Number.isNaN(value)
            ? 'null'
            : `"${value}"`
  }
  return `${text}]`
}
