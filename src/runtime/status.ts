/** What runs, how much of it, and how well: one look for the console and the command line. */

import type { Status } from '../api/index.ts'
import type { Platform } from '../definition/graph.ts'
import type { RunningViews } from '../features/index.ts'
import { topicOfEvents } from '../features/index.ts'
import type { Predictor } from '../inference/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Limits } from '../kernel/limits.ts'
import type { Outcomes } from '../monitoring/index.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { OnlineStore } from '../ports/online-store.ts'

interface Parts {
  readonly platform: Platform
  readonly views: RunningViews
  readonly predictors: ReadonlyMap<string, Predictor>
  readonly outcomes: Outcomes
  readonly log: EventLog
  readonly store: OnlineStore
  readonly clock: Clock
  readonly limits: Limits
  readonly startedAt: number
}

export async function statusOf({
  platform,
  views,
  predictors,
  outcomes,
  log,
  store,
  clock,
  limits,
  startedAt,
}: Parts): Promise<Status> {
  const topics = await log.topics()
  const endOf = (topic: string): number => topics.find((known) => known.topic === topic)?.end ?? 0
  return {
    now: clock.now(),
    startedAt,
    platform: platform.hash,
    models: [...predictors.values()].map((running) => ({
      model: running.model.name,
      version: running.version,
      budget: { ...running.model.budget },
      waiting: running.waiting,
      measures: running.measures.snapshot(),
      quality: outcomes.quality(running.model.name),
    })),
    views: views.all.map(({ plan, state }) => ({
      view: plan.view.name,
      through: state.through,
      position: state.position,
      behind: Math.max(0, endOf(topicOfEvents(plan.view.basis.source.name)) - state.position),
    })),
    topics,
    store: await store.size(),
    limits: { ...limits },
  }
}
