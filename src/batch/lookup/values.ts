/** What a row of a batch says, as few bytes: each value says what it is, so that no definition is needed to read it again. */
import type { Value } from '../../expression/node.ts'

/** Nothing, a number, a text, a list of numbers. */
const [none, number, text, list] = [0, 1, 2, 3] as const
const eight = new Float64Array(1)
const bytesOfEight = new Uint8Array(eight.buffer)

export function encodeValues(values: readonly Value[]): Uint8Array {
  let length = 0
  for (const value of values)
    if (value === null) length += 1
    else if (typeof value === 'string') length += 5 + Buffer.byteLength(value)
    else length += Array.isArray(value) ? 5 + value.length * 8 : 9
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const value of values) at = write(bytes, at, value)
  return bytes
}

function write(bytes: Buffer, at: number, value: Value): number {
  if (value === null) return bytes.writeUInt8(none, at)
  if (typeof value === 'string') {
    const written = bytes.write(value, at + 5)
    bytes[at] = text
    bytes.writeUInt32LE(written, at + 1)
    return at + 5 + written
  }
  if (Array.isArray(value)) {
    bytes[at] = list
    bytes.writeUInt32LE(value.length, at + 1)
    let next = at + 5
    for (const one of value) next = bytes.writeDoubleLE(Number(one), next)
    return next
  }
  bytes[at] = number
  return bytes.writeDoubleLE(Number(value), at + 1)
}

export function decodeValues(bytes: Uint8Array): readonly Value[] {
  const values: Value[] = []
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at++]
    if (kind === none) values.push(null)
    else if (kind === number) {
      values.push(doubleAt(bytes, at))
      at += 8
    } else {
      const count = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      at += 4
      if (kind === text) {
        values.push(Buffer.from(bytes.buffer, bytes.byteOffset + at, count).toString('utf8'))
        at += count
      } else {
        values.push(Array.from({ length: count }, (_, i) => doubleAt(bytes, at + i * 8)))
        at += count * 8
      }
    }
  }
  return values
}

/** Wherever it lies: numbers are written as this machine's kind of processor has them. */
function doubleAt(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) bytesOfEight[i] = bytes[at + i]!
  return eight[0]!
}
