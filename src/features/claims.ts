/**
 * Ids of events, for sources that name one: the first event with an id claims it, and later ones are dropped for as long as the
 * source remembers. A claim says who made it, so that an entry of the log which is applied again finds its own.
 */

import { shapesOf } from '../definition/field.ts'
import type { Source } from '../definition/source.ts'
import type { Value } from '../expression/node.ts'
import { durationMs } from '../kernel/duration.ts'
import { keyEncoder, prefixOf, space } from './key.ts'

export interface Claim {
  /** When it was made. */
  readonly at: number
  /** Where in the log: the lane, and the position there, which is -1 for an event of history. */
  readonly lane: number
  readonly position: number
  readonly row: number
}

export interface Claims {
  readonly field: number
  readonly rememberMs: number
  keyOf(id: Value): Uint8Array
}

/** Null for a source without ids. */
export function claimsOf(source: Source): Claims | null {
  if (source.id === null) return null
  const shapes = shapesOf(source.fields)
  const field = shapes.findIndex(({ name }) => name === source.id)
  const encode = keyEncoder(prefixOf(space.ids, source.name), { id: shapes[field]!.type as 'string' | 'int64' })
  return { field, rememberMs: durationMs(source.remember), keyOf: (id) => encode([id]) }
}

/** Whether `held` leaves the id to the event at `own`. */
export function mayClaim(held: Claim | null, own: Claim, rememberMs: number): boolean {
  if (held === null || own.at - held.at > rememberMs) return true
  // One made after the event's own had been forgotten, while the event is applied again. Lanes have no order between them but time.
  if (held.lane !== own.lane) return held.at - own.at > rememberMs
  return held.position > own.position || (held.position === own.position && held.row >= own.row)
}

/** Whether `own`, which may claim the id, is to stand in place of `held`. */
export const replaces = (held: Claim | null, own: Claim): boolean =>
  held === null || (held.lane === own.lane ? held.position <= own.position : held.at <= own.at)

export function encodeClaim({ at, lane, position, row }: Claim): Uint8Array {
  const bytes = Buffer.allocUnsafe(28)
  bytes.writeDoubleLE(at, 0)
  bytes.writeDoubleLE(position, 8)
  bytes.writeDoubleLE(row, 16)
  bytes.writeUInt32LE(lane, 24)
  return bytes
}

export function decodeClaim(bytes: Uint8Array): Claim {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    at: view.getFloat64(0, true),
    position: view.getFloat64(8, true),
    row: view.getFloat64(16, true),
    // Claims of the time when a log had one partition lack it.
    lane: bytes.length < 28 ? 0 : view.getUint32(24, true),
  }
}
