/**
 * Entries of one lane of a source's log, applied to the states of all views of the source, in one atomic update with the positions
 * that say so: an entry that is applied again, after a crash, by another process or for a view that lags, changes nothing that has
 * it already.
 */
import type { Event } from '../aggregation/order.ts'
import { apply, decode, emptyState, encode } from '../aggregation/state.ts'
import type { Value } from '../expression/node.ts'
import type { Limits } from '../kernel/limits.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import { stateFor, withPushes } from './building.ts'
import type { Claim, Claims } from './claims.ts'
import { decodeClaim, encodeClaim, mayClaim, replaces } from './claims.ts'
import { eventOf, keyOf, timesOf } from './event.ts'
import { decodePosition, encodePosition, positionKey } from './positions.ts'
import type { RunningView } from './runtime.ts'
import { adopt } from './runtime.ts'
import type { ViewState } from './view-state.ts'
import { coveredThrough, encodeViewState, viewStateKey } from './view-state.ts'

export interface LoggedRow {
  readonly values: readonly Value[]
  /** When it was pushed, its entry's position, and its place in the entry. */
  readonly at: number
  readonly position: number
  readonly row: number
}

export type Verdict = 'accepted' | 'duplicates' | 'covered'

export interface Applied {
  /** For each row. */
  readonly verdicts: readonly Verdict[]
  /** Records with more events waiting than the limit, and the instant at which there will be fewer. */
  readonly full: readonly { readonly key: string; readonly until: number }[]
}

/** A stretch of a lane: every entry from `from` on and before `next`. */
export interface Stretch {
  readonly lane: number
  readonly from: number
  readonly next: number
}

/**
 * Null, and nothing is changed, where a view has stepped over to another generation, or does not have all that lies before the
 * stretch: its state was rebuilt, or its store lost its last moments. Then the views have to be read again.
 */
export async function applyRows(
  views: readonly RunningView[],
  claims: Claims | null,
  store: OnlineStore,
  limits: Limits,
  stretch: Stretch,
  rows: readonly LoggedRow[],
): Promise<Applied | null> {
  const task = taskFor(views, claims, stretch, rows)
  let change: Change | null = null
  await store.update(task.keys, (values) => {
    change = changeOf(task, views, claims, limits, values)
    return change === null ? [] : change.written
  })
  // Read again: the closure may have been called several times.
  const done = change as Change | null
  if (done === null) return null
  for (const [i, running] of views.entries()) {
    adopt(running, done.states[i]!)
    running.positions.set(stretch.lane, done.positions[i]!)
  }
  return done
}

export const textOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')

interface Task {
  readonly stretch: Stretch
  readonly rows: readonly LoggedRow[]
  /** The views' states, then their positions, then the ids, then the records. */
  readonly keys: readonly Uint8Array[]
  /** For each row the index of its id among the keys; -1 for none. */
  readonly ids: readonly number[]
  /** For each view its records: the index among the keys, and the events with their rows. */
  readonly records: readonly ReadonlyMap<
    string,
    { readonly index: number; readonly events: { readonly row: number; readonly event: Event }[] }
  >[]
  readonly generations: readonly number[]
}

function taskFor(
  views: readonly RunningView[],
  claims: Claims | null,
  stretch: Stretch,
  rows: readonly LoggedRow[],
): Task {
  const keys: Uint8Array[] = [
    ...views.map(({ plan }) => viewStateKey(plan.hash)),
    ...views.map(({ plan, state }) => positionKey(plan.hash, state.generation, stretch.lane)),
  ]
  const known = new Map<string, number>()
  const ids = rows.map(({ values }) => {
    const id = claims === null ? null : values[claims.field]!
    if (id === null) return -1
    const key = claims!.keyOf(id)
    const index = known.get(textOf(key)) ?? keys.push(key) - 1
    known.set(textOf(key), index)
    return index
  })
  const records = views.map(({ plan, keyOf: encodeKey }) => {
    const byKey = new Map<string, { index: number; events: { row: number; event: Event }[] }>()
    for (const [row, { values }] of rows.entries()) {
      const parts = keyOf(plan, values)
      const times = timesOf(plan, values)
      if (parts === null || typeof times === 'string') continue
      const key = encodeKey(parts)
      const record = byKey.get(textOf(key)) ?? { index: keys.push(key) - 1, events: [] }
      byKey.set(textOf(key), record)
      record.events.push({ row, event: eventOf(plan, values, times) })
    }
    return byKey
  })
  return { stretch, rows, keys, ids, records, generations: views.map(({ state }) => state.generation) }
}

