/**
 * A lane: one partition of a topic that a source's events come by, and how its entries reach the state.
 *
 * Any server may apply any entry: positions and records change in one update, so an entry counts once whoever takes it in. A server
 * that pushed first takes in what others have appended before its own entries and nobody has taken in yet, then its own, and so can
 * say of each of its events what became of it. Nothing is owned, so nothing has to be handed over when a server dies.
 */
import type { Value } from '../expression/node.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Limits } from '../kernel/limits.ts'
import type { Entry, EventLog } from '../ports/event-log.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { LoggedRow, Verdict } from './apply.ts'
import { applyRows } from './apply.ts'
import type { Claims } from './claims.ts'
import { patientRead } from './patient-read.ts'
import { decodePosition, positionKey } from './positions.ts'
import type { RunningView, RunningViews } from './runtime.ts'

export interface LaneOptions {
  readonly views: RunningViews
  readonly log: EventLog
  readonly store: OnlineStore
  readonly clock: Clock
  readonly limits: Limits
}

/** Rows of one entry, and of one update of the store: few enough that a prediction on the same thread hardly waits. */
const rowsPerEntry = 250
const entriesPerRead = 256

/** What an entry holds. */
export interface Rows {
  /** When it was pushed. */
  readonly at: number
  readonly rows: readonly (readonly Value[])[]
}
/** How rows lie in the entries of a topic. */
export interface Codec {
  encode(rows: Rows): Uint8Array
  decode(entry: Entry): Rows
}

interface Taken extends Rows {
  readonly position: number
}
interface Work extends Taken {
  readonly verdicts: Promise<readonly Verdict[]>
  readonly done: (verdicts: readonly Verdict[]) => void
  readonly failed: (error: unknown) => void
}

/** Where a lane is. */
export interface LanePlace {
  readonly topic: string
  readonly partition: number
  /** Its number among all lanes of the source, which never changes. */
  readonly lane: number
}

export class Lane {
  readonly place: LanePlace
  readonly #codec: Codec
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
    place: LanePlace,
    codec: Codec,
    views: readonly RunningView[],
    claims: Claims | null,
    full: Map<string, number>,
    options: LaneOptions,
  ) {
    this.place = place
    this.#codec = codec
    this.#views = views
    this.#claims = claims
    this.#full = full
    this.#options = options
  }

  async push(rows: readonly (readonly Value[])[], now: number): Promise<readonly Verdict[]> {
    const { topic, partition } = this.place
    const parts: Rows[] = []
    for (let from = 0; from < rows.length; from += rowsPerEntry)
      parts.push({ at: now, rows: rows.slice(from, from + rowsPerEntry) })
    const appended = this.#options.log.append(topic, parts.map(this.#codec.encode), { partition })
    await appended.durable
    const work = parts.map((part, i) => workFor(appended.position + i, part))
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
    return Math.min(...this.#views.map(({ positions }) => positions.get(this.place.lane) ?? 0))
  }

  async progress(): Promise<readonly { readonly view: string; readonly position: number; readonly behind: number }[]> {
    const ends = await this.#options.log.ends(this.place.topic)
    const end = ends[this.place.partition] ?? 0
    await this.#look()
    return this.#views.map(({ plan, positions }) => {
      const position = positions.get(this.place.lane) ?? 0
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
        for (const { rows, done } of group) {
          done(verdicts.slice(at, at + rows.length))
          at += rows.length
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
      rows += next.rows.length
      if (group.length > 0 && (rows > rowsPerEntry || next.position !== group.at(-1)!.position + 1)) break
      group.push(next)
      this.#queue.shift()
    }
    return group
  }

  async #take(group: readonly Taken[]): Promise<readonly Verdict[]> {
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
        this.place.topic,
        this.place.partition,
        from,
        Math.min(entriesPerRead, end - from),
      )
      const wanted = entries.filter(({ position }) => position < end).map(this.#decode)
      if (wanted.length === 0) break
      taken += await this.#takeAll(wanted, from)
    }
    return taken
  }

  /** Until one of them finds a state that is not as it was; gives how many were taken. */
  async #takeAll(entries: readonly Taken[], start: number): Promise<number> {
    let from = start
    let taken = 0
    while (taken < entries.length) {
      let rows = entries[taken]!.rows.length
      let count = 1
      while (taken + count < entries.length && rows + entries[taken + count]!.rows.length <= rowsPerEntry)
        rows += entries[taken + count++]!.rows.length
      const group = entries.slice(taken, taken + count)
      if ((await this.#apply(group, from)) === null) return taken
      taken += count
      from = group.at(-1)!.position + 1
    }
    return taken
  }

  /** Null where the views were not as this process knew them; then it knows them. */
  async #apply(entries: readonly Taken[], from: number): Promise<readonly Verdict[] | null> {
    const { views, store, limits } = this.#options
    const rows = entries.flatMap(({ position, at, rows }) =>
      rows.map((values, row): LoggedRow => ({ values, at, position, row })),
    )
    const stretch = { lane: this.place.lane, from, next: entries.at(-1)!.position + 1 }
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
    await patientRead(
      this.#options.store,
      this.#views.map(({ plan, state }) => positionKey(plan.hash, state.generation, this.place.lane)),
      (i, bytes) => {
        this.#views[i]!.positions.set(this.place.lane, decodePosition(bytes))
      },
    )
  }

  readonly #decode = (entry: Entry): Taken => ({ position: entry.position, ...this.#codec.decode(entry) })
}

function workFor(position: number, rows: Rows): Work {
  let done: Work['done'] = () => {}
  let failed: Work['failed'] = () => {}
  const verdicts = new Promise<readonly Verdict[]>((yes, no) => {
    done = yes
    failed = no
  })
  // Whoever pushed may have gone; a failure is not to end the process.
  verdicts.catch(() => {})
  return { position, ...rows, verdicts, done, failed }
}
