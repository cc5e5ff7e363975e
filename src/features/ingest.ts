/**
 * Events that are pushed: through the door, into the log, and from there into the online state of every view of their source.
 *
 * An acknowledged event is in the log and in the state. A crash between the two is made good at the next start, from the position
 * that each view's state keeps in the same update as its records: so an event counts once, whatever happens. A push that
 * was not acknowledged may have happened; a source whose events must not count twice names an `id`.
 */
import { shapesOf } from '../definition/field.ts'
import type { Platform } from '../definition/graph.ts'
import { sourceNamed, sourcesOf } from '../definition/graph.ts'
import type { Source } from '../definition/source.ts'
import type { Value } from '../expression/node.ts'
import type { Clock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import type { Entry, EventLog } from '../ports/event-log.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { LoggedRow, Verdict } from './apply.ts'
import { applyRows, textOf } from './apply.ts'
import type { Claims } from './claims.ts'
import { claimsOf } from './claims.ts'
import { keyOf } from './event.ts'
import type { ReadRows } from './rows.ts'
import { rowsReader } from './rows.ts'
import type { RunningView, RunningViews } from './runtime.ts'

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
  /** Waits until everything pushed so far is in the state. */
  idle(): Promise<void>
}

export function ingest(options: IngestOptions): Ingest {
  const sources = new Map(sourcesOf(options.platform).map((source) => [source.name, new SourceIngest(source, options)]))
  return {
    push: async (name, rows) => sources.get(sourceNamed(options.platform, name).name)!.push(rows),
    catchUp: async () => {
      let entries = 0
      for (const source of sources.values()) entries += await source.catchUp()
      return entries
    },
    idle: async () => {
      for (const source of sources.values()) await source.idle()
    },
  }
}

export const topicOfEvents = (source: string): string => `events.${source}`
export const topicOfRefused = (source: string): string => `refused.${source}`

/** Rows of one entry, and of one update of the store: few enough that a prediction on the same thread hardly waits. */
const rowsPerEntry = 250

/** Rows of a push as they lie in the log. */
interface Pushed {
  readonly at: number
  readonly fields: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}
interface Work {
  readonly position: number
  readonly pushed: Pushed
  readonly verdicts: Promise<readonly Verdict[]>
  readonly done: (verdicts: readonly Verdict[]) => void
  readonly failed: (error: unknown) => void
}
function workFor(position: number, pushed: Pushed): Work {
  let done: Work['done'] = () => {}
  let failed: Work['failed'] = () => {}
  const verdicts = new Promise<readonly Verdict[]>((yes, no) => {
    done = yes
    failed = no
  })
  // Whoever pushed may have gone; a failure is not to end the process.
  verdicts.catch(() => {})
  return { position, pushed, verdicts, done, failed }
}

class SourceIngest {
  readonly #source: Source
  readonly #options: IngestOptions
  readonly #views: readonly RunningView[]
  readonly #read: (rows: readonly unknown[]) => ReadRows
  readonly #claims: Claims | null
  #queue: Work[] = []
  #asked = false
  #working: Promise<void> | null = null
  /** Records that hold too many events which are not visible yet, and until when. */
  readonly #full = new Map<string, number>()

