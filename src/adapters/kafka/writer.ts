/**
 * What one process appends to one partition. One request is under way at a time, and carries what was appended while the one
 * before it was; it is one batch of records, which Kafka stores as a whole.
 *
 * Nothing is stored twice: a batch bears the producer's id, its epoch and the number of its first record, and is sent again with
 * the same ones for as long as its fate is not known; the broker that has stored it says where, and stores nothing. A batch that is
 * given up raises the epoch: what is still on its way of it is refused from then on, so it cannot come in between later ones.
 */
import { initProducerIdV4, NumericMap, ProduceAcks, produceV9 } from '@platformatic/kafka'
import { SixfoldError } from '../../kernel/errors.ts'
import { GroupCommit } from '../group-commit.ts'
import type { Cluster } from './cluster.ts'
import { codes, lasting, Refused, unavailable } from './errors.ts'
import type { Topics } from './topics.ts'

interface Append {
  readonly entries: readonly Buffer[]
  readonly bytes: number
  readonly reference: string
  readonly timestamp: number
  /** On the clock that only measures lengths. */
  readonly deadline: number
  position: number
  /** It is no longer waiting: durable, or failed for good. */
  done(error: Error | null): void
}

/** A request is filled up to here; an append that is larger goes alone. */
const fullBytes = 900 * 1024
const littleBytes = 1024
const lastEpoch = 32_767
const changed: readonly number[] = [codes.outOfOrderSequence, codes.invalidProducerEpoch, codes.unknownProducer]
const tooLarge: readonly number[] = [codes.messageTooLarge, codes.recordListTooLarge]

export class PartitionWriter {
  readonly #cluster: Cluster
  readonly #topics: Topics
  readonly #topic: string
  readonly #partition: number
  #queue: Append[] = []
  readonly #commit = new GroupCommit(() => (this.#queue.length === 0 ? null : this.#write(this.#take(fullBytes))))
  #producer: { readonly id: bigint; epoch: number; sequence: number } | null = null

  constructor(cluster: Cluster, topics: Topics, topic: string, partition: number) {
    this.#cluster = cluster
    this.#topics = topics
    this.#topic = topic
    this.#partition = partition
  }

  add(append: Append, withinMs: number): void {
    this.#queue.push(append)
    this.#commit.within(withinMs)
  }

