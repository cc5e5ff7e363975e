/** Bytes, little-endian, written one value after another and read back in the same order. */
import { SixfoldError } from './errors.ts'

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
    let written = 0
    if (value.length <= 32) {
      // Short ASCII, which most strings are, costs less byte by byte than a call of the encoder.
      while (written < value.length) {
        const unit = value.charCodeAt(written)
        if (unit > 127) break
        this.#bytes[start + 4 + written++] = unit
      }
    }
    if (written < value.length) written = encoder.encodeInto(value, this.#bytes.subarray(start + 4)).written
    this.#view.setUint32(start, written, true)
    this.length = start + 4 + written
  }
  /** What was written, where it lies: until the next reset. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
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

export const corrupt = (why: string): SixfoldError =>
  new SixfoldError('SX_STORE_CORRUPT', `A record of the online store cannot be decoded: ${why}.`)
