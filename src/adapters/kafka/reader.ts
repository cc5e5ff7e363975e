/**
 * Reading partitions at positions, without a group. What a fetch brought beyond what was asked for is kept for the next read of the
 * partition, which mostly goes on where the last one ended.
 */
import { ListOffsetTimestamps, listOffsetsV7 } from '@platformatic/kafka'
import type { Entry } from '../../ports/event-log.ts'
import type { Cluster } from './cluster.ts'
import { codes, Refused } from './errors.ts'
import type { StoredRecord } from './records.ts'
import { fetchApi, recordsIn } from './records.ts'
import { parseReference } from './reference.ts'
import type { Topics } from './topics.ts'

interface Chunk {
  /** Covers the positions from here up to `next`. */
  readonly from: number
  readonly next: number
  /** Where the partition ended then. */
  readonly end: number
  readonly records: readonly StoredRecord[]
  readonly bytes: number
}

/** What a fetch brings: much where reading goes on, little where one entry is sought. */
const onwards = { use: 'read', bytes: 512 * 1024 } as const
const seeking = { use: 'lookup', bytes: 64 * 1024 } as const
type Use = typeof onwards | typeof seeking
const readBytes = 16 * 1024 * 1024
const keptBytes = 32 * 1024 * 1024
/** A record lies no further behind its time than an append may wait, and clocks of servers differ. */
const clocksMs = 60_000
/** For references that were never given: those of a real writer are settled by its next append. */
const mostScanned = 200_000

export class PartitionReader {
  readonly #cluster: Cluster
  readonly #topics: Topics
  /** Those read longest ago first. */
  readonly #kept = new Map<string, Chunk>()
  #bytes = 0

  constructor(cluster: Cluster, topics: Topics) {
    this.#cluster = cluster
    this.#topics = topics
  }

  async read(topic: string, partition: number, from: number, limit: number): Promise<readonly Entry[]> {
    const entries: Entry[] = []
    let bytes = 0
    for (let at = from; ; ) {
      const chunk = await this.#chunk(topic, partition, at, onwards)
      if (chunk === null) return entries
      for (let index = firstFrom(chunk.records, at); index < chunk.records.length; index += 1) {
        if (entries.length === limit || bytes >= readBytes) return entries
        const { position, value, timestamp } = chunk.records[index]!
        entries.push({ position, bytes: value, at: timestamp })
        bytes += value.length
      }
      if (chunk.next <= at || chunk.next >= chunk.end || entries.length === limit) return entries
      at = chunk.next
    }
  }

