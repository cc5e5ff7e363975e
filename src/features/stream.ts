/**
 * The topic of a source that others write, each message an event in JSON. It comes through the door when it is read, which refuses
 * nobody: a message that is no event is kept, with the reason, in the topic `refused.<source>`, and passed over.
 */
import type { Source } from '../definition/source.ts'
import type { Value } from '../expression/node.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Limits } from '../kernel/limits.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { RefusedMessage } from './codec.ts'
import { messageCodec, toBytes } from './codec.ts'
import type { Codec, Lane, LanePlace } from './lane.ts'

export const topicOfRefused = (source: string): string => `refused.${source}`

/** Its lanes have numbers from here on; no topic of ours has as many partitions. */
const firstLane = 1 << 24

type NewLane = (codec: Codec, place: LanePlace) => Lane

export interface StreamOptions {
  readonly log: EventLog
  readonly clock: Clock
  readonly limits: Limits
  /** Why a row is no event, or null. */
  whyNoEvent(row: readonly Value[]): string | null
  readonly lane: NewLane
}

export class Stream {
  /** None until the topic is there. */
  lanes: readonly Lane[] = []
  readonly #source: Source
  readonly #topic: string
  readonly #options: StreamOptions

  private constructor(source: Source, topic: string, options: StreamOptions) {
    this.#source = source
    this.#topic = topic
    this.#options = options
  }

  /** Null where the definition names no topic, or the log is not one that others can write to. */
  static of(source: Source, options: StreamOptions): Stream | null {
    const topic = source.stream === null ? null : options.log.external(source.stream.name)
    return topic === null ? null : new Stream(source, topic, options)
  }

  /** False while there is no such topic. */
  async open(): Promise<boolean> {
    const codec = this.#codec((message) => this.#keepRefused(message))
    this.lanes = (await this.#places()).map((place) => this.#options.lane(codec, place))
    return this.lanes.length > 0
  }

  /** The same places again. What their messages are refused for was said when they were first taken in. */
  async lanesOver(lane: NewLane): Promise<readonly Lane[]> {
    if (this.lanes.length === 0) await this.open()
    const codec = this.#codec(() => {})
    return this.lanes.map(({ place }) => lane(codec, place))
  }

  async #places(): Promise<readonly LanePlace[]> {
    const partitions = await this.#options.log.partitions(this.#topic)
    return Array.from({ length: partitions }, (_, partition) => ({
      topic: this.#topic,
      partition,
      lane: firstLane + partition,
    }))
  }

  #codec(refused: (message: RefusedMessage) => void): Codec {
    const { clock, whyNoEvent } = this.#options
    return messageCodec(this.#source, clock, (row, at) => whyNoEvent(row) ?? this.#whyTooLate(row, at), refused)
  }

  #whyTooLate(row: readonly Value[], at: number): string | null {
    const { time, fields } = this.#source
    const happened = row[Object.keys(fields).indexOf(time)] as number
    return happened > at + this.#options.limits.futureMs ? `'${time}' lies after it was written` : null
  }

  /** Not waited for: the message itself stays in its topic. */
  #keepRefused(message: RefusedMessage): void {
    const { log, clock } = this.#options
    const { name, stream } = this.#source
    try {
      void log.append(topicOfRefused(name), [toBytes({ at: clock.now(), stream: stream!.name, rows: [message] })])
    } catch {
      // The log cannot keep up.
    }
  }
}
