/** The end of a run that materialises: what it has built takes the place of what answered, and that is deleted. */
import type { Clock } from '../kernel/clock.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import { buildingView, NoSuchRun } from './building.ts'
import type { Lane } from './lane.ts'
import { decodePosition, positionKey, positionsPrefix } from './positions.ts'
import type { RunningView } from './runtime.ts'
import type { Run, ViewState } from './view-state.ts'
import { decodeViewState, encodeViewState, readViewState, recordPrefix, sameRun, viewStateKey } from './view-state.ts'

export interface StepOptions {
  readonly store: OnlineStore
  readonly clock: Clock
  /** Of the log that the view's pushes lie in, over the generation that is being built. */
  lanesOver(building: RunningView): Promise<readonly Lane[]>
}

/**
 * Takes in the pushes that the generation which answers has, and steps over when none is missing. Pushes that go on all the while
 * may keep ahead by a few; after a while they are left for later, when whoever serves takes them in.
 */
export async function stepOver(running: RunningView, left: Run, options: StepOptions): Promise<ViewState | null> {
  const { store, clock } = options
  const building = await buildingView(running, left, store)
  if (building === null) return null
  const lanes = await options.lanesOver(building)
  const until = clock.monotonic() + stepWithinMs
  try {
    for (;;) {
      for (const lane of lanes) await lane.catchUp()
      const wanted = clock.monotonic() < until ? lanes.map(({ place }) => place.lane) : []
      const finished = await finish(running, left, wanted, store)
      if (finished !== 'behind') return finished
    }
  } catch (error) {
    if (error instanceof NoSuchRun) return null
    throw error
  }
}

const stepWithinMs = 10_000

/** Ends the run: 'behind' where it lacks entries of these lanes that the generation which answers has. Null where it is another's. */
export async function finish(
  { plan }: RunningView,
  left: Run,
  lanes: readonly number[],
  store: OnlineStore,
): Promise<ViewState | 'behind' | null> {
  let result: ViewState | 'behind' | null = null
  let old: number | null = null
  const generations = await readViewState(store, plan.hash, plan.view.name)
  const positions = lanes.flatMap((lane) => [
    positionKey(plan.hash, generations.generation, lane),
    positionKey(plan.hash, left.generation, lane),
  ])
  await store.update([viewStateKey(plan.hash), ...positions], ([bytes, ...held]) => {
    const before = decodeViewState(bytes!, plan.view.name)
    const { run } = before
    result = null
    old = null
    if (!sameRun(run, left) || before.generation !== generations.generation) return []
    const extended = left.generation === before.generation
    if (lanes.some((_, i) => decodePosition(held[2 * i]!) > decodePosition(held[2 * i + 1]!))) {
      result = 'behind'
      return []
    }
    if (!extended) old = before.generation
    result = {
      ...before,
      generation: left.generation,
      through: left.through,
      pushedFrom: extended ? before.pushedFrom : (run!.pushedFrom ?? null),
      run: null,
    }
    return [encodeViewState(result)]
  })
  if (old !== null) await clearGeneration(store, plan.hash, old)
  return result
}

/** Deletes the records of a generation, and how far they had come; gives the number of records. */
export async function clearGeneration(store: OnlineStore, hash: string, generation: number): Promise<number> {
  const records = await store.clear(recordPrefix(hash, generation))
  await store.clear(positionsPrefix(hash, generation))
  return records
}
