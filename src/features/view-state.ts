/**
 * What is known of a view's online state as a whole: from which history it was built. The state of a view is the history visible
 * by `through`, and of the log, as far as `positions.ts` says, what became visible after.
 */
import type { OnlineStore } from '../ports/online-store.ts'
import { prefixOf, space } from './key.ts'
import { patientRead } from './patient-read.ts'

export interface ViewState {
  readonly view: string
  /** Which set of records answers. A rebuild fills the next set and then steps over to it. */
  readonly generation: number
  /** History visible by this instant is part of the state; null when there is none. Pushes visible by then count as covered. */
  readonly through: number | null
  /** The first instant at which a pushed event of the state became visible. */
  readonly pushedFrom: number | null
  readonly run: Run | null
}

/** A run that has begun: the same as above for what it will leave, and the last entity it has written. */
export interface Run {
  readonly generation: number
  readonly through: number
  readonly cursor: readonly (string | number | boolean)[] | null
  readonly events: number
  /** Of a generation that is being built, once pushes are taken into it. */
  readonly pushedFrom?: number | null
}

/** Whether the run is as somebody has left it, but for the pushes taken into it. */
export const sameRun = (held: Run | null, left: Run): boolean =>
  held !== null &&
  held.generation === left.generation &&
  held.through === left.through &&
  JSON.stringify(held.cursor) === JSON.stringify(left.cursor)

export const viewStateKey = (hash: string): Uint8Array => prefixOf(space.view, hash)
export const recordPrefix = (hash: string, generation: number): Uint8Array =>
  prefixOf(space.state, `${hash} ${generation}`)

export const initialState = (view: string): ViewState => ({
  view,
  generation: 0,
  through: null,
  pushedFrom: null,
  run: null,
})

const decoder = new TextDecoder()
export const encodeViewState = (state: ViewState): Uint8Array => Buffer.from(JSON.stringify(state))
export const decodeViewState = (bytes: Uint8Array | null, view: string): ViewState =>
  bytes === null ? initialState(view) : (JSON.parse(decoder.decode(bytes)) as ViewState)

/** From when on pushes of the source belong to history: also while a run that extends it is under way. */
export const coveredThrough = ({ through, run, generation }: ViewState): number =>
  Math.max(
    through ?? Number.NEGATIVE_INFINITY,
    run !== null && run.generation === generation ? run.through : Number.NEGATIVE_INFINITY,
  )

export async function readViewState(store: OnlineStore, hash: string, view: string): Promise<ViewState> {
  let state = initialState(view)
  await patientRead(store, [viewStateKey(hash)], (_, bytes) => {
    state = decodeViewState(bytes, view)
  })
  return state
}
