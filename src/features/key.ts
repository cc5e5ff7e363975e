/**
 * Keys of the online store. An entity's key is its parts in the order of their names, each with its length or of fixed size, so
 * that no two entities share one: ('1', '23') is not ('12', '3').
 */
import { createHash } from 'node:crypto'
import { highOf, lowOf } from '../aggregation/order.ts'
import type { KeyFields, KeyType } from '../definition/entity.ts'
import type { Value } from '../expression/node.ts'
import type { Int64 } from '../kernel/int64.ts'
import { limits } from '../kernel/limits.ts'

/** The first byte of a key says what it leads to. */
export const space = { state: 0x10, ids: 0x20, outcomes: 0x30, position: 0x40, view: 0x50 } as const
export type Space = (typeof space)[keyof typeof space]

/** Under which all keys of a space and an owner (a view's hash, a source's name) stand. */
export function prefixOf(kind: Space, owner: string): Buffer {
  return Buffer.concat([Buffer.from([kind]), createHash('sha256').update(owner).digest().subarray(0, 8)])
}

export type KeyEncoder = (parts: readonly Value[]) => Uint8Array

/** `parts` are the values in the order of the parts' names. Beyond the limit, the tail is replaced by its hash. */
export function keyEncoder(prefix: Uint8Array, key: KeyFields): KeyEncoder {
  const types = Object.keys(key)
    .sort()
    .map((part) => key[part]!)
  const fixed = types.reduce((bytes, type) => bytes + sizeOf(type), prefix.length)
  return (parts) => {
    let length = fixed
    for (let i = 0; i < types.length; i++) if (types[i] === 'string') length += Buffer.byteLength(parts[i] as string)
    const bytes = Buffer.allocUnsafe(length)
    bytes.set(prefix, 0)
    let at = prefix.length
    for (let i = 0; i < types.length; i++) at = write(bytes, at, types[i]!, parts[i]!)
    return length <= limits.keyBytes ? bytes : shortened(bytes)
  }
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
  bytes.writeUInt32BE((highOf(value as Int64) ^ 0x80000000) >>> 0, at)
  return bytes.writeUInt32BE(lowOf(value as Int64), at + 4)
}

function shortened(bytes: Buffer): Uint8Array {
  const kept = limits.keyBytes - 32
  return Buffer.concat([bytes.subarray(0, kept), createHash('sha256').update(bytes.subarray(kept)).digest()])
}
