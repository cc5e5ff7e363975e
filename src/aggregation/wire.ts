/**
 * The bytes of a record. Numbers first, as little-endian float64 in the order in which state holds them, so that a reader uses
 * them where they lie; then the rich values, each with a tag. The layout follows from the plan alone, so a record is found
 * under its plan's hash and never read with another.
 */
import type { Value } from '../expression/node.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { Rich } from './accumulator.ts'

const tags = { none: 0, text: 1, bytes: 2, numbers: 3, counts: 4 } as const
const kinds = { false: 0, true: 1, number: 2, bigint: 3, text: 4 } as const

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Grows as it is written to. Positions are bytes. */
export class ByteWriter {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  length = 0

  #reserve(count: number): number {
    const at = this.length
    if (at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + count))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.length = at + count
    return at
  }
  reset(): void {
    this.length = 0
  }
  byte(value: number): void {
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }
  word(value: number): void {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value, true)
  }
  float(value: number): void {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value, true)
  }
  floats(values: Float64Array): void {
    const at = this.#reserve(values.length * 8)
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
  }
  bytes(value: Uint8Array): void {
    this.word(value.length)
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
  }
  text(value: string): void {
    // Three bytes are the most that a UTF-16 unit can need.
    const start = this.#reserve(4 + value.length * 3)
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(start + 4))
    this.#view.setUint32(start, written, true)
    this.length = start + 4 + written
  }
  /** A copy of what was written. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }
  byte(): number {
    return this.#bytes[this.#advance(1)]!
  }
  word(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }
  float(): number {
    return this.#view.getFloat64(this.#advance(8), true)
  }
  bytes(): Uint8Array {
    const length = this.word()
    const start = this.#advance(length)
    return this.#bytes.slice(start, start + length)
  }
  text(): string {
    const length = this.word()
    const start = this.#advance(length)
    return decoder.decode(this.#bytes.subarray(start, start + length))
  }
  #advance(count: number): number {
    const start = this.at
    this.at = start + count
    if (this.at > this.#bytes.length) throw corrupt('it ends too early')
    return start
  }
}

export function writeRich(to: ByteWriter, value: Rich): void {
  if (value === null) to.byte(tags.none)
  else if (typeof value === 'string') {
    to.byte(tags.text)
    to.text(value)
  } else if (value instanceof Uint8Array) {
    to.byte(tags.bytes)
    to.bytes(value)
  } else if (value instanceof Map) {
    to.byte(tags.counts)
    to.word(value.size)
    for (const [member, times] of value as ReadonlyMap<Value, number>) {
      writeValue(to, member)
      to.float(times)
    }
  } else {
    const numbers = value as readonly number[]
    to.byte(tags.numbers)
    to.word(numbers.length)
    for (const number of numbers) to.float(number)
  }
}

export function readRich(from: ByteReader): Rich {
  const tag = from.byte()
  switch (tag) {
    case tags.none:
      return null
    case tags.text:
      return from.text()
    case tags.bytes:
      return from.bytes()
    case tags.numbers:
      return Array.from({ length: from.word() }, () => from.float())
    case tags.counts:
      return new Map(Array.from({ length: from.word() }, () => [readValue(from), from.float()] as const))
    default:
      throw corrupt(`it has an unknown tag ${tag}`)
  }
}

function writeValue(to: ByteWriter, value: Value): void {
  if (typeof value === 'boolean') to.byte(value ? kinds.true : kinds.false)
  else if (typeof value === 'number') {
    to.byte(kinds.number)
    to.float(value)
  } else {
    to.byte(typeof value === 'bigint' ? kinds.bigint : kinds.text)
    to.text(String(value))
  }
}

function readValue(from: ByteReader): Value {
  const kind = from.byte()
  switch (kind) {
    case kinds.false:
    case kinds.true:
      return kind === kinds.true
    case kinds.number:
      return from.float()
    case kinds.bigint:
      return BigInt(from.text())
    case kinds.text:
      return from.text()
    default:
      throw corrupt(`it has an unknown kind ${kind}`)
  }
}

export const corrupt = (why: string): SixfoldError =>
  new SixfoldError('SX_STORE_CORRUPT', `A record of the online store cannot be decoded: ${why}.`)
