/**
 * The total order of events: time, arrival, sequence, then the values of all fields in the order declared. Missing comes first,
 * false before true, numbers by value, strings by their UTF-8 bytes. Events that still tie are identical.
 */
import type { FieldType } from '../definition/field.ts'
import type { Value } from '../expression/node.ts'
import type { Int64 } from '../kernel/int64.ts'

/** An event ready to be aggregated. */
export interface Event {
  readonly time: number
  /** The first instant at which it counts: `visibleFrom`. */
  readonly visible: number
  /** 0 where the source has no arrival column. */
  readonly arrival: number
  readonly sequence: Int64 | null
  /** The values of all fields, to break ties; null where the source has a sequence. */
  readonly row: RowBytes | null
  /** The values of the plan's arguments. */
  readonly args: readonly Value[]
}

/** An int64 as two floats, high and low 32 bits: ordered as the integer is, exact beyond 2^53. Missing: -Infinity. */
export const highOf = (value: Int64 | null): number =>
  value === null
    ? Number.NEGATIVE_INFINITY
    : typeof value === 'number'
      ? Math.floor(value / 4294967296)
      : Number(value >> 32n)
export const lowOf = (value: Int64 | null): number =>
  value === null
    ? 0
    : typeof value === 'number'
      ? value - Math.floor(value / 4294967296) * 4294967296
      : Number(value & 0xffffffffn)
export function fromHighLow(high: number, low: number): Int64 {
  const value = high * 4294967296 + low
  return value >= -9007199254740991 && value <= 9007199254740991 ? value : (BigInt(high) << 32n) | BigInt(low)
}

/**
 * A row as bytes that compare as the rows do. Most events never meet another of their millisecond, and most are followed by a newer
 * one before anything is stored: so the bytes are made when they are first asked for.
 */
export class RowBytes {
  #bytes: Uint8Array | null = null
  readonly #values: readonly Value[]
  readonly #types: readonly FieldType[]

  constructor(values: readonly Value[], types: readonly FieldType[], bytes: Uint8Array | null = null) {
    this.#values = values
    this.#types = types
    this.#bytes = bytes
  }
  /** As they were stored. */
  static from(bytes: Uint8Array): RowBytes {
    return new RowBytes([], [], bytes)
  }
  get bytes(): Uint8Array {
    this.#bytes ??= rowBytes(this.#values, this.#types)
    return this.#bytes
  }
}

function rowBytes(values: readonly Value[], types: readonly FieldType[]): Uint8Array {
  let length = 0
  const texts: (Uint8Array | null)[] = []
  for (let i = 0; i < types.length; i++) {
    const value = values[i]!
    const text = types[i] === 'string' && value !== null ? encoder.encode(value as string) : null
    texts.push(text)
    length +=
      1 + (value === null ? 0 : types[i] === 'string' ? escapedLength(text!) + 2 : types[i] === 'boolean' ? 1 : 8)
  }
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (let i = 0; i < types.length; i++) {
    const value = values[i]!
    bytes[at++] = value === null ? 0 : 1
    if (value === null) continue
    switch (types[i]!) {
      case 'boolean':
        bytes[at++] = value ? 1 : 0
        break
      case 'string':
        at = writeEscaped(bytes, at, texts[i]!)
        break
      case 'float64':
        writeFloat(view, at, value as number)
        at += 8
        break
      default:
        // The sign bit flipped, so that negative integers come first.
        view.setInt32(at, (highOf(value as Int64) ^ 0x80000000) | 0)
        view.setUint32(at + 4, lowOf(value as Int64))
        at += 8
    }
  }
  return bytes
}

const encoder = new TextEncoder()

/** 0 becomes 0 255 and the end is 0 0, so that a prefix comes before what it is a prefix of. */
function escapedLength(text: Uint8Array): number {
  let length = text.length
  for (const byte of text) if (byte === 0) length++
  return length
}
function writeEscaped(bytes: Uint8Array, start: number, text: Uint8Array): number {
  let at = start
  for (const byte of text) {
    bytes[at++] = byte
    if (byte === 0) bytes[at++] = 255
  }
  return at + 2
}

/** IEEE 754 bits order as the floats do once the sign is flipped, and all other bits of negative ones. */
function writeFloat(view: DataView, at: number, value: number): void {
  view.setFloat64(at, value)
  const high = view.getUint32(at)
  const low = view.getUint32(at + 4)
  if (high >= 0x80000000) {
    view.setUint32(at, ~high)
    view.setUint32(at + 4, ~low)
  } else view.setUint32(at, high | 0x80000000)
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
