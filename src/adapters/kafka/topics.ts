/**
 * The topics of a log: those whose names begin with its prefix. One that is missing is created when it is first needed, by whichever
 * process is first, and kept for ever (retention.ms=-1), since state is rebuilt from it.
 */
import { createTopicsV7 } from '@platformatic/kafka'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Cluster, Placement } from './cluster.ts'
import { codes, Refused } from './errors.ts'

/** An append is one batch, and must fit; a broker's own limit is 1 MB unless the topic says otherwise. */
const largestBatchBytes = 32 * 1024 * 1024
const settings = [
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.bytes', value: '-1' },
  // A reference is found by the time it was given at, not by the time it arrived.
  { name: 'message.timestamp.type', value: 'CreateTime' },
]
/** Where there are three, an append waits for two, and one broker may be away. */
const twoReplicas = [{ name: 'min.insync.replicas', value: '2' }]
const sizes = [{ name: 'max.message.bytes', value: String(largestBatchBytes) }]

/** A topic of others, by its own name and without the prefix. */
export const externalTopic = (name: string): string => `=${name}`
export const isExternal = (topic: string): boolean => topic.startsWith('=')

export interface TopicsOptions {
  readonly prefix: string
  readonly partitions: number
  readonly replication: number
}

export class Topics {
  readonly #cluster: Cluster
  readonly #options: TopicsOptions
  /** Partitions of a topic, as first seen: those that are added later are used after a restart. */
  readonly #counts = new Map<string, number>()
  readonly #creating = new Map<string, Promise<number>>()

  constructor(cluster: Cluster, options: TopicsOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  nameOf(topic: string): string {
    const name = isExternal(topic) ? topic.slice(1) : `${this.#options.prefix}.${topic}`
    if (!/^[a-zA-Z0-9_.-]{1,249}$/.test(name))
      throw new SixfoldError('SX_INTERNAL', `'${topic}' is no name of a topic.`)
    return name
  }

  /** How many partitions it is known to have, or will have when it is created here. */
  expected(topic: string): number {
    return this.#counts.get(topic) ?? this.#options.partitions
  }

  /** How many partitions it has; null if it does not exist. */
  async count(topic: string): Promise<number | null> {
    const known = this.#counts.get(topic)
    if (known !== undefined) return known
    const place = await this.#cluster.placeOf(this.nameOf(topic))
    if (place === null) return null
    return this.#remember(topic, place)
  }

  #remember(topic: string, { leaders }: Placement): number {
    if (!this.#counts.has(topic)) this.#counts.set(topic, leaders.length)
    return this.#counts.get(topic)!
  }

  /** All there are. */
  async all(): Promise<readonly string[]> {
    const names = await this.#cluster.topics(`${this.#options.prefix}.`)
    const topics = names.map((name) => name.slice(this.#options.prefix.length + 1))
    for (const topic of topics) await this.count(topic)
    return topics
  }

  /** Creates it if it is missing, and gives how many partitions it has. One attempt. */
  async ensure(topic: string): Promise<number> {
    const known = await this.count(topic)
    if (known !== null) return known
    let creating = this.#creating.get(topic)
    if (creating === undefined) {
      creating = this.#create(topic).finally(() => this.#creating.delete(topic))
      this.#creating.set(topic, creating)
    }
    return await creating
  }

  async #create(topic: string): Promise<number> {
    const name = this.nameOf(topic)
    const { partitions, replication } = this.#options
    const kept = [...settings, ...(replication >= 3 ? twoReplicas : [])]
    let answer = await this.#ask(name, [...kept, ...sizes])
    // Some clusters have a limit of their own for the size of a message.
    if (answer.errorCode === codes.policyViolation || answer.errorCode === codes.invalidConfig)
      answer = await this.#ask(name, kept)
    const byHand = `kafka-topics.sh --create --topic ${name} --partitions ${partitions} --replication-factor ${replication} --config retention.ms=-1`
    if (answer.errorCode === codes.topicDenied || answer.errorCode === codes.clusterDenied)
      throw new SixfoldError(
        'SX_STORE_DENIED',
        `Kafka at ${this.#cluster.where} does not let topic '${name}' be created.`,
        {
          fix: `Grant this user Create on topics that begin with '${this.#options.prefix}.', or create it: ${byHand}`,
        },
      )
    if (answer.errorCode === codes.invalidReplication)
      throw new SixfoldError(
        'SX_CONFIG_INVALID',
        `Topic '${name}' cannot have ${replication} replicas: Kafka at ${this.#cluster.where} has ${this.#cluster.brokers.length} brokers.`,
        { fix: 'Configure a replication that the cluster can hold.' },
      )
    if (answer.errorCode !== 0 && answer.errorCode !== codes.topicExists)
      throw new Refused(answer.errorCode, answer.errorMessage ?? `topic '${name}' cannot be created`)
    // Every partition has to have found its leader, and brokers hear of it one after another.
    const end = performance.now() + this.#cluster.attemptMs
    for (;;) {
      this.#cluster.stale()
      const place = await this.#cluster.placeOf(name)
      if (place?.leaders.every((leader) => leader >= 0)) return this.#remember(topic, place)
      if (this.#cluster.closed || performance.now() > end) throw new Error(`topic '${name}' has no leader yet`)
      await this.#cluster.pause(25)
    }
  }

  async #ask(
    name: string,
    configs: readonly { readonly name: string; readonly value: string }[],
  ): Promise<{ readonly errorCode: number; readonly errorMessage: string | null | undefined }> {
    const { partitions, replication } = this.#options
    const { topics } = await this.#cluster.ask(this.#cluster.controller, 'control', createTopicsV7.api, [
      [{ name, numPartitions: partitions, replicationFactor: replication, assignments: [], configs: [...configs] }],
      this.#cluster.attemptMs,
      false,
    ])
    return topics[0]!
  }
}
