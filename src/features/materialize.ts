/**
 * Online state from history. The same accumulators that pushed events go through take in the history, entity by entity, each
 * entity's record in one update together with how far the run has come; so a run that was killed goes on where it stopped, and
 * counts nothing twice.
 *
 * History that became visible since the last run is added to the state in place. Where pushes already brought some of it, or
 * nothing was built yet, the run fills a new generation of records beside the old one, and steps over when it is complete:
 * readers see the old state whole, or the new one.
 */

import type { Event } from '../aggregation/order.ts'
import type { ViewPlan } from '../aggregation/plan.ts'
import type { EntityState } from '../aggregation/state.ts'
import { addToTiles, decode, emptyState, encode, expire } from '../aggregation/state.ts'
import type { Value } from '../expression/node.ts'
import type { Clock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import type { OfflineStore } from '../ports/offline-store.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { Claims } from './claims.ts'
import { claimsOf, decodeClaim, encodeClaim } from './claims.ts'
import { eventOf, keyOf, timesOf } from './event.ts'
import type { KeyEncoder } from './key.ts'
import { positionsPrefix } from './positions.ts'
import type { RunningView } from './runtime.ts'
import { adopt, keysFor } from './runtime.ts'
import type { ViewState } from './view-state.ts'
import { decodeViewState, encodeViewState, recordPrefix, viewStateKey } from './view-state.ts'

export interface MaterializeOptions {
  readonly offline: OfflineStore
  readonly store: OnlineStore
  readonly clock: Clock
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
  const { offline, store, clock } = options
  const { plan } = running
  const name = plan.view.name
  const began = clock.monotonic()
  const summary = await offline.summarize(plan.view.basis.source)
  const wanted = request.through ?? Math.min(clock.now(), summary.lastVisible ?? clock.now())
  if (wanted > clock.now())
    throw new SixfoldError(
      'SX_USAGE',
      `View '${name}' cannot be materialised through ${formatInstant(wanted)}, which is after now.`,
      { fix: 'Name an instant that has passed.' },
    )

  let state = await begin(running, wanted, request.rebuild, store)
  const { run } = state
  if (run === null)
    return {
      view: name,
      mode: 'up to date',
      resumed: false,
      through: state.through,
      events: 0,
      entities: 0,
      milliseconds: clock.monotonic() - began,
    }
  await sweep(running, state, store)
  const extending = run.generation === state.generation
  const after = extending ? (state.through ?? Number.NEGATIVE_INFINITY) : Number.NEGATIVE_INFINITY
  const { keyOf: encodeKey } = keysFor(plan, run.generation)

  let events = run.events
  let entities = 0
  const total = Math.max(1, summary.rows - summary.withoutTime)
  let chunk = new Chunk(running, run.through, extending)
  const flush = async (): Promise<void> => {
    if (chunk.entities.length === 0) return
    await write(chunk, running, run.through, options)
    entities += chunk.entities.length
    events += chunk.events
    progress(Math.min(1, events / total))
    chunk = new Chunk(running, run.through, extending)
  }
  const history = {
    source: plan.view.basis.source,
    view: plan.view,
    after,
    through: run.through,
    afterKey: cursorValues(run.cursor, running),
  }
  for await (const { rows } of offline.history(history)) {
    for (const row of rows) {
      const key = keyOf(plan, row)
      if (key === null) continue
      if (!chunk.isLast(key) && (chunk.events >= eventsPerUpdate || chunk.entities.length >= entitiesPerUpdate))
        await flush()
      chunk.add(key, row, encodeKey)
    }
  }
  await flush()
  state = await finish(running, store)
  adopt(running, state)
  progress(1)
  return {
    view: name,
    mode: extending ? 'extended' : 'built',
    resumed: run.cursor !== null,
    through: state.through,
    events,
    entities,
    milliseconds: clock.monotonic() - began,
  }
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
async function begin({ plan }: RunningView, wanted: number, rebuild: boolean, store: OnlineStore): Promise<ViewState> {
  let state: ViewState | null = null
  let abandoned: number | null = null
  await store.update([viewStateKey(plan.hash)], ([bytes]) => {
    const before = decodeViewState(bytes!, plan.view.name)
    abandoned = null
    if (before.run !== null && !rebuild && before.run.through === wanted) {
      state = before
      return [undefined]
    }
    // A run to another end: one that extends has to be finished before anything else is begun.
    if (before.run !== null && before.run.generation === before.generation && !rebuild) {
      state = before
      return [undefined]
    }
    if (before.run !== null) abandoned = before.run.generation
    const extends_ = !rebuild && before.through !== null && (before.pushedFrom === null || before.pushedFrom > wanted)
    if (extends_ && wanted <= before.through!) {
      state = { ...before, run: null }
      return [before.run === null ? undefined : encodeViewState(state)]
    }
    const generation = extends_ ? before.generation : Math.max(before.generation, abandoned ?? 0) + 1
    state = { ...before, run: { generation, through: wanted, cursor: null, events: 0 } }
    return [encodeViewState(state)]
  })
  if (abandoned !== null) await clearGeneration(store, plan.hash, abandoned)
  return state!
}

/** One update for several entities, with the place that the run has come to. */
async function write(
  chunk: Chunk,
  { plan }: RunningView,
  through: number,
  { store, limits }: MaterializeOptions,
): Promise<void> {
  const { entities, claimed, extending, events } = chunk
  const cursor = entities
    .at(-1)!
    .key.map((part) => (typeof part === 'bigint' ? String(part) : (part as string | number | boolean)))
  const keys = [viewStateKey(plan.hash), ...entities.map(({ bytes }) => bytes), ...claimed.map(({ key }) => key)]
  await store.update(keys, ([own, ...values]) => {
    const state = decodeViewState(own!, plan.view.name)
    const { run } = state
    if (run === null)
      throw new SixfoldError(
        'SX_INTERNAL',
        `The run that builds view '${plan.view.name}' was ended by another process.`,
      )
    const records = entities.map(({ built, added }, i) => {
      const bytes = values[i]!
      const entity = extending && bytes !== null ? decode(bytes, plan, true) : built
      for (const event of added) addToTiles(entity, plan, event)
      expire(entity, plan, through - limits.skewMs)
      return encode(entity, plan)
    })
    const ids = claimed.map(({ visible }, i) => {
      const held = values[entities.length + i]!
      return held !== null && decodeClaim(held).position >= 0
        ? undefined
        : encodeClaim({ at: visible, lane: 0, position: -1, row: 0 })
    })
    return [encodeViewState({ ...state, run: { ...run, cursor, events: run.events + events } }), ...records, ...ids]
  })
}

/** A run that was killed after it stepped over may have left the records of the generation before. */
async function sweep({ plan }: RunningView, { generation }: ViewState, store: OnlineStore): Promise<void> {
  // A run that was abandoned before has taken a number of its own.
  for (const old of [generation - 1, generation - 2]) if (old >= 0) await clearGeneration(store, plan.hash, old)
}

/** Deletes the records of a generation, and how far they had come; gives the number of records. */
export async function clearGeneration(store: OnlineStore, hash: string, generation: number): Promise<number> {
  const records = await store.clear(recordPrefix(hash, generation))
  await store.clear(positionsPrefix(hash, generation))
  return records
}

/** Steps over to what was built. Pushes that became visible after are taken from the log again, into the new generation. */
async function finish({ plan }: RunningView, store: OnlineStore): Promise<ViewState> {
  let state: ViewState | null = null
  let old: number | null = null
  await store.update([viewStateKey(plan.hash)], ([bytes]) => {
    const before = decodeViewState(bytes!, plan.view.name)
    const run = before.run!
    const extended = run.generation === before.generation
    old = extended ? null : before.generation
    state = {
      ...before,
      generation: run.generation,
      through: run.through,
      pushedFrom: extended ? before.pushedFrom : null,
      run: null,
    }
    return [encodeViewState(state)]
  })
  if (old !== null) await clearGeneration(store, plan.hash, old)
  return state!
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
