/**
 * Events that are pushed: through the door, into the log, and from there (`lane.ts`) into the online state of every view of their
 * source.
 *
 * An acknowledged event is in the log and in the state. A crash between the two is made good at the next start, or by another
 * server, from the position that each view's state keeps in the same update as its records: so an event counts once, whatever
 * happens. A push that was not acknowledged may have happened; a source whose events must not count twice names an `id`.
 *
 * Where the log has partitions, the events of one entity go to one of them: so servers that share a state seldom change one
 * record at once.
 */
import type { Platform } from '../definition/graph.ts'
import { sourceNamed, sourcesOf } from '../definition/graph.ts'
import type { Source } from '../definition/source.ts'
import type { Value } from '../expression/node.ts'
import type { Clock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { hash32 } from '../kernel/hash.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import type { EventLog, Following } from '../ports/event-log.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { Verdict } from './apply.ts'
import { textOf } from './apply.ts'
import { buildingViews } from './building.ts'
import { claimsOf } from './claims.ts'
import { pushedCodec, toBytes } from './codec.ts'
import { keyOf } from './event.ts'
import { followAll } from './follow.ts'
import type { Codec, LanePlace } from './lane.ts'
import { Lane } from './lane.ts'
import type { ReadRows } from './rows.ts'
import { rowsReader } from './rows.ts'
import type { RunningView, RunningViews } from './runtime.ts'
import { Stream, topicOfRefused } from './stream.ts'

export interface PushResult {
  /** Part of the state of at least one view, or of a source that no view reads. */
  readonly accepted: number
  /** Their ids were seen before. */
  readonly duplicates: number
  /** The history that the state was built from holds them already. */
  readonly covered: number
  /** Well-formed rows that are no events, by reason. They are kept in the topic `refused.<source>`. */
  readonly refused: { readonly [reason: string]: number }
  /** Fields that the source does not have, and how many rows had them. */
  readonly unknownFields: { readonly [field: string]: number }
}

export interface IngestOptions {
  readonly platform: Platform
  readonly views: RunningViews
  readonly log: EventLog
  readonly store: OnlineStore
  readonly clock: Clock
  readonly limits: Limits
}

export interface Ingest {
  /** Throws SX_EVENT_INVALID or SX_EVENT_IN_FUTURE for the whole push, which has then changed nothing. */
  push(source: string, rows: readonly unknown[]): Promise<PushResult>
  /** Takes in what the log holds and the state does not: after a crash, for a new view or one rebuilt. Gives the number of entries. */
  catchUp(): Promise<number>
  /** Goes on taking in what comes into the log by whatever way, sharing the work with others that do, until it is closed. */
  follow(): Promise<Following>
  /** The lanes of its source over a view that is being built. */
  lanesOver(building: RunningView): Promise<readonly Lane[]>
  /** How many entries of the log each view's state has, and how many it does not have yet. */
  progress(): Promise<ReadonlyMap<string, { readonly position: number; readonly behind: number }>>
  /** Waits until everything pushed so far is in the state. */
  idle(): Promise<void>
}

export const topicOfEvents = (source: string): string => `events.${source}`

export async function ingest(options: IngestOptions): Promise<Ingest> {
  const { log, platform } = options
  const opened = sourcesOf(platform).map(
    async (source) => new SourceIngest(source, await log.partitions(topicOfEvents(source.name)), options),
  )
  const sources = new Map((await Promise.all(opened)).map((source) => [source.name, source]))
  return {
    push: async (name, rows) => sources.get(sourceNamed(platform, name).name)!.push(rows),
    catchUp: async () => {
      let entries = 0
      for (const source of sources.values()) for (const lane of source.all) entries += await lane.catchUp()
      return entries
    },
    follow: () => followAll([...sources.values()], log),
    lanesOver: (building) => sources.get(building.plan.view.basis.source.name)!.over(building),
    progress: async () => {
      const views = new Map<string, { position: number; behind: number }>()
      for (const source of sources.values())
        for (const lane of source.all)
          for (const { view, position, behind } of await lane.progress()) {
            const sum = views.get(view) ?? { position: 0, behind: 0 }
            views.set(view, { position: sum.position + position, behind: sum.behind + behind })
          }
      return views
    },
    idle: async () => {
      for (const source of sources.values()) for (const lane of source.all) await lane.idle()
    },
  }
}

class SourceIngest {
  readonly name: string
  /** Of what is pushed. */
  readonly lanes: readonly Lane[]
  readonly stream: Stream | null
  readonly #source: Source
  readonly #options: IngestOptions
  readonly #views: readonly RunningView[]
  readonly #read: (rows: readonly unknown[]) => ReadRows
  /** Records that hold too many events which are not visible yet, and until when. */
  readonly #full = new Map<string, number>()

  constructor(source: Source, partitions: number, options: IngestOptions) {
    this.name = source.name
    this.#source = source
    this.#options = options
    this.#views = options.views.ofSource(source.name)
    this.#read = rowsReader(source)
    const claims = claimsOf(source)
    const lane = (codec: Codec, place: LanePlace): Lane =>
      new Lane(place, codec, this.#views, claims, this.#full, options)
    const codec = pushedCodec(source)
    this.lanes = Array.from({ length: partitions }, (_, partition) =>
      lane(codec, { topic: topicOfEvents(source.name), partition, lane: partition }),
    )
    const whyNoEvent = (row: readonly Value[]): string | null => this.#whyNoEvent(row)
    this.stream = this.#views.length === 0 ? null : Stream.of(source, { ...options, whyNoEvent, lane })
  }

  /** The same places, over one view that is being built. */
  async over(view: RunningView): Promise<readonly Lane[]> {
    const options = { ...this.#options, views: buildingViews(view, this.#options.store) }
    const [claims, codec] = [claimsOf(this.#source), pushedCodec(this.#source)]
    const lane = (by: Codec, place: LanePlace): Lane => new Lane(place, by, [view], claims, new Map(), options)
    const streamed = this.stream === null ? [] : await this.stream.lanesOver(lane)
    return [...this.lanes.map(({ place }) => lane(codec, place)), ...streamed]
  }

  get all(): readonly Lane[] {
    return [...this.lanes, ...(this.stream?.lanes ?? [])]
  }

  async push(input: readonly unknown[]): Promise<PushResult> {
    const { clock, log, limits } = this.#options
    if (input.length > limits.eventsPerRequest)
      throw new SixfoldError('SX_EVENT_INVALID', `${input.length} events are more than ${limits.eventsPerRequest}.`, {
        fix: 'Send them in several requests.',
      })
    const now = clock.now()
    const { rows, unknownFields } = this.#read(input)
    const reasons = rows.map((row) => this.#whyNoEvent(row))
    const events = rows.filter((_, i) => reasons[i] === null)
    this.#refuseFuture(rows, now)
    this.#refuseFull(events, now)
    const refused: { [reason: string]: number } = {}
    for (const reason of reasons) if (reason !== null) refused[reason] = (refused[reason] ?? 0) + 1
    const dropped = input.flatMap((row, i) => (reasons[i] === null ? [] : [{ reason: reasons[i], row }]))
    if (dropped.length > 0)
      await log.append(topicOfRefused(this.#source.name), [toBytes({ at: now, rows: dropped })]).durable
    const counts = { accepted: 0, duplicates: 0, covered: 0 }
    for (const verdict of await this.#take(events, now)) counts[verdict]++
    return { ...counts, refused, unknownFields }
  }

  #whyNoEvent(row: readonly Value[]): string | null {
    const { time, known, fields } = this.#source
    const value = (name: string): Value => row[Object.keys(fields).indexOf(name)]!
    if (value(time) === null) return 'without time'
    if (known !== null && 'at' in known && value(known.at) === null) return 'without arrival'
    return this.#views.length > 0 && this.#views.every(({ plan }) => keyOf(plan, row) === null) ? 'without key' : null
  }

  #refuseFuture(rows: readonly (readonly Value[])[], now: number): void {
    const { name, time, fields } = this.#source
    const column = Object.keys(fields).indexOf(time)
    for (const [row, values] of rows.entries()) {
      const happened = values[column] as number | null
      if (happened !== null && happened > now + this.#options.limits.futureMs)
        throw new SixfoldError(
          'SX_EVENT_IN_FUTURE',
          `Source '${name}', row ${row}: '${time}' is ${formatInstant(happened)}, ${Math.round((happened - now) / 1000)} s after now, ${formatInstant(now)}.`,
          { details: { source: name, row, field: time } },
        )
    }
  }

  #refuseFull(rows: readonly (readonly Value[])[], now: number): void {
    for (const [key, until] of this.#full) if (until <= now) this.#full.delete(key)
    if (this.#full.size === 0) return
    for (const { plan, keyOf: encode } of this.#views)
      for (const row of rows) {
        const parts = keyOf(plan, row)
        if (parts !== null && this.#full.has(textOf(encode(parts))))
          throw new SixfoldError(
            'SX_PENDING_FULL',
            `View '${plan.view.name}' has more than ${this.#options.limits.pendingEvents} events of ${parts.join(', ')} that are not visible yet.`,
          )
      }
  }

  async #take(rows: readonly (readonly Value[])[], now: number): Promise<readonly Verdict[]> {
    if (rows.length === 0) return []
    const byLane = new Map<Lane, (readonly Value[])[]>()
    for (const row of rows) {
      const lane = this.lanes[this.#partitionOf(row)]!
      const others = byLane.get(lane)
      if (others === undefined) byLane.set(lane, [row])
      else others.push(row)
    }
    const taken = await Promise.allSettled([...byLane].map(([lane, some]) => lane.push(some, now)))
    // One that failed may leave others made: the push was not acknowledged, and is sent again as a whole.
    for (const outcome of taken) if (outcome.status === 'rejected') throw outcome.reason
    return taken.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
  }

  /** By the entity of the first view that the row has one of. */
  #partitionOf(row: readonly Value[]): number {
    if (this.lanes.length === 1) return 0
    for (const { plan } of this.#views) {
      const parts = keyOf(plan, row)
      if (parts !== null) return hash32(JSON.stringify(parts.map(String))) % this.lanes.length
    }
    return 0
  }
}