  /** What covers the position; null at the end. */
  async #chunk(topic: string, partition: number, at: number, use: Use): Promise<Chunk | null> {
    const key = `${topic}/${partition}/${use.use}`
    const kept = this.#kept.get(key)
    if (kept !== undefined && kept.from <= at && at < kept.next) return kept
    const chunk = await this.#cluster.persist(`topic '${topic}' could not be read`, () =>
      this.#fetch(topic, partition, at, use.bytes),
    )
    this.#forget(key)
    if (chunk === null) return null
    this.#kept.set(key, chunk)
    this.#bytes += chunk.bytes
    for (const old of this.#kept.keys()) {
      if (this.#bytes <= keptBytes) break
      this.#forget(old)
    }
    return chunk
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0
    this.#kept.delete(key)
  }

  async #fetch(topic: string, partition: number, at: number, size: number): Promise<Chunk | null> {
    const count = await this.#topics.count(topic)
    if (count === null || partition >= count) return null
    const name = this.#topics.nameOf(topic)
    const leader = await this.#cluster.leaderOf(name, partition)
    const [answer] = await this.#cluster.ask(leader, 'read', fetchApi, fetchOf([{ name, partition, at }], 0, size))
    if (answer === undefined) throw new Error('a fetch was not answered')
    const { errorCode, end, bytes } = answer
    if (errorCode === codes.offsetOutOfRange) {
      // Before what retention has left, or after the end.
      const [start] = await this.offsets(topic, ListOffsetTimestamps.EARLIEST, [partition])
      return start !== undefined && at < start ? { from: at, next: start, end: Infinity, records: [], bytes: 0 } : null
    }
    if (errorCode !== 0) throw new Refused(errorCode, `reading topic '${name}'`)
    if (bytes === null) return null
    const { records, next } = recordsIn(bytes, at)
    if (next <= at) return null
    return { from: at, next, end, records, bytes: records.reduce((sum, { value }) => sum + value.length, 0) }
  }

  /** For partitions of a topic, or for all, a position: by a time, the first one of that time or later; -1 where there is none. */
  async offsets(topic: string, timestamp: bigint, partitions?: readonly number[]): Promise<readonly number[]> {
    const count = await this.#topics.count(topic)
    if (count === null) return []
    const name = this.#topics.nameOf(topic)
    const wanted = partitions ?? Array.from({ length: count }, (_, partition) => partition)
    const byLeader = new Map<number, number[]>()
    for (const partition of wanted) {
      const leader = await this.#cluster.leaderOf(name, partition)
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
    }
    const found = new Map<number, number>()
    await Promise.all(
      [...byLeader].map(async ([leader, own]) => {
        const asked = own.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }))
        const answer = await this.#cluster.ask(leader, 'read', listOffsetsV7.api, [
          -1,
          0,
          [{ name, partitions: asked }],
        ])
        for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? []) {
          if (errorCode !== 0) throw new Refused(errorCode, `the positions of topic '${name}'`)
          found.set(partitionIndex, Number(offset))
        }
      }),
    )
    return wanted.map((partition) => found.get(partition) ?? -1)
  }

  async ends(topic: string): Promise<readonly number[]> {
    return await this.#cluster.persist(`the ends of topic '${topic}' could not be read`, async () =>
      this.offsets(topic, ListOffsetTimestamps.LATEST),
    )
  }

  async lookup(topic: string, text: string): Promise<Entry | null> {
    const reference = parseReference(text)
    if (reference === null) return null
    const { partition, timestamp, writer, count } = reference
    const first = await this.#cluster.persist(`topic '${topic}' could not be read`, async () => {
      const partitions = await this.#topics.count(topic)
      if (partitions === null || partition >= partitions) return -1
      return (await this.offsets(topic, BigInt(timestamp), [partition]))[0]!
    })
    if (first < 0) return null
    const latest = timestamp + 2 * this.#cluster.patienceMs + clocksMs
    for (let at = first; at < first + mostScanned; ) {
      const chunk = await this.#chunk(topic, partition, at, seeking)
      if (chunk === null) return null
      for (let index = firstFrom(chunk.records, at); index < chunk.records.length; index += 1) {
        const record = chunk.records[index]!
        if (record.timestamp > latest) return null
        if (record.key === null) continue
        const key = record.key.toString('latin1')
        if (key === text) return { position: record.position, bytes: record.value }
        // What a writer appended later lies after it.
        const other = parseReference(key)
        if (other !== null && other.writer === writer && other.count > count) return null
      }
      at = chunk.next
    }
    return null
  }
}

/** The index of the first record at a position or after it. */
function firstFrom(records: readonly StoredRecord[], position: number): number {
  let [low, high] = [0, records.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (records[middle]!.position < position) low = middle + 1
    else high = middle
  }
  return low
}

/** The question of a fetch that waits for so long for something to come. */
export function fetchOf(
  wanted: readonly { readonly name: string; readonly partition: number; readonly at: number }[],
  waitMs: number,
  partitionMaxBytes: number,
): Parameters<typeof fetchApi.async> extends [unknown, ...infer Question] ? Question : never {
  const topics = new Map<string, { partition: number; at: number }[]>()
  for (const { name, partition, at } of wanted) topics.set(name, [...(topics.get(name) ?? []), { partition, at }])
  return [
    waitMs,
    1,
    Math.max(partitionMaxBytes, 1024 * 1024),
    0,
    0,
    -1,
    [...topics].map(([topicId, partitions]) => ({
      topicId,
      partitions: partitions.map(({ partition, at }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(at),
        lastFetchedEpoch: -1,
        partitionMaxBytes,
      })),
    })),
    [],
    '',
  ]
}
