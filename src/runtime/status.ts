/**
 * What runs, how much of it, and how well: one look for the console, the command line and the metrics. It answers soon also while a
 * store does not, with what was last known of it.
 */
import type { BatchStatus, ModelStatus, NamedStoreReport, Status } from '../api/index.ts'
import type { Batches, Lookups } from '../batch/index.ts'
import type { Platform } from '../definition/graph.ts'
import { batchesOf } from '../definition/graph.ts'
import type { Ingest, RunningViews } from '../features/index.ts'
import type { Predictor } from '../inference/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Limits } from '../kernel/limits.ts'
import type { Outcomes } from '../monitoring/index.ts'
import type { Inspectable } from '../ports/inspection.ts'
import { recent } from './recent.ts'
import type { Servers } from './servers.ts'
import type { Stores } from './stores.ts'

interface Parts {
  readonly platform: Platform
  readonly views: RunningViews
  readonly predictors: ReadonlyMap<string, Predictor>
  readonly ingest: Ingest
  readonly outcomes: Outcomes
  readonly batches: Pick<Batches, 'standings'>
  readonly lookups: Pick<Lookups, 'counts'>
  readonly stores: Stores
  readonly servers: Servers
  readonly clock: Clock
  readonly limits: Limits
  readonly startedAt: number
}

/** Asked whenever somebody looks; those who look at once share an answer. */
const figuresMs = 0
const reportsMs = 5_000
const standingsMs = 1_000

export function statusReader(parts: Parts): () => Promise<Status> {
  const { platform, views, predictors, ingest, outcomes, batches, lookups, stores, servers, clock, limits, startedAt } =
    parts
  const tabled = batchesOf(platform).some(({ publish }) => publish.table !== null)
  const progress = recent(figuresMs, () => ingest.progress())
  const topics = recent(figuresMs, () => stores.log.topics())
  const size = recent(figuresMs, () => stores.online.size())
  const running = recent(figuresMs, () => servers.all())
  const standings = recent(standingsMs, () => batches.standings())
  const reports = recent(reportsMs, () => reportsOf(stores, tabled))
  return async () => {
    const looked = lookups.counts()
    const [taken, known, store, all, said, standing] = await Promise.all([
      progress.value(),
      topics.value(),
      size.value(),
      running.value(),
      reports.value(),
      standings.value(),
    ])
    return {
      now: clock.now(),
      startedAt,
      platform: platform.hash,
      models: modelsStatus(predictors, outcomes),
      views: views.all.map(({ plan: { view }, state }) => ({
        view: view.name,
        through: state.through,
        position: taken?.get(view.name)?.position ?? null,
        behind: taken?.get(view.name)?.behind ?? null,
      })),
      topics: (known ?? []).map(({ topic, ends, bytes }) => ({
        topic,
        end: ends.reduce((sum, end) => sum + end, 0),
        bytes,
      })),
      batches: (standing ?? []).map(
        ({ batch, live, stale, latest, schedule }): BatchStatus => ({
          batch,
          live: live === null ? null : { version: live.version, at: live.at },
          stale,
          latest: latest === null ? null : { version: latest.version, at: latest.at, state: latest.state },
          next: schedule?.next ?? null,
          lookups: looked[batch] ?? {},
        }),
      ),
      store,
      limits: { ...limits },
      servers: all ?? [],
      stores: said ?? [],
    }
  }
}

/** What this process knows by itself, also while every store is away. */
const modelsStatus = (predictors: ReadonlyMap<string, Predictor>, outcomes: Outcomes): readonly ModelStatus[] =>
  [...predictors.values()].map((one) => ({
    model: one.model.name,
    version: one.version,
    budget: { ...one.model.budget },
    waiting: one.waiting,
    measures: one.measures.snapshot(),
    scheduling: one
      .served()
      .versions.flatMap(({ version, detail }) =>
        detail === null ? [] : [{ version, snapshot: detail.scheduling, remote: detail.remote }],
      ),
    quality: outcomes.quality(one.model.name),
  }))

async function reportsOf(stores: Stores, tabled: boolean): Promise<readonly NamedStoreReport[]> {
  const ports = ['online', 'log', 'metadata', 'artifacts', 'offline'] as const
  const asked: readonly (readonly [port: string, store: Inspectable])[] = [
    ...ports.map((port) => [port, stores[port]] as const),
    ...(tabled && stores.serving !== null ? [['serving', stores.serving] as const] : []),
  ]
  return Promise.all(asked.map(async ([port, store]) => ({ port, report: await store.inspect() })))
}