interface Change extends Applied {
  readonly written: readonly (Uint8Array | null | undefined)[]
  readonly states: readonly ViewState[]
  readonly positions: readonly number[]
}

/** Pure. Null when a view's state is not one that the task was made for. */
function changeOf(
  task: Task,
  views: readonly RunningView[],
  claims: Claims | null,
  limits: Limits,
  values: readonly (Uint8Array | null)[],
): Change | null {
  const { from, next } = task.stretch
  const found = views.map((view, i) => stateFor(view, values[i]!))
  if (found.some((state, i) => state?.generation !== task.generations[i])) return null
  const states = found as readonly ViewState[]
  const before = views.map((_, i) => decodePosition(values[views.length + i]!))
  if (before.some((position) => position < from)) return null
  const written: (Uint8Array | null | undefined)[] = new Array<undefined>(task.keys.length).fill(undefined)
  const first = claim(task, claims, values, written)
  const verdicts = first.map(
    (isFirst): Verdict => (!isFirst ? 'duplicates' : views.length === 0 ? 'accepted' : 'covered'),
  )
  const full: { key: string; until: number }[] = []

  const after = views.map(({ plan }, v): ViewState => {
    const state = states[v]!
    const covered = coveredThrough(state)
    let { pushedFrom } = state
    for (const [key, { index, events }] of task.records[v]!) {
      const counting = events.filter(({ row, event }) => first[row] && event.visible > covered)
      for (const { row } of counting) verdicts[row] = 'accepted'
      const due = counting.filter(({ row }) => task.rows[row]!.position >= before[v]!)
      if (due.length === 0) continue
      const entity = values[index] === null ? emptyState(plan) : decode(values[index]!, plan, true)
      for (const { row, event } of due) {
        apply(entity, plan, [event], task.rows[row]!.at, limits)
        pushedFrom = Math.min(pushedFrom ?? event.visible, event.visible)
      }
      const excess = entity.waiting.length - limits.pendingEvents
      if (excess > 0) full.push({ key, until: entity.waiting[excess - 1]!.visible })
      written[index] = encode(entity, plan)
    }
    if (before[v]! < next) written[views.length + v] = encodePosition(next)
    if (pushedFrom === state.pushedFrom) return state
    written[v] = encodeViewState(withPushes(views[v]!, values[v]!, pushedFrom))
    return { ...state, pushedFrom }
  })
  return { written, states: after, positions: before.map((position) => Math.max(position, next)), verdicts, full }
}

/** For each row whether it is the first with its id; rows without an id are. */
function claim(
  { rows, ids, stretch }: Task,
  claims: Claims | null,
  values: readonly (Uint8Array | null)[],
  written: (Uint8Array | null | undefined)[],
): readonly boolean[] {
  const made = new Map<number, Claim>()
  return rows.map(({ at, position, row }, i) => {
    const index = ids[i]!
    if (index < 0) return true
    const own: Claim = { at, lane: stretch.lane, position, row }
    const stored = values[index]
    const held = made.get(index) ?? (stored == null ? null : decodeClaim(stored))
    if (!mayClaim(held, own, claims!.rememberMs)) return false
    if (replaces(held, own)) {
      made.set(index, own)
      written[index] = encodeClaim(own)
    }
    return true
  })
}
