/**
 * Keys of the online store. An entity's key is its parts in the order of their names, each with its length or of fixed size, so
 * that no two entities share one: ('1', '23') is not ('12', '3').
 */
import { createHash } from 'node:crypto'
import { highOf, lowOf } from '../aggregation/order.ts'
import type { KeyFields, KeyType } from '../definition/entity.ts'
import type { Value } from '../expression/node.ts'
import type { Int64 } from '../kernel/int64.ts'
import { bounds } from '../kernel/limits.ts'

/** The first byte of a key says what it leads to. */
export const space = {
  state: 0x10,
  ids: 0x20,
  outcomes: 0x30,
  position: 0x40,
  view: 0x50,
  servers: 0x60,
  belonging: 0x70,
  rollbacks: 0x80,
  batches: 0x90,
} as const
export type Space = (typeof space)[keyof typeof space]

/** Under which all keys of a space and an owner (a view's hash, a source's name) stand. */
export function prefixOf(kind: Space, owner: string): Uint8Array {
  return Buffer.concat([Buffer.from([kind]), createHash('sha256').update(owner).digest().subarray(0, 8)])
}

export type KeyEncoder = (parts: readonly Value[]) => Uint8Array

/** `parts` are the values in the order of the parts' names. Beyond the limit, the tail is replaced by its hash. */
export function keyEncoder(prefix: Uint8Array, key: KeyFields): KeyEncoder {
  const types = typesOf(key)
  return (parts) => {
    let length = prefix.length
    for (let i = 0; i < types.length; i++)
      length += sizeOf(types[i]!) + (types[i] === 'string' ? Buffer.byteLength(parts[i] as string) : 0)
    const bytes = Buffer.allocUnsafe(length)
    bytes.set(prefix, 0)
    let at = prefix.length
    for (let i = 0; i < types.length; i++) at = write(bytes, at, types[i]!, parts[i]!)
    return length <= bounds.keyBytes ? bytes : shortened(bytes)
  }
}

/**
 * The same keys, written again and again into memory of its own: for reads, which need a key no longer than the call.
 * `places` say where in a row of values the parts stand.
 */
export function reusedKeyEncoder(prefix: Uint8Array, key: KeyFields, places: readonly number[]): KeyEncoder {
  const types = typesOf(key)
  const encode = keyEncoder(prefix, key)
  const memory = Buffer.alloc(bounds.keyBytes)
  memory.set(prefix, 0)
  const ofLength = new Array<Uint8Array | null>(bounds.keyBytes + 1).fill(null)
  return (row) => {
    let at = prefix.length
    for (let i = 0; i < types.length; i++) {
      const type = types[i]!
      const value = row[places[i]!]!
      const room = memory.length - at - sizeOf(type)
      // A character is at most three bytes, and a short one is written faster here than by a call out of the engine.
      if (room < 0 || (type === 'string' && (value as string).length * 3 > room))
        return encode(places.map((place) => row[place]!))
      at = type === 'string' ? writeText(memory, at, value as string) : write(memory, at, type, value)
    }
    const known = ofLength[at]
    if (known != null) return known
    const view = memory.subarray(0, at)
    ofLength[at] = view
    return view
  }
}

const typesOf = (key: KeyFields): readonly KeyType[] =>
  Object.keys(key)
    .sort()
    .map((part) => key[part]!)

function writeText(bytes: Buffer, at: number, text: string): number {
  const { length } = text
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) return write(bytes, at, 'string', text)
    bytes[at + 2 + i] = code
  }
  bytes[at] = length >>> 8
  bytes[at + 1] = length & 255
  return at + 2 + length
}

/** Strings have their length before them. */
const sizeOf = (type: KeyType): number => (type === 'boolean' ? 1 : type === 'string' ? 2 : 8)

function write(bytes: Buffer, at: number, type: KeyType, value: Value): number {
  if (type === 'string') {
    const written = bytes.write(value as string, at + 2)
    bytes.writeUInt16BE(written, at)
    return at + 2 + written
  }
  if (type === 'boolean') return bytes.writeUInt8(value ? 1 : 0, at)
  // The sign bit flipped, so that negative integers come first.
  writeWord(bytes, at, highOf(value as Int64) ^ 0x80000000)
  writeWord(bytes, at + 4, lowOf(value as Int64) | 0)
  return at + 8
}

function writeWord(bytes: Buffer, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}

function shortened(bytes: Buffer): Uint8Array {
  const kept = bounds.keyBytes - 32
  return Buffer.concat([bytes.subarray(0, kept), createHash('sha256').update(bytes.subarray(kept)).digest()])
}
