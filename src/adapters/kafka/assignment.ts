/**
 * Which member of a group has which partitions: as evenly as they divide, and everyone keeps what it has as far as that goes. Said in
 * the form that Kafka's own consumers use, so that its tools can read it.
 */
import { Reader, Writer } from '@platformatic/kafka'

export interface Share {
  readonly topic: string
  readonly partition: number
}
interface Member {
  readonly id: string
  readonly topics: readonly string[]
  readonly owned: readonly Share[]
}

const keyOf = ({ topic, partition }: Share): string => `${topic}/${partition}`

export function divide(members: readonly Member[], counts: ReadonlyMap<string, number>): Map<string, Share[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
  const shares = new Map<string, Share[]>(sorted.map(({ id }) => [id, []]))
  const free = new Map<string, Share>()
  for (const [topic, count] of counts)
    for (let partition = 0; partition < count; partition += 1)
      free.set(keyOf({ topic, partition }), { topic, partition })
  const most = Math.ceil(free.size / sorted.length)
  const atMost = free.size % sorted.length === 0 ? sorted.length : free.size % sorted.length
  let full = 0
  for (const { id, topics, owned } of sorted) {
    const own = shares.get(id)!
    for (const share of owned) {
      // Only so many may have one more than the others.
      const room = full < atMost ? most : most - 1
      if (own.length >= room || !topics.includes(share.topic) || !free.delete(keyOf(share))) continue
      own.push(share)
      if (own.length === most) full += 1
    }
  }
  for (const share of free.values()) {
    const least = sorted
      .filter(({ topics }) => topics.includes(share.topic))
      .reduce<Share[] | null>((best, { id }) => {
        const own = shares.get(id)!
        return best === null || own.length < best.length ? own : best
      }, null)
    least?.push(share)
  }
  return shares
}

const grouped = (shares: readonly Share[]): [string, number[]][] => {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of shares) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics]
}
const appendShares = (writer: Writer, shares: readonly Share[]): Writer =>
  writer.appendArray(
    grouped(shares),
    (topics, [topic, partitions]) => {
      topics
        .appendString(topic, false)
        .appendArray(partitions, (each, partition) => each.appendInt32(partition), false, false)
    },
    false,
    false,
  )
const readShares = (reader: Reader): Share[] =>
  reader
    .readArray(
      (topics: Reader) => {
        const topic = topics.readString(false)
        const partitions = topics.readArray((each: Reader) => each.readInt32(), false, false)
        return partitions.map((partition) => ({ topic, partition }))
      },
      false,
      false,
    )
    .flat()

export const encodeMember = (topics: readonly string[], owned: readonly Share[]): Buffer =>
  appendShares(
    Writer.create()
      .appendInt16(1)
      .appendArray([...topics], (each, topic) => each.appendString(topic, false), false, false)
      .appendInt32(-1),
    owned,
  ).buffer

export function decodeMember(id: string, bytes: Buffer): Member {
  const reader = Reader.from(bytes)
  const version = reader.readInt16()
  const topics = reader.readArray((each: Reader) => each.readString(false), false, false)
  reader.readBytes(false)
  return { id, topics, owned: version >= 1 && reader.remaining > 0 ? readShares(reader) : [] }
}

export const encodeShares = (shares: readonly Share[]): Buffer =>
  appendShares(Writer.create().appendInt16(1), shares).appendInt32(-1).buffer

export function decodeShares(bytes: Buffer): Share[] {
  if (bytes.length < 6) return []
  const reader = Reader.from(bytes)
  reader.readInt16()
  return readShares(reader)
}
