/**
 * A segment: entries one after another, each as its length, the CRC-32 of its bytes, and the bytes. A crash can leave the last
 * entry torn; the checksum shows it, and it is cut off when the segment is next opened for writing.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { SixfoldError } from '../../kernel/errors.ts'

export const headerBytes = 8

export interface Segment {
  readonly path: string
  /** The position of its first entry in the topic. */
  readonly base: number
  /** Where each entry begins; one more, for the end. */
  readonly offsets: number[]
}

export const segmentName = (base: number): string => `${String(base).padStart(20, '0')}.log`
export const baseOf = (name: string): number => Number(name.slice(0, 20))

/** Reads through a segment. With `repair`, what follows the last whole entry is cut off. */
export function openSegment(path: string, base: number, repair: boolean): Segment {
  const file = openSync(path, repair ? 'r+' : 'r')
  try {
    const { size } = fstatSync(file)
    const offsets = [0]
    const chunk = Buffer.allocUnsafe(1 << 20)
    let entry = Buffer.alloc(0)
    let at = 0
    // A window of the file is kept in `entry`; it grows only for an entry larger than a chunk.
    for (let read = 0; read < size; ) {
      const count = readSync(file, chunk, 0, chunk.length, read)
      if (count === 0) break
      read += count
      entry = Buffer.concat([entry, chunk.subarray(0, count)])
      let used = 0
      for (;;) {
        const length = wholeEntry(entry, used)
        if (length === null) break
        used += length
        at += length
        offsets.push(at)
      }
      entry = entry.subarray(used)
    }
    if (at < size && repair) ftruncateSync(file, at)
    return { path, base, offsets }
  } finally {
    closeSync(file)
  }
}

/** Bytes of the whole, undamaged entry that begins there; null if there is none. */
function wholeEntry(bytes: Buffer, at: number): number | null {
  if (at + headerBytes > bytes.length) return null
  const length = bytes.readUInt32LE(at)
  const end = at + headerBytes + length
  if (end > bytes.length || crc32(bytes.subarray(at + headerBytes, end)) !== bytes.readUInt32LE(at + 4)) return null
  return end - at
}

/** Entries `first` to `last` (not included), counted within the segment. */
export function readEntries({ path, offsets }: Segment, first: number, last: number): readonly Uint8Array[] {
  const start = offsets[first]!
  const bytes = Buffer.allocUnsafe(offsets[last]! - start)
  const file = openSync(path, 'r')
  try {
    for (let read = 0; read < bytes.length; ) {
      const count = readSync(file, bytes, read, bytes.length - read, start + read)
      if (count === 0) break
      read += count
    }
  } finally {
    closeSync(file)
  }
  return Array.from({ length: last - first }, (_, i) => {
    const at = offsets[first + i]! - start
    if (wholeEntry(bytes, at) === null)
      throw new SixfoldError('SX_STORE_CORRUPT', `The log segment '${path}' is damaged at byte ${start + at}.`, {
        fix: 'Restore the file from a backup; entries before and after are whole.',
      })
    return bytes.subarray(at + headerBytes, offsets[first + i + 1]! - start)
  })
}
