/**
 * Online state from history. The same accumulators that pushed events go through take in the history, entity by entity, each
 * entity's record in one update together with how far the run has come; so a run that was killed goes on where it stopped, and
 * counts nothing twice.
 *
 * History that became visible since the last run is added to the state in place. Where pushes already brought some of it, or
 * nothing was built yet, the run fills a new generation of records beside the old one, then takes in the pushes that the old one
 * has, and steps over: readers see the old state whole, or the new one.
 *
 * Each update finds the run as the one before has left it, or changes nothing: where another process has taken it up, or the store
 * lost its last moments, the run goes on from where the store says that it is.
 */

import type { Event } from '../aggregation/order.ts'
import type { ViewPlan } from '../aggregation/plan.ts'
import type { EntityState } from '../aggregation/state.ts'
import { addToTiles, decode, emptyState, encode, expire } from '../aggregation/state.ts'
import type { Value } from '../expression/node.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import type { OfflineStore } from '../ports/offline-store.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { Claims } from './claims.ts'
import { claimsOf, decodeClaim, encodeClaim } from './claims.ts'
import { eventOf, keyOf, timesOf } from './event.ts'
import type { KeyEncoder } from './key.ts'
import type { RunningView } from './runtime.ts'
import { adopt, keysFor } from './runtime.ts'
import type { StepOptions } from './step-over.ts'
import { clearUnused, finish, stepOver } from './step-over.ts'
import type { Run, ViewState } from './view-state.ts'
import { decodeViewState, encodeViewState, sameRun, viewStateKey } from './view-state.ts'

export interface MaterializeOptions extends StepOptions {
  readonly offline: OfflineStore
  readonly limits: Limits
}

export interface MaterializeRequest {
  /** History visible by this instant; by default all there is, up to now. */
  readonly through: number | null
  /** Build anew, also where history could be added to what is there. */
  readonly rebuild: boolean
}

export interface Materialized {
  readonly view: string
  readonly mode: 'built' | 'extended' | 'up to date'
  readonly resumed: boolean
  readonly through: number | null
  readonly events: number
  readonly entities: number
  readonly milliseconds: number
}

/** `progress` is told the share of events done. */
export async function materialize(
  running: RunningView,
  request: MaterializeRequest,
  options: MaterializeOptions,
  progress: (done: number) => void,
): Promise<Materialized> {
  const { offline, clock } = options
  const { view } = running.plan
  const began = clock.monotonic()
  const summary = await offline.summarize(view.basis.source)
  const wanted = request.through ?? Math.min(clock.now(), summary.lastVisible ?? clock.now())
  if (wanted > clock.now())
    throw new SixfoldError(
      'SX_USAGE',
      `View '${view.name}' cannot be materialised through ${formatInstant(wanted)}, which is after now.`,
      { fix: 'Name an instant that has passed.' },
    )
  const total = Math.max(1, summary.rows - summary.withoutTime)
  /** The generation of a run that was begun here, which `rebuild` is not to begin once more. */
  let own: number | null = null
  for (let attempt = 0; attempt < attempts; attempt++) {
    const state = await begin(running, wanted, request.rebuild, own, options.store)
    const { run } = state
    if (run === null)
      return {
        view: view.name,
        mode: 'up to date',
        resumed: false,
        through: state.through,
        events: 0,
        entities: 0,
        milliseconds: clock.monotonic() - began,
      }
    own = run.generation
    await sweep(running, state, options.store)
    const done = await build(running, state, run, options, (events) => progress(Math.min(1, events / total)))
    if (done === null) continue
    adopt(running, done.state)
    progress(1)
    return {
      view: view.name,
      mode: run.generation === state.generation ? 'extended' : 'built',
      resumed: run.cursor !== null,
      through: done.state.through,
      events: done.events,
      entities: done.entities,
      milliseconds: clock.monotonic() - began,
    }
  }
  throw new SixfoldError('SX_STORE_LOCKED', `Another process builds view '${view.name}' again and again.`, {
    fix: 'Materialise a view from one place at a time.',
  })
}

/** How often a run is taken up again that was not as it had been left. */
const attempts = 10

/** Null where the run is not as this process left it. */
async function build(
  running: RunningView,
  state: ViewState,
  run: Run,
  options: MaterializeOptions,
  progress: (events: number) => void,
): Promise<{ readonly state: ViewState; readonly events: number; readonly entities: number } | null> {
  const { plan } = running
  const extending = run.generation === state.generation
  const { keyOf: encodeKey } = keysFor(plan, run.generation)
  let left = run
  let entities = 0
  let chunk = new Chunk(running, run.through, extending)
  const flush = async (): Promise<boolean> => {
    if (chunk.entities.length === 0) return true
    const written = await write(chunk, running, left, options)
    if (written === null) return false
    left = written
    entities += chunk.entities.length
    progress(left.events)
    chunk = new Chunk(running, run.through, extending)
    return true
  }
  const history = {
    source: plan.view.basis.source,
    view: plan.view,
    after: extending ? (state.through ?? Number.NEGATIVE_INFINITY) : Number.NEGATIVE_INFINITY,
    through: run.through,
    afterKey: cursorValues(run.cursor, running),
  }
  for await (const { rows } of options.offline.history(history)) {
    for (const row of rows) {
      const key = keyOf(plan, row)
      if (key === null) continue
      const full = chunk.events >= eventsPerUpdate || chunk.entities.length >= entitiesPerUpdate
      if (full && !chunk.isLast(key) && !(await flush())) return null
      chunk.add(key, row, encodeKey)
    }
  }
  if (!(await flush())) return null
  const finished = await (extending ? finish(running, left, [], options.store) : stepOver(running, left, options))
  return finished === null || finished === 'behind' ? null : { state: finished, events: left.events, entities }
}

