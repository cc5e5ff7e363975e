/**
 * A lane: one partition of the topic that a source's events come by, and how its entries reach the state.
 *
 * Any server may apply any entry: positions and records change in one update, so an entry counts once whoever takes it in. A server
 * that pushed first takes in what others have appended before its own entries and nobody has taken in yet, then its own, and so can
 * say of each of its events what became of it. Nothing is owned, so nothing has to be handed over when a server dies.
 */
import { shapesOf } from '../definition/field.ts'
import type { Source } from '../definition/source.ts'
import type { Value } from '../expression/node.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Limits } from '../kernel/limits.ts'
import type { Entry, EventLog } from '../ports/event-log.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { LoggedRow, Verdict } from './apply.ts'
import { applyRows } from './apply.ts'
import type { Claims } from './claims.ts'
import { decodePosition, positionKey } from './positions.ts'
import type { RunningView, RunningViews } from './runtime.ts'

export const topicOfEvents = (source: string): string => `events.${source}`

export interface LaneOptions {
  readonly views: RunningViews
  readonly log: EventLog
  readonly store: OnlineStore
  readonly clock: Clock
  readonly limits: Limits
}

/** Rows of one entry, and of one update of the store: few enough that a prediction on the same thread hardly waits. */
const rowsPerEntry = 250
const entriesPerRead = 64

/** Rows of a push as they lie in the log. */
interface Pushed {
  readonly at: number
  readonly fields: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}
interface PushedEntry {
  readonly position: number
  readonly pushed: Pushed
}
interface Work extends PushedEntry {
  readonly verdicts: Promise<readonly Verdict[]>
  readonly done: (verdicts: readonly Verdict[]) => void
  readonly failed: (error: unknown) => void
}

