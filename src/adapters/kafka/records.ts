/**
 * Fetching: the question is the library's, the answer is read here, so that the answer for one partition does not hide those for
 * others, and a batch whose checksum is wrong is found before anything of it is given out.
 */
import type { API, Reader } from '@platformatic/kafka'
import {
  compressionsAlgorithmsByBitmask,
  crc32c,
  createAPI,
  fetchV12,
  IS_COMPRESSED,
  IS_CONTROL,
  Reader as ReaderOf,
  readRecord,
} from '@platformatic/kafka'
import { SixfoldError } from '../../kernel/errors.ts'

interface Fetched {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** The position after the last record that may be read. */
  readonly end: number
  readonly bytes: Buffer | null
}

export const fetchApi: API<fetchV12.FetchRequest, readonly Fetched[]> = createAPI(
  1,
  12,
  fetchV12.createRequest,
  (_, __, ___, reader): readonly Fetched[] => {
    reader.readInt32() // How long it was throttled.
    const errorCode = reader.readInt16()
    if (errorCode !== 0) throw new Error(`a fetch was refused (Kafka error ${errorCode})`)
    reader.readInt32() // The session: none.
    return reader
      .readArray((topics: Reader) => {
        const topic = topics.readString()
        return topics.readArray((partitions: Reader) => partitionOf(topic, partitions))
      })
      .flat()
  },
)

function partitionOf(topic: string, reader: Reader): Fetched {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const end = Number(reader.readInt64())
  reader.readInt64() // The last stable position.
  reader.readInt64() // Where the log begins.
  reader.readArray((aborted: Reader) => [aborted.readInt64(), aborted.readInt64()])
  reader.readInt32() // The replica to prefer.
  return { topic, partition, errorCode, end, bytes: reader.readNullableBytes() }
}

export interface StoredRecord {
  readonly position: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer
}

const prefixBytes = 12
const crcAt = 17
const checkedFrom = 21
const recordsFrom = 61

/** The records from a position on, and the position after the last batch, which may hold none. */
export function recordsIn(bytes: Buffer, from: number): { records: StoredRecord[]; next: number } {
  const records: StoredRecord[] = []
  let next = from
  for (let at = 0; at + recordsFrom <= bytes.length; ) {
    const length = prefixBytes + bytes.readInt32BE(at + 8)
    if (at + length > bytes.length) break // The rest comes with the next fetch.
    const batch = bytes.subarray(at, at + length)
    at += length
    const base = Number(batch.readBigInt64BE(0))
    next = base + batch.readInt32BE(23) + 1
    if (next <= from) continue
    if (batch[16] !== 2 || crc32c(batch.subarray(checkedFrom)) !== batch.readUInt32BE(crcAt))
      throw new SixfoldError('SX_STORE_CORRUPT', `The records of a Kafka topic at offset ${base} are damaged.`, {
        fix: 'Restore the topic from a replica or a backup.',
      })
    const attributes = batch.readInt16BE(21)
    if ((attributes & IS_CONTROL) !== 0) continue
    const began = Number(batch.readBigInt64BE(27))
    const reader = ReaderOf.from(expanded(batch.subarray(recordsFrom), attributes & IS_COMPRESSED))
    for (let left = batch.readInt32BE(57); left > 0; left -= 1) {
      const { offsetDelta, timestampDelta, key, value } = readRecord(reader)
      const position = base + offsetDelta
      if (position >= from)
        records.push({ position, timestamp: began + Number(timestampDelta), key, value: value ?? nothing })
    }
  }
  return { records, next }
}

const nothing = Buffer.alloc(0)

function expanded(bytes: Buffer, compression: number): Buffer {
  if (compression === 0) return bytes
  const algorithm = compressionsAlgorithmsByBitmask[compression]
  if (algorithm === undefined) throw new SixfoldError('SX_STORE_CORRUPT', `Compression ${compression} is not known.`)
  return algorithm.decompressSync(bytes)
}
