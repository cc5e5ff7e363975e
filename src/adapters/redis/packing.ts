/**
 * What the script needs to know of each key, in two arguments: what it must have, and what becomes of it. One long argument costs
 * the client a fraction of what many short ones do. Both are copies: `change` may do what it likes with the values it was given,
 * and its caller with those that it returned.
 *
 * A byte says what follows; lengths are four bytes, the lowest first.
 */
import { createHash } from 'node:crypto'

/** Of a key that was read: nothing follows; its length and bytes; the SHA-1 of its bytes in hexadecimal. */
const [absent, present, digested] = [0, 1, 2] as const
/** Of a key to be changed: nothing follows, or nothing, or its length and bytes. */
const [left, removed, set] = [0, 1, 2] as const

/** A value of this many bytes is compared by its digest, which takes less time than sending it. */
const longFrom = 1024
const digestLength = 40

export function packRead(values: readonly (Uint8Array | null)[]): Buffer {
  let length = 0
  for (const value of values)
    length += value === null ? 1 : value.length < longFrom ? 5 + value.length : 1 + digestLength
  const packed = Buffer.allocUnsafe(length)
  let at = 0
  for (const value of values)
    if (value === null) packed[at++] = absent
    else if (value.length < longFrom) at = putBytes(packed, at, present, value)
    else {
      packed[at++] = digested
      at += packed.write(createHash('sha1').update(value).digest('hex'), at, 'latin1')
    }
  return packed
}

/** For as many keys as were read. Null if nothing changes. */
export function packChanges(keys: number, changed: readonly (Uint8Array | null | undefined)[]): Buffer | null {
  let length = keys
  let changes = false
  for (let i = 0; i < keys; i++) {
    const value = changed[i]
    if (value) length += 4 + value.length
    if (value !== undefined) changes = true
  }
  if (!changes) return null
  const packed = Buffer.allocUnsafe(length)
  let at = 0
  for (let i = 0; i < keys; i++) {
    const value = changed[i]
    if (value) at = putBytes(packed, at, set, value)
    else packed[at++] = value === null ? removed : left
  }
  return packed
}

function putBytes(packed: Buffer, at: number, what: number, bytes: Uint8Array): number {
  packed[at] = what
  packed.writeUInt32LE(bytes.length, at + 1)
  packed.set(bytes, at + 5)
  return at + 5 + bytes.length
}