  constructor(source: Source, options: IngestOptions) {
    this.#source = source
    this.#options = options
    this.#views = options.views.ofSource(source.name)
    this.#read = rowsReader(source)
    this.#claims = claimsOf(source)
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
    const fields = Object.keys(this.#source.fields)
    const entries: Pushed[] = []
    for (let from = 0; from < rows.length; from += rowsPerEntry)
      entries.push({ at: now, fields, rows: rows.slice(from, from + rowsPerEntry) })
    const { first, durable } = this.#options.log.append(topicOfEvents(this.#source.name), entries.map(toBytes))
    const work = entries.map((pushed, i) => workFor(first + i, pushed))
    this.#queue.push(...work)
    try {
      await durable
    } catch (error) {
      // What was not written is not to be applied; its positions go to the next append.
      this.#queue = this.#queue.filter((other) => !work.includes(other))
      throw error
    }
    this.#work()
    return (await Promise.all(work.map(({ verdicts }) => verdicts))).flat()
  }

  #work(): void {
    this.#asked = true
    this.#working ??= this.#drain().finally(() => {
      this.#working = null
    })
  }

  async idle(): Promise<void> {
    while (this.#working !== null) await this.#working
  }

  async #drain(): Promise<void> {
    while (this.#asked) {
      this.#asked = false
      const durable = await this.#options.log.end(topicOfEvents(this.#source.name))
      for (let group = this.#nextGroup(durable); group.length > 0; group = this.#nextGroup(durable)) {
        try {
          await this.#catchUpTo(group[0]!.position)
          const verdicts = await this.#apply(group)
          let at = 0
          for (const { pushed, done } of group) {
            done(verdicts.slice(at, at + pushed.rows.length))
            at += pushed.rows.length
          }
        } catch (error) {
          for (const { failed } of group) failed(error)
        }
      }
    }
  }

  /** In the order of the log, several entries at once where they are small. */
  #nextGroup(durable: number): readonly Work[] {
    const group: Work[] = []
    let rows = 0
    for (let next = this.#queue[0]; next !== undefined && next.position < durable; next = this.#queue[0]) {
      rows += next.pushed.rows.length
      if (group.length > 0 && rows > rowsPerEntry) break
      group.push(next)
      this.#queue.shift()
    }
    return group
  }

  async catchUp(): Promise<number> {
    // What is at work takes in whatever lies before its own entries.
    return this.#working === null ? this.#catchUpTo(Number.POSITIVE_INFINITY) : 0
  }

  /** Entries before a position that some view lacks: after a crash, a failed update, or a rebuild. */
  async #catchUpTo(end: number): Promise<number> {
    const { log } = this.#options
    let from = Math.min(...this.#views.map(({ state }) => state.position))
    let entries = 0
    while (this.#views.length > 0 && from < end) {
      const batch = await log.read(topicOfEvents(this.#source.name), from, Math.min(64, end - from))
      if (batch.length === 0) break
      for (const entry of batch) await this.#apply([{ position: entry.position, pushed: fromBytes(entry) }])
      from += batch.length
      entries += batch.length
    }
    return entries
  }

  async #apply(entries: readonly Pick<Work, 'position' | 'pushed'>[]): Promise<readonly Verdict[]> {
    const { views, store, limits } = this.#options
    const rows = entries.flatMap(({ position, pushed }) =>
      this.#rowsOf(pushed).map((values, row): LoggedRow => ({ values, at: pushed.at, position, row })),
    )
    const { verdicts, full } = await applyRows(
      this.#views,
      views.refresh,
      this.#claims,
      store,
      limits,
      rows,
      entries.at(-1)!.position,
    )
    for (const { key, until } of full) this.#full.set(key, until)
    return verdicts
  }

  /** In the order of the fields as they are defined now, which may not be that of when they were pushed. */
  #rowsOf({ fields, rows }: Pushed): readonly (readonly Value[])[] {
    const shapes = shapesOf(this.#source.fields)
    const places = shapes.map(({ name }) => fields.indexOf(name))
    return rows.map((row) => shapes.map(({ type }, i) => fromJson(row[places[i]!], type)))
  }
}

// --- the log's form of a push: JSON, with 64-bit integers beyond 2^53 as text

const toBytes = (value: unknown): Uint8Array =>
  Buffer.from(JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)))
const fromBytes = ({ bytes }: Entry): Pushed => JSON.parse(new TextDecoder().decode(bytes)) as Pushed
const fromJson = (value: unknown, type: string): Value =>
  type === 'int64' && typeof value === 'string' ? BigInt(value) : ((value ?? null) as Value)
