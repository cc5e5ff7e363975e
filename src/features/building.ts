/** A view as it will be once a run has ended: so that pushes are taken into what the run builds, as into what answers. */
import type { OnlineStore } from '../ports/online-store.ts'
import type { RunningView, RunningViews } from './runtime.ts'
import { keysFor } from './runtime.ts'
import type { Run, ViewState } from './view-state.ts'
import { decodeViewState, readViewState, sameRun } from './view-state.ts'

/** The run has ended, or is not as it was left: so nothing is to be added to what it built. */
export class NoSuchRun extends Error {}

/**
 * What the state will be when the run ends; null where there is no such run. One that went back with its store has records to write
 * again, and what pushes had added to them would be gone.
 */
function stateOf(state: ViewState, left: Run): ViewState | null {
  const { run } = state
  if (run === null || !sameRun(run, left)) return null
  return {
    ...state,
    generation: run.generation,
    through: run.through,
    pushedFrom: run.pushedFrom ?? null,
    run: null,
  }
}

/** The state of a view's records as a lane takes entries into them: of those that answer, or of those that are being built. */
export function stateFor({ plan, building }: RunningView, bytes: Uint8Array | null): ViewState | null {
  const state = decodeViewState(bytes, plan.view.name)
  return building === undefined ? state : stateOf(state, building)
}

/** What is to be stored when pushes have changed it. */
export function withPushes({ plan, building }: RunningView, bytes: Uint8Array | null, pushedFrom: number | null) {
  const state = decodeViewState(bytes, plan.view.name)
  return building === undefined ? { ...state, pushedFrom } : { ...state, run: { ...state.run!, pushedFrom } }
}

/** Once the run has written all of its history. Null where it is no longer as it was left. */
export async function buildingView({ plan }: RunningView, left: Run, store: OnlineStore): Promise<RunningView | null> {
  const state = stateOf(await readViewState(store, plan.hash, plan.view.name), left)
  return state && { plan, state, positions: new Map(), ...keysFor(plan, left.generation), building: left }
}

/** For lanes over one view that is being built. */
export const buildingViews = (view: RunningView, store: OnlineStore): RunningViews => ({
  all: [view],
  named: () => view,
  ofSource: () => [view],
  refresh: async () => {
    const { plan, building } = view
    const state = stateOf(await readViewState(store, plan.hash, plan.view.name), building!)
    if (state === null) throw new NoSuchRun()
    view.state = state
  },
})
