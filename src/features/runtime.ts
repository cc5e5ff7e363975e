/** A view as it runs in this process: its plan, and the encoder of its records' keys, which follows the generation that answers. */
import type { ViewPlan } from '../aggregation/plan.ts'
import { planOf } from '../aggregation/plan.ts'
import type { Platform } from '../definition/graph.ts'
import { allViewsOf } from '../definition/graph.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { KeyEncoder } from './key.ts'
import { keyEncoder } from './key.ts'
import type { Run, ViewState } from './view-state.ts'
import { readViewState, recordPrefix } from './view-state.ts'

export interface RunningView {
  readonly plan: ViewPlan
  /** As last read from the store. */
  state: ViewState
  /** For each lane of the log how far the state has come, as far as this process knows; nothing where it has not looked. */
  positions: Map<number, number>
  /** Under which the records of the generation that answers stand. */
  prefix: Uint8Array
  keyOf: KeyEncoder
  /** Where the generation is one that this run builds: its state stands in the run, and readers do not see it yet. */
  readonly building?: Run
}

export interface RunningViews {
  readonly all: readonly RunningView[]
  named(name: string): RunningView
  ofSource(source: string): readonly RunningView[]
  /** Reads again which generation answers. */
  refresh(): Promise<void>
}

export async function runningViews(platform: Platform, store: OnlineStore): Promise<RunningViews> {
  const all = await Promise.all(
    allViewsOf(platform).map(async (view): Promise<RunningView> => {
      const plan = planOf(view)
      const state = await readViewState(store, plan.hash, view.name)
      return { plan, state, positions: new Map(), ...keysFor(plan, state.generation) }
    }),
  )
  const byName = new Map(all.map((running) => [running.plan.view.name, running]))
  return {
    all,
    named: (name) => byName.get(name)!,
    ofSource: (source) => all.filter(({ plan }) => plan.view.basis.source.name === source),
    refresh: async () => {
      for (const running of all) adopt(running, await readViewState(store, running.plan.hash, running.plan.view.name))
    },
  }
}

export function keysFor(plan: ViewPlan, generation: number): { prefix: Uint8Array; keyOf: KeyEncoder } {
  const prefix = recordPrefix(plan.hash, generation)
  return { prefix, keyOf: keyEncoder(prefix, plan.view.basis.entity.key) }
}

export function adopt(running: RunningView, state: ViewState): void {
  if (state.generation !== running.state.generation)
    Object.assign(running, keysFor(running.plan, state.generation), {
      positions: new Map(),
    })
  running.state = state
}