  async settled(): Promise<void> {
    if (this.#queue.length > 0) this.#commit.within(0)
    await this.#commit.running
  }

  #take(upTo: number): Append[] {
    let bytes = 0
    const count = this.#queue.findIndex((append) => {
      bytes += append.bytes
      return bytes > upTo
    })
    return this.#queue.splice(0, count < 0 ? this.#queue.length : Math.max(1, count))
  }

  async #write(batch: readonly Append[]): Promise<void> {
    const cluster = this.#cluster
    try {
      const expire = (reason: unknown): void => this.#expire(reason)
      const answer = await cluster.tryUntil(batch[0]!.deadline, () => this.#offer(batch), expire)
      if (!tooLarge.includes(answer.errorCode)) return stored(batch, Number(answer.baseOffset))
    } catch (error) {
      this.#raise(true)
      return failed(batch, lasting(error, cluster.where) ?? this.#unavailable(error))
    }
    if (batch.length === 1) return failed(batch, this.#tooLarge(batch[0]!))
    const half = Math.ceil(batch.length / 2)
    await this.#write(batch.slice(0, half))
    await this.#write(batch.slice(half))
  }

  /** Rejects where it may be offered again: with the same numbers, or with new ones. */
  async #offer(batch: readonly Append[]): Promise<produceV9.ProduceResponsePartition> {
    const answer = await this.#send(batch)
    const { errorCode, errorMessage } = answer
    if (errorCode === 0 || tooLarge.includes(errorCode)) return answer
    // Nothing of the batch is stored: of one that was, the broker would have said where. Its numbers begin anew.
    if (changed.includes(errorCode)) this.#raise(errorCode === codes.outOfOrderSequence)
    throw new Refused(errorCode, errorMessage ?? `an append to topic '${this.#topic}'`)
  }

  async #send(batch: readonly Append[]): Promise<produceV9.ProduceResponsePartition> {
    const count = await this.#topics.ensure(this.#topic)
    if (this.#partition >= count)
      throw new SixfoldError(
        'SX_CONFIG_INVALID',
        `Topic '${this.#topic}' has ${count} partitions, none of number ${this.#partition}.`,
        {
          fix: 'Configure as many partitions as the topic has, and restart.',
        },
      )
    const name = this.#topics.nameOf(this.#topic)
    const leader = await this.#cluster.leaderOf(name, this.#partition)
    const { id, epoch, sequence } = await this.#numbered()
    const records = batch.flatMap(({ entries, reference, timestamp }) =>
      entries.map((value, index) => ({
        topic: name,
        partition: this.#partition,
        value,
        timestamp: BigInt(timestamp),
        ...(index === 0 ? { key: Buffer.from(reference) } : {}),
      })),
    )
    const bytes = batch.reduce((sum, append) => sum + append.bytes, 0)
    const answer = await this.#cluster.ask(leader, 'write', produceV9.api, [
      ProduceAcks.ALL,
      this.#cluster.attemptMs,
      records,
      {
        compression: bytes > littleBytes ? 'lz4' : 'none',
        producerId: id,
        producerEpoch: epoch,
        sequences: new NumericMap([[`${name}:${this.#partition}`, sequence]]),
      },
    ])
    if (typeof answer === 'boolean') throw new Error('an append was not answered')
    const result = answer.responses[0]!.partitionResponses[0]!
    if (result.errorCode === 0) this.#producer = { id, epoch, sequence: (sequence + records.length) % 2 ** 31 }
    return result
  }

  async #numbered(): Promise<{ readonly id: bigint; readonly epoch: number; readonly sequence: number }> {
    if (this.#producer === null) {
      const answer = await this.#cluster.ask('any', 'control', initProducerIdV4.api, [null, 0, -1n, -1])
      if (answer.errorCode !== 0) throw new Refused(answer.errorCode, 'an id for a producer')
      this.#producer = { id: answer.producerId, epoch: answer.producerEpoch, sequence: 0 }
    }
    return this.#producer
  }

  /** The numbers of the records begin anew: under the next epoch of the same id, or under another id. */
  #raise(same: boolean): void {
    if (this.#producer === null) return
    const { id, epoch } = this.#producer
    this.#producer = same && epoch < lastEpoch ? { id, epoch: epoch + 1, sequence: 0 } : null
  }

  /** What has waited too long behind a batch that cannot be sent. */
  #expire(reason: unknown): void {
    const now = performance.now()
    const late = this.#queue.filter(({ deadline }) => deadline <= now)
    if (late.length === 0) return
    this.#queue = this.#queue.filter(({ deadline }) => deadline > now)
    failed(late, this.#unavailable(reason))
  }

  #unavailable(reason: unknown): SixfoldError {
    return unavailable(this.#cluster.where, `topic '${this.#topic}' could not be appended to`, reason)
  }

  #tooLarge({ bytes }: Append): SixfoldError {
    const name = this.#topics.nameOf(this.#topic)
    return new SixfoldError('SX_STORE_DENIED', `Kafka does not take ${bytes} bytes at once in topic '${name}'.`, {
      fix: `Raise max.message.bytes of topic '${name}', or send fewer rows in one request.`,
    })
  }
}

function stored(batch: readonly Append[], first: number): void {
  let position = first
  for (const append of batch) {
    append.position = position
    position += append.entries.length
    append.done(null)
  }
}

function failed(batch: readonly Append[], error: Error): void {
  for (const append of batch) append.done(error)
}
