/**
 * How far the records of a view have taken events of the log in: for each of its generations and each lane of the log, the first
 * position that is not part of them. A lane is a partition of a topic that the source's events come by. Each position stands under
 * a key of its own and changes with the records, in one update: so lanes do not wait for each other.
 */
import { prefixOf, space } from './key.ts'

/** Under which the positions of a generation stand. */
export const positionsPrefix = (hash: string, generation: number): Uint8Array =>
  prefixOf(space.position, `${hash} ${generation}`)

export function positionKey(hash: string, generation: number, lane: number): Uint8Array {
  const prefix = positionsPrefix(hash, generation)
  const key = Buffer.allocUnsafe(prefix.length + 4)
  key.set(prefix, 0)
  key.writeUInt32BE(lane, prefix.length)
  return key
}

export function encodePosition(position: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleLE(position, 0)
  return bytes
}

export const decodePosition = (bytes: Uint8Array | null): number =>
  bytes === null ? 0 : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(0, true)
