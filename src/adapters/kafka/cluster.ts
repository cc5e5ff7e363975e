/**
 * The brokers of a cluster: which of them leads which partition, and the connections to them. A broker answers the requests of one
 * connection one after another, so what may wait has a connection of its own, by its lane.
 */
import type { API, ConnectionOptions } from '@platformatic/kafka'
import { metadataV12 } from '@platformatic/kafka'
import { pause, persist } from '../../kernel/persist.ts'
import { codes, lasting, Refused, unavailable } from './errors.ts'
import { Link } from './link.ts'

export interface ClusterOptions {
  readonly brokers: readonly string[]
  readonly tls: boolean
  readonly sasl: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    readonly username: string
    readonly password: string
  } | null
  readonly patienceMs: number
}

export interface Placement {
  /** Of each partition the broker that leads it; -1 where none does. */
  readonly leaders: readonly number[]
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}
interface Broker {
  readonly host: string
  readonly port: number
}

const longestAttemptMs = 3_000

export class Cluster {
  readonly where: string
  /** How long one request may take before its connection is given up. */
  readonly attemptMs: number
  readonly patienceMs: number
  readonly #bootstrap: readonly Broker[]
  readonly #connection: ConnectionOptions
  readonly #links = new Map<string, Link>()
  readonly #closing = new AbortController()
  #brokers = new Map<number, Broker>()
  #places = new Map<string, Placement>()
  #refreshing: Promise<void> | null = null
  #stale = true
  id = ''
  /** The broker that makes topics, or passes that on. */
  controller = -1

  constructor({ brokers, tls, sasl, patienceMs }: ClusterOptions) {
    this.where = brokers.join(',')
    this.patienceMs = patienceMs
    this.attemptMs = Math.min(longestAttemptMs, Math.max(500, Math.ceil(patienceMs / 3)))
    this.#bootstrap = brokers.map((broker) => {
      const colon = broker.lastIndexOf(':')
      return colon < 0
        ? { host: broker, port: 9092 }
        : { host: broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(broker.slice(colon + 1)) }
    })
    this.#connection = {
      connectTimeout: this.attemptMs,
      ...(tls ? { tls: {} } : {}),
      ...(sasl === null ? {} : { sasl }),
    }
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }
  get brokers(): readonly number[] {
    return [...this.#brokers.keys()]
  }
  addressOf(broker: number): string {
    const { host, port } = this.#brokers.get(broker) ?? { host: '?', port: 0 }
    return `${host}:${port}`
  }

  /** Asks one broker, or any. */
  async ask<Question extends unknown[], Answer>(
    broker: number | 'any',
    lane: string,
    api: API<Question, Answer>,
    question: Question,
    withinMs: number = this.attemptMs,
  ): Promise<Answer> {
    if (this.closed) throw new Error('the log was closed')
    if (broker !== 'any') {
      const at = this.#brokers.get(broker)
      if (at === undefined)
        throw new Error(broker < 0 ? 'the partition has no leader' : `broker ${broker} is not there`)
      return await this.#link(lane, at).ask(api, question, withinMs)
    }
    let last: unknown
    const places = [...this.#brokers.values(), ...this.#bootstrap].map((at) => [`${at.host}:${at.port}`, at] as const)
    for (const at of new Map(places).values())
      try {
        return await this.#link(lane, at).ask(api, question, withinMs)
      } catch (error) {
        last = error
        if (lasting(error, this.where) !== null || this.closed) break
      }
    throw last
  }

  #link(lane: string, { host, port }: Broker): Link {
    const key = `${lane} ${host}:${port}`
    const existing = this.#links.get(key)
    if (existing !== undefined) return existing
    const link: Link = new Link(host, port, this.#connection, () => {
      if (this.#links.get(key) === link) this.#links.delete(key)
    })
    this.#links.set(key, link)
    return link
  }

  /** Closes the connections of a lane that is no longer used. */
  leave(lane: string): void {
    for (const [key, link] of this.#links) if (key.startsWith(`${lane} `)) link.drop()
  }

  /** Where the partitions of a topic lie; null if there is no such topic. */
  async placeOf(topic: string): Promise<Placement | null> {
    if (this.#stale) await this.#refresh()
    if (!this.#places.has(topic)) await this.#describe([topic])
    return this.#places.get(topic) ?? null
  }

  async leaderOf(topic: string, partition: number): Promise<number> {
    return (await this.placeOf(topic))?.leaders[partition] ?? -1
  }

  /** To be called when an answer shows that a leader or a broker is no longer where it was. */
  stale(): void {
    this.#stale = true
  }

  async #refresh(): Promise<void> {
    this.#refreshing ??= (async () => {
      await this.#describe([...this.#places.keys()])
      this.#stale = false
    })().finally(() => {
      this.#refreshing = null
    })
    await this.#refreshing
  }

  /** Looks at topics, or at all of them. */
  async #describe(topics: string[] | null): Promise<void> {
    const answer = await this.ask('any', 'control', metadataV12.api, [topics, false, false])
    this.id = answer.clusterId ?? ''
    this.controller = answer.controllerId
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    for (const { name, errorCode, partitions } of answer.topics) {
      if (typeof name !== 'string') continue
      if (errorCode === codes.topicDenied) throw new Refused(errorCode, `topic '${name}' may not be described`)
      const known = this.#places.get(name)
      if (errorCode !== 0 || partitions.length === 0) {
        // A broker that has just started does not know its topics yet; one that we have used does not go away.
        if (known === undefined) continue
        this.#places.set(name, { ...known, leaders: known.leaders.map(() => -1) })
        continue
      }
      const sorted = [...partitions].sort((a, b) => a.partitionIndex - b.partitionIndex)
      this.#places.set(name, {
        leaders: sorted.map(({ leaderId }) => leaderId),
        replicas: sorted.map(({ replicaNodes }) => replicaNodes.length),
        inSync: sorted.map(({ isrNodes }) => isrNodes.length),
      })
    }
  }

  /** All topics whose names begin so. */
  async topics(prefix: string): Promise<readonly string[]> {
    await this.#describe(null)
    const all = [...this.#places.keys()]
    for (const topic of all) if (!topic.startsWith(prefix)) this.#places.delete(topic)
    return all.filter((topic) => topic.startsWith(prefix)).sort()
  }

  /** Tries until it works, what will not become better is found, or patience ends. */
  async persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await this.tryUntil(performance.now() + this.patienceMs, attempt)
    } catch (error) {
      throw lasting(error, this.where) ?? unavailable(this.where, what, error)
    }
  }

  /** Rejects with the last error, as it is. `again` is told of each after which it is tried again. */
  tryUntil<T>(until: number, attempt: () => Promise<T>, again: (error: unknown) => void = () => {}): Promise<T> {
    const passes = (error: unknown): boolean => {
      if (lasting(error, this.where) !== null) return false
      again(error)
      this.stale()
      return true
    }
    return persist(attempt, { until, passes, signal: this.#closing.signal })
  }

  /** Ends at once when the cluster is closed. */
  pause(ms: number): Promise<void> {
    return pause(ms, this.#closing.signal)
  }

  close(): void {
    this.#closing.abort()
    for (const link of this.#links.values()) link.drop()
    this.#links.clear()
  }
}
