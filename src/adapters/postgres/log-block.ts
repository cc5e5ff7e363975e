/** Entries as bytes, one after another, each behind its length. */
import { SixfoldError } from '../../kernel/errors.ts'

const headerBytes = 4

export function pack(entries: readonly Uint8Array[]): Buffer {
  const block = Buffer.allocUnsafe(entries.reduce((sum, { length }) => sum + headerBytes + length, 0))
  let at = 0
  for (const entry of entries) {
    block.writeUInt32LE(entry.length, at)
    block.set(entry, at + headerBytes)
    at += headerBytes + entry.length
  }
  return block
}

/** The entries from one to another, each over the block's own bytes. */
export function unpack(block: Buffer, from: number, to: number, topic: string): readonly Uint8Array[] {
  const entries: Uint8Array[] = []
  let at = 0
  for (let index = 0; index < to && at < block.length; index += 1) {
    const start = at + headerBytes
    const end = start <= block.length ? start + block.readUInt32LE(at) : Number.POSITIVE_INFINITY
    if (end > block.length)
      throw new SixfoldError('SX_STORE_CORRUPT', `A batch of the log '${topic}' is damaged at byte ${at}.`, {
        fix: 'Restore the database from a copy.',
      })
    if (index >= from) entries.push(block.subarray(start, end))
    at = end
  }
  return entries
}