export class Lane {
  readonly #source: Source
  readonly #partition: number
  readonly #views: readonly RunningView[]
  readonly #claims: Claims | null
  readonly #full: Map<string, number>
  readonly #options: LaneOptions
  /** Entries of this process that are in the log and wait to be applied, in the order of their positions. */
  readonly #queue: Work[] = []
  #working: Promise<void> | null = null
  /** One after another: what is being applied, and what catches up. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    source: Source,
    partition: number,
    views: readonly RunningView[],
    claims: Claims | null,
    full: Map<string, number>,
    options: LaneOptions,
  ) {
    this.#source = source
    this.#partition = partition
    this.#views = views
    this.#claims = claims
    this.#full = full
    this.#options = options
  }

  async push(rows: readonly (readonly Value[])[], now: number): Promise<readonly Verdict[]> {
    const fields = Object.keys(this.#source.fields)
    const entries: Pushed[] = []
    for (let from = 0; from < rows.length; from += rowsPerEntry)
      entries.push({ at: now, fields, rows: rows.slice(from, from + rowsPerEntry) })
    const appended = this.#options.log.append(topicOfEvents(this.#source.name), entries.map(toBytes), {
      partition: this.#partition,
    })
    await appended.durable
    const work = entries.map((pushed, i) => workFor(appended.position + i, pushed))
    const behind = this.#queue.findIndex(({ position }) => position > appended.position)
    this.#queue.splice(behind < 0 ? this.#queue.length : behind, 0, ...work)
    this.#working ??= this.#inTurn(() => this.#drain()).finally(() => {
      this.#working = null
    })
    return (await Promise.all(work.map(({ verdicts }) => verdicts))).flat()
  }

  /** Takes in what the log holds and the state does not. Gives the number of entries. */
  async catchUp(): Promise<number> {
    if (this.#views.length === 0) return 0
    return this.#inTurn(async () => {
      await this.#look()
      return this.#catchUpTo(Number.POSITIVE_INFINITY)
    })
  }

  /** The first position that the state of some view does not have, as far as this process knows. */
  position(): number {
    return Math.min(...this.#views.map(({ positions }) => positions[this.#partition] ?? 0))
  }

  async progress(): Promise<readonly { readonly view: string; readonly position: number; readonly behind: number }[]> {
    const ends = await this.#options.log.ends(topicOfEvents(this.#source.name))
    const end = ends[this.#partition] ?? 0
    await this.#look()
    return this.#views.map(({ plan, positions }) => {
      const position = positions[this.#partition] ?? 0
      return { view: plan.view.name, position, behind: Math.max(0, end - position) }
    })
  }

  async idle(): Promise<void> {
    while (this.#working !== null) await this.#working
    await this.#turn
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => {})
    return mine
  }

  async #drain(): Promise<void> {
    for (let group = this.#nextGroup(); group.length > 0; group = this.#nextGroup()) {
      try {
        const verdicts = await this.#take(group)
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

  /** Entries that follow each other, several at once where they are small. */
  #nextGroup(): readonly Work[] {
    const group: Work[] = []
    let rows = 0
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      rows += next.pushed.rows.length
      if (group.length > 0 && (rows > rowsPerEntry || next.position !== group.at(-1)!.position + 1)) break
      group.push(next)
      this.#queue.shift()
    }
    return group
  }

  async #take(group: readonly PushedEntry[]): Promise<readonly Verdict[]> {
    const { position } = group[0]!
    for (;;) {
      // Others may have taken in what lies before; if nobody has, it is done here.
      if (this.position() < position) await this.#look()
      await this.#catchUpTo(position)
      const verdicts = await this.#apply(group, position)
      if (verdicts !== null) return verdicts
    }
  }

  /** Entries before a position that some view lacks. */
  async #catchUpTo(end: number): Promise<number> {
    let taken = 0
    while (this.#views.length > 0 && this.position() < end) {
      const from = this.position()
      const entries = await this.#options.log.read(
        topicOfEvents(this.#source.name),
        this.#partition,
        from,
        Math.min(entriesPerRead, end - from),
      )
      const wanted = entries.filter(({ position }) => position < end).map(fromEntry)
      if (wanted.length === 0) break
      taken += await this.#takeAll(wanted, from)
    }
    return taken
  }

  /** Until one of them finds a state that is not as it was; gives how many were taken. */
  async #takeAll(entries: readonly PushedEntry[], start: number): Promise<number> {
    let from = start
    let taken = 0
    while (taken < entries.length) {
      let rows = entries[taken]!.pushed.rows.length
      let count = 1
      while (taken + count < entries.length && rows + entries[taken + count]!.pushed.rows.length <= rowsPerEntry)
        rows += entries[taken + count++]!.pushed.rows.length
      const group = entries.slice(taken, taken + count)
      if ((await this.#apply(group, from)) === null) return taken
      taken += count
      from = group.at(-1)!.position + 1
    }
    return taken
  }

  /** Null where the views were not as this process knew them; then it knows them. */
  async #apply(entries: readonly PushedEntry[], from: number): Promise<readonly Verdict[] | null> {
    const { views, store, limits } = this.#options
    const rows = entries.flatMap(({ position, pushed }) =>
      this.#rowsOf(pushed).map((values, row): LoggedRow => ({ values, at: pushed.at, position, row })),
    )
    const stretch = { lane: this.#partition, from, next: entries.at(-1)!.position + 1 }
    const applied = await applyRows(this.#views, this.#claims, store, limits, stretch, rows)
    if (applied === null) {
      await views.refresh()
      await this.#look()
      return null
    }
    for (const { key, until } of applied.full) this.#full.set(key, until)
    return applied.verdicts
  }

  /** Reads how far the state of each view has come. */
  async #look(): Promise<void> {
    await this.#options.store.read(
      this.#views.map(({ plan, state }) => positionKey(plan.hash, state.generation, this.#partition)),
      (i, bytes) => {
        this.#views[i]!.positions[this.#partition] = decodePosition(bytes)
      },
    )
  }

  /** In the order of the fields as they are defined now, which may not be that of when they were pushed. */
  #rowsOf({ fields, rows }: Pushed): readonly (readonly Value[])[] {
    const shapes = shapesOf(this.#source.fields)
    const places = shapes.map(({ name }) => fields.indexOf(name))
    return rows.map((row) => shapes.map(({ type }, i) => fromJson(row[places[i]!], type)))
  }
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

// --- the log's form of a push: JSON, with 64-bit integers beyond 2^53 as text

export const toBytes = (value: unknown): Uint8Array =>
  Buffer.from(JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)))
const decoder = new TextDecoder()
const fromEntry = ({ position, bytes }: Entry): PushedEntry => ({
  position,
  pushed: JSON.parse(decoder.decode(bytes)) as Pushed,
})
const fromJson = (value: unknown, type: string): Value =>
  type === 'int64' && typeof value === 'string' ? BigInt(value) : ((value ?? null) as Value)
