/**
 * The event log on Kafka (3.2 or newer). A topic is a Kafka topic with the log's prefix and a dot before its name, positions are
 * Kafka's offsets, and the partitions are as many as the topic has. Topics that are missing are created, and kept for ever.
 *
 * - An append is one batch of one partition, acknowledged by all replicas in sync. With a replication of 3 those are two at least
 *   (min.insync.replicas=2), so that it survives the loss of any one broker.
 * - Nothing is stored twice, however often it was sent: see writer.ts.
 * - Reading begins at the earliest position that retention has left.
 * - Processes that follow as a group are a consumer group of Kafka, and commit what `take` gave: see follow.ts.
 */
import { randomInt } from 'node:crypto'
import { systemClock } from '../../kernel/clock.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { atMost } from '../../kernel/persist.ts'
import type { Appended, AppendOptions, EventLog } from '../../ports/event-log.ts'
import type { ClusterOptions } from './cluster.ts'
import { Cluster } from './cluster.ts'
import type { FollowedGroup } from './follow.ts'
import { followGroup } from './follow.ts'
import { inspectKafka } from './inspect.ts'
import { PartitionReader } from './reader.ts'
import { referenceOf, writerName } from './reference.ts'
import type { TopicsOptions } from './topics.ts'
import { externalTopic, isExternal, Topics } from './topics.ts'
import { kafkaVersion } from './versions.ts'
import { PartitionWriter } from './writer.ts'

export interface KafkaOptions extends ClusterOptions, TopicsOptions {
  /** How many bytes of a topic may wait to be stored. */
  readonly bufferBytes: number
}

/** How long `close` waits for what is on its way. */
const closeMs = 5_000
/** What a record takes besides its bytes. */
const recordBytes = 32

interface Waiting {
  readonly partition: number
  readonly writers: Map<number, PartitionWriter>
  bytes: number
}

export async function kafkaEventLog(options: KafkaOptions): Promise<EventLog> {
  const cluster = new Cluster(options)
  const topics = new Topics(cluster, options)
  const reader = new PartitionReader(cluster, topics)
  const followings = new Set<FollowedGroup>()
  const clock = systemClock()
  const writer = writerName()
  const appended = new Map<string, Waiting>()
  let count = 0
  try {
    await cluster.persist('it did not answer', () => kafkaVersion(cluster))
    await cluster.persist('its topics could not be listed', () => topics.all())
  } catch (error) {
    cluster.close()
    throw error
  }

  const waitingOf = (topic: string): Waiting => {
    let waiting = appended.get(topic)
    if (waiting === undefined) {
      topics.nameOf(topic)
      waiting = { partition: randomInt(topics.expected(topic)), writers: new Map(), bytes: 0 }
      appended.set(topic, waiting)
    }
    return waiting
  }

  const append = (topic: string, entries: readonly Uint8Array[], { partition, withinMs = 0 }: AppendOptions = {}) => {
    if (cluster.closed) throw new SixfoldError('SX_INTERNAL', 'This event log was closed.')
    if (isExternal(topic)) throw new SixfoldError('SX_INTERNAL', `'${topic}' is written by others.`)
    if (entries.length === 0) throw new SixfoldError('SX_INTERNAL', 'An append holds at least one entry.')
    const waiting = waitingOf(topic)
    const bytes = entries.reduce((sum, entry) => sum + entry.length + recordBytes, 0)
    if (waiting.bytes + bytes > options.bufferBytes && waiting.bytes > 0)
      throw new SixfoldError('SX_OVERLOADED', `Kafka cannot keep up: ${waiting.bytes} bytes of '${topic}' wait.`)
    const into = partition ?? waiting.partition
    let own = waiting.writers.get(into)
    if (own === undefined) {
      own = new PartitionWriter(cluster, topics, topic, into)
      waiting.writers.set(into, own)
    }
    const timestamp = clock.now()
    const reference = referenceOf({ partition: into, timestamp, writer, count: count++ })
    waiting.bytes += bytes
    const state = { position: -1 }
    const durable = new Promise<void>((resolve, reject) => {
      const deadline = performance.now() + withinMs + options.patienceMs
      const copies = entries.map((entry) => Buffer.from(entry))
      own.add(
        Object.assign(state, {
          entries: copies,
          bytes,
          reference,
          timestamp,
          deadline,
          done: (error: Error | null) => {
            waiting.bytes -= bytes
            if (error === null) resolve()
            else reject(error)
          },
        }),
        withinMs,
      )
    })
    // Whoever does not wait for it is not to be ended by it.
    durable.catch(() => {})
    const result: Appended = {
      partition: into,
      reference,
      durable,
      get position() {
        return state.position
      },
    }
    return result
  }

  const settled = async (topic: string): Promise<void> => {
    await Promise.all([...(appended.get(topic)?.writers.values() ?? [])].map((own) => own.settled()))
  }
  const partitions = async (topic: string): Promise<number> =>
    await cluster.persist(
      `topic '${topic}' could not be described`,
      async () => (await topics.count(topic)) ?? (isExternal(topic) ? 0 : options.partitions),
    )
  const ends = async (topic: string): Promise<readonly number[]> => {
    const found = await reader.ends(topic)
    return found.length > 0 ? found : Array.from({ length: await partitions(topic) }, () => 0)
  }

  return {
    identity: `kafka:${cluster.id}/${options.prefix}`,
    append,
    read: (topic, partition, from, limit) => reader.read(topic, partition, from, limit),
    lookup: (topic, reference) => reader.lookup(topic, reference),
    partitions,
    external: externalTopic,
    ends,
    settled,
    topics: async () => {
      const names = await cluster.persist('its topics could not be listed', () => topics.all())
      return await Promise.all(names.map(async (topic) => ({ topic, ends: await ends(topic), bytes: null })))
    },
    follow: async (names, group, take) => {
      const following = await followGroup({ cluster, topics, reader }, names, `${options.prefix}.${group}`, take)
      followings.add(following)
      return {
        get assigned() {
          return following.assigned
        },
        close: async () => {
          followings.delete(following)
          await following.close()
        },
      }
    },
    inspect: () => inspectKafka({ cluster, topics }, options, [...followings]),
    close: async () => {
      const orderly = Promise.all([...followings].map((following) => following.close())).then(() =>
        Promise.all([...appended.keys()].map(settled)),
      )
      await atMost(closeMs, orderly)
      cluster.close()
      // What could not be sent is told of.
      await Promise.all([...appended.keys()].map(settled))
    },
  }
}