const eventsPerUpdate = 4_000
const entitiesPerUpdate = 500

interface ChunkEntity {
  readonly key: readonly Value[]
  readonly bytes: Uint8Array
  /** Built from nothing, as events come. */
  readonly built: EntityState
  /** Of a run that extends: what is to be added to what is there. */
  readonly added: Event[]
}

/** Whole entities, to be written together. */
class Chunk {
  readonly entities: ChunkEntity[] = []
  readonly claimed: { readonly key: Uint8Array; readonly visible: number }[] = []
  events = 0
  readonly #plan: ViewPlan
  readonly #through: number
  readonly extending: boolean
  readonly #claims: Claims | null

  constructor({ plan }: RunningView, through: number, extending: boolean) {
    this.#plan = plan
    this.#through = through
    this.extending = extending
    this.#claims = claimsOf(plan.view.basis.source)
  }

  isLast(key: readonly Value[]): boolean {
    const last = this.entities.at(-1)?.key
    return last?.every((part, i) => part === key[i]) === true
  }

  add(key: readonly Value[], row: readonly Value[], encodeKey: KeyEncoder): void {
    const plan = this.#plan
    const times = timesOf(plan, row)
    if (typeof times === 'string') return
    if (!this.isLast(key)) this.entities.push({ key, bytes: encodeKey(key), built: emptyState(plan), added: [] })
    const entity = this.entities.at(-1)!
    const event = eventOf(plan, row, times)
    if (this.extending) entity.added.push(event)
    else addToTiles(entity.built, plan, event)
    this.events++
    const id = this.#claims === null ? null : row[this.#claims.field]!
    if (id !== null && event.visible > this.#through - this.#claims!.rememberMs)
      this.claimed.push({ key: this.#claims!.keyOf(id), visible: event.visible })
  }
}

/** Takes up a run that did not end, or begins one; `run` is null when there is nothing to do. */
async function begin(
  running: RunningView,
  wanted: number,
  rebuild: boolean,
  own: number | null,
  store: OnlineStore,
): Promise<ViewState> {
  const { plan } = running
  let state: ViewState | null = null
  let abandoned: number | null = null
  await store.update([viewStateKey(plan.hash)], ([bytes]) => {
    const before = decodeViewState(bytes!, plan.view.name)
    abandoned = null
    if (before.run?.through === wanted && (!rebuild || before.run.generation === own)) {
      state = before
      return [undefined]
    }
    // A run to another end: one that extends has to be finished before anything else is begun.
    if (before.run !== null && before.run.generation === before.generation && !rebuild) {
      state = before
      return [undefined]
    }
    // One that extends stands on the generation that answers, which goes on until the next is built.
    if (before.run !== null && before.run.generation !== before.generation) abandoned = before.run.generation
    const extends_ = !rebuild && before.through !== null && (before.pushedFrom === null || before.pushedFrom > wanted)
    if (extends_ && wanted <= before.through!) {
      state = { ...before, run: null }
      return [before.run === null ? undefined : encodeViewState(state)]
    }
    const generation = extends_ ? before.generation : Math.max(before.generation, abandoned ?? 0) + 1
    state = { ...before, run: { generation, through: wanted, cursor: null, events: 0 } }
    return [encodeViewState(state)]
  })
  if (abandoned !== null) await clearUnused(store, running, abandoned)
  return state!
}

/** One update for several entities, with the place that the run has come to; null where it was not as it had been left. */
async function write(
  chunk: Chunk,
  { plan }: RunningView,
  left: Run,
  { store, limits }: MaterializeOptions,
): Promise<Run | null> {
  const { entities, claimed, extending, events } = chunk
  const cursor = entities
    .at(-1)!
    .key.map((part) => (typeof part === 'bigint' ? String(part) : (part as string | number | boolean)))
  const next: Run = { ...left, cursor, events: left.events + events }
  const keys = [viewStateKey(plan.hash), ...entities.map(({ bytes }) => bytes), ...claimed.map(({ key }) => key)]
  let written = false
  await store.update(keys, ([own, ...values]) => {
    const state = decodeViewState(own!, plan.view.name)
    written = sameRun(state.run, left)
    if (!written) return []
    const records = entities.map(({ built, added }, i) => {
      const bytes = values[i]!
      const entity = extending && bytes !== null ? decode(bytes, plan, true) : built
      for (const event of added) addToTiles(entity, plan, event)
      expire(entity, plan, left.through - limits.skewMs)
      return encode(entity, plan)
    })
    const ids = claimed.map(({ visible }, i) => {
      const held = values[entities.length + i]!
      return held !== null && decodeClaim(held).position >= 0
        ? undefined
        : encodeClaim({ at: visible, lane: 0, position: -1, row: 0 })
    })
    return [encodeViewState({ ...state, run: next }), ...records, ...ids]
  })
  return written ? next : null
}

/** A run that was killed after it stepped over may have left the records of the generation before. */
async function sweep(running: RunningView, { generation }: ViewState, store: OnlineStore): Promise<void> {
  // A run that was abandoned before has taken a number of its own.
  for (const old of [generation - 1, generation - 2]) if (old >= 0) await clearUnused(store, running, old)
}

/** A cursor in JSON has 64-bit integers beyond 2^53 as text. */
function cursorValues(
  cursor: readonly (string | number | boolean)[] | null,
  { plan }: RunningView,
): readonly Value[] | null {
  if (cursor === null) return null
  return cursor.map((value, i) =>
    plan.fields[plan.keyFields[i]!]!.type === 'int64' && typeof value === 'string' ? BigInt(value) : value,
  )
}
