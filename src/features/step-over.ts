/** The end of a run that materialises: what it has built takes the place of what answered, and that is deleted. */
import type { Clock } from '../kernel/clock.ts'
import type { Held, OnlineStore } from '../ports/online-store.ts'
import { buildingView, NoSuchRun } from './building.ts'
import type { Lane } from './lane.ts'
import { patientRead } from './patient-read.ts'
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
  running: RunningView,
  left: Run,
  lanes: readonly number[],
  store: OnlineStore,
): Promise<ViewState | 'behind' | null> {
  const { plan } = running
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
  if (old !== null) await clearUnused(store, running, old)
  return result
}

/** Deletes the records of a generation, and how far they had come; gives the number of records. */
export async function clearGeneration(
  store: OnlineStore,
  hash: string,
  generation: number,
  held?: Held,
): Promise<number> {
  const records = await store.clear(recordPrefix(hash, generation), held)
  await store.clear(positionsPrefix(hash, generation), held)
  return records
}

/**
 * The same for a generation that neither answers nor is being built, and for as long as that is so: a store that loses its last
 * moments meanwhile needs what it stood on before.
 */
export async function clearUnused(store: OnlineStore, { plan }: RunningView, generation: number): Promise<void> {
  const key = viewStateKey(plan.hash)
  const read = async (): Promise<Buffer | null> => {
    let found: Buffer | null = null
    await patientRead(store, [key], (_, bytes) => {
      found = bytes && Buffer.from(bytes)
    })
    return found
  }
  for (let value = await read(); value !== null; ) {
    const state = decodeViewState(value, plan.view.name)
    if (state.generation === generation || state.run?.generation === generation) return
    await clearGeneration(store, plan.hash, generation, { key, value })
    const now = await read()
    if (now?.equals(value)) return
    value = now
  }
}
