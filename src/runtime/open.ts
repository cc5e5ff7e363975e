/**
 * The composition root: a platform and a data folder become stores, patterns and services. The only place that knows which
 * technology stands behind a port.
 */
import { basename, isAbsolute, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { pino } from 'pino'
import { duckdbOfflineStore } from '../adapters/duckdb/offline-store.ts'
import { fileArtifactStore } from '../adapters/files/artifact-store.ts'
import { fileEventLog } from '../adapters/files/event-log.ts'
import { lmdbOnlineStore } from '../adapters/lmdb/online-store.ts'
import { onnxModelRuntime } from '../adapters/onnx/model-runtime.ts'
import { sqliteMetadataStore } from '../adapters/sqlite/metadata-store.ts'
import type { Explanation, FeatureAnswer, PlatformDescription, Services, Status } from '../api/index.ts'
import { graphOf } from '../api/index.ts'
import type { Platform } from '../definition/graph.ts'
import { modelNamed, modelsOf, viewNamed } from '../definition/graph.ts'
import type { Value } from '../expression/node.ts'
import type { Ingest, Materialized, MaterializeRequest, RunningViews } from '../features/index.ts'
import { featureReader, ingest, materialize, runningViews } from '../features/index.ts'
import type { Prediction, Predictor, Question } from '../inference/index.ts'
import { fieldsReader, predictionReader, predictor } from '../inference/index.ts'
import type { Clock, ManualClock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import { limits as standardLimits } from '../kernel/limits.ts'
import type { Outcomes } from '../monitoring/index.ts'
import { outcomes } from '../monitoring/index.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { OfflineStore } from '../ports/offline-store.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { AddedVersion, RegistryOptions } from '../registry/index.ts'
import { addVersion, loadLive } from '../registry/index.ts'
import { explain } from './explain.ts'
import { statusOf } from './status.ts'

export interface OpenOptions {
  /** Where state, logs, models and metadata lie; from the project's folder. By default '.sixfold'. */
  readonly data?: string
  /** From which paths in definitions start. By default the working folder. */
  readonly project?: string
  readonly limits?: Partial<Limits>
  /** 'always': an acknowledged event also survives the loss of power. By default it does within a second. */
  readonly sync?: 'always' | 'second'
  readonly clock?: Clock
  readonly logger?: Logger
  /** False for a process that works beside a server: it takes no events and answers no predictions. */
  readonly serving?: boolean
  readonly duckdb?: { readonly threads?: number; readonly memory?: string }
}

export interface Opened extends Services {
  readonly logger: Logger
  readonly clock: Clock
  readonly stores: {
    readonly online: OnlineStore
    readonly offline: OfflineStore
    readonly log: EventLog
    readonly metadata: MetadataStore
    readonly artifacts: ArtifactStore
  }
  readonly views: RunningViews
  readonly ingest: Ingest
  readonly outcomes: Outcomes
  addModel(model: string, path: string, note: string | null): Promise<AddedVersion>
  materialize(view: string, request: MaterializeRequest, progress: (done: number) => void): Promise<Materialized>
  /** Loads versions that have become live, and follows state that was rebuilt. Done by itself every second. */
  refresh(): Promise<void>
  close(): Promise<void>
}

const refreshMs = 1_000

export async function open(platform: Platform, options: OpenOptions = {}): Promise<Opened> {
  const project = resolve(options.project ?? '.')
  const data = under(project, options.data ?? '.sixfold')
  const limits: Limits = { ...standardLimits, ...options.limits }
  const clock = options.clock ?? systemClock()
  const logger = options.logger ?? pino({ level: 'silent' })
  const serving = options.serving ?? true

  const log = fileEventLog({
    folder: join(data, 'log'),
    writable: serving,
    segmentBytes: limits.segmentBytes,
    bufferBytes: limits.logBufferBytes,
    sync: options.sync ?? 'second',
  })
  const store = lmdbOnlineStore(join(data, 'online'))
  const metadata = await sqliteMetadataStore(join(data, 'metadata.sqlite'))
  const artifacts = fileArtifactStore(join(data, 'artifacts'))
  const offline = duckdbOfflineStore({ projectFolder: project, temporaryFolder: join(data, 'tmp'), ...options.duckdb })
  const models = onnxModelRuntime()
  const registry: RegistryOptions = { artifacts, metadata, models, clock }

  const views = await runningViews(platform, store)
  const events = ingest({ platform, views, log, store, clock, limits })
  const predictions = predictionReader(log)
  const joined = outcomes({ platform, predictions, log, store, clock, limits })
  const predictors = new Map<string, Predictor>(
    modelsOf(platform).map((model) => [model.name, predictor(model, { views, store, log, clock, limits })]),
  )
  const readers = new Map(viewReaders(views, store))
  const startedAt = clock.now()

  if (serving) {
    const entries = (await events.catchUp()) + (await joined.catchUp())
    if (entries > 0) logger.info({ entries }, 'Took in what the log held and the state did not.')
  }
  /** What was last said of a model that cannot be loaded: it is tried every second, and said once. */
  const told = new Map<string, string>()
  const loadModels = async (): Promise<void> => {
    for (const running of predictors.values()) {
      try {
        const live = await loadLive(running.model, registry, running.version)
        if (live !== null) {
          running.serve(live.version, live.loaded)
          told.delete(running.model.name)
          logger.info({ model: running.model.name, version: live.version }, 'A version answers.')
        }
      } catch (error) {
        // The version that answered goes on answering; where there was none, the fallback does.
        const why = error instanceof Error ? error.message : String(error)
        if (told.get(running.model.name) === why) continue
        told.set(running.model.name, why)
        logger.error({ err: error, model: running.model.name }, 'A version cannot be loaded.')
      }
    }
  }
  const refresh = async (): Promise<void> => {
    await views.refresh()
    // A view rebuilt by another process lacks the pushes that became visible since its history.
    if (serving) await events.catchUp()
    if (serving) await loadModels()
  }
  if (serving) await loadModels()
  let refreshing: Promise<void> | null = null
  const timer = setInterval(() => {
    refreshing ??= refresh()
      .catch((error: unknown) => logger.error({ err: error }, 'Could not look for new versions.'))
      .finally(() => {
        refreshing = null
      })
  }, refreshMs)
  timer.unref()

  return {
    platform,
    limits,
    logger,
    clock,
    stores: { online: store, offline, log, metadata, artifacts },
    views,
    ingest: events,
    outcomes: joined,
    advanceClock: 'advanceTo' in clock ? (to) => (clock as ManualClock).advanceTo(to) : null,
    predict: (model: string, question: Question): Promise<Prediction> => {
      const running = predictors.get(model)
      return running === undefined ? Promise.reject(unknownModel(platform, model)) : running.predict(question)
    },
    readFeatures: (view, keys, at) => readFeatures(readers, platform, view, keys, at, clock, limits),
    push: (source, rows) => events.push(source, rows),
    recordOutcomes: (inputs) => joined.record(inputs),
    explain: (id): Promise<Explanation> => explain(id, platform, predictions, joined),
    status: (): Promise<Status> =>
      statusOf({ platform, views, predictors, outcomes: joined, log, store, clock, limits, startedAt }),
    describe: (): PlatformDescription => ({
      name: basename(project),
      hash: platform.hash,
      graph: graphOf(platform),
    }),
    addModel: async (model, path, note) =>
      addVersion(modelNamed(platform, model), under(project, path), note, registry),
    materialize: async (view, request, progress) => {
      const running = views.named(viewNamed(platform, view).name)
      const result = await materialize(running, request, { offline, store, clock, limits }, progress)
      if (serving) await events.catchUp()
      return result
    },
    refresh,
    close: async () => {
      clearInterval(timer)
      if (refreshing !== null) await refreshing
      await events.idle()
      for (const running of predictors.values()) await running.close()
      await log.close()
      await offline.close()
      await store.close()
      await metadata.close()
    },
  }
}

const under = (folder: string, path: string): string => (isAbsolute(path) ? path : join(folder, path))

function unknownModel(platform: Platform, name: string): unknown {
  try {
    return modelNamed(platform, name)
  } catch (error) {
    return error
  }
}

// --- features of one view

interface ViewReading {
  readonly keys: ReturnType<typeof fieldsReader>
  readonly reader: ReturnType<typeof featureReader>
}

function viewReaders(views: RunningViews, store: OnlineStore): readonly (readonly [string, ViewReading])[] {
  return views.all.map(({ plan: { view } }) => {
    const keys = fieldsReader(view.key, 'keys', `view '${view.name}'`)
    return [view.name, { keys, reader: featureReader([{ group: view.name, view }], keys.names, views, store) }] as const
  })
}

async function readFeatures(
  readers: ReadonlyMap<string, ViewReading>,
  platform: Platform,
  name: string,
  keys: unknown,
  at: number | undefined,
  clock: Clock,
  limits: Limits,
): Promise<FeatureAnswer> {
  const reading = readers.get(viewNamed(platform, name).name)!
  const now = clock.now()
  const moment = at ?? now
  if (!(moment <= now + limits.futureMs))
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `view '${name}': 'at' is ${Number.isNaN(moment) ? 'no date' : `${formatInstant(moment)}, after now, ${formatInstant(now)}`}.`,
      { fix: "Leave 'at' out to ask about now." },
    )
  const values: Value[] = []
  const newest = new Float64Array(1)
  reading.keys.read(keys, values, 0)
  const features: Value[] = []
  await reading.reader.read(values, moment, features, 0, newest)
  const known = !Number.isNaN(newest[0]!)
  return {
    view: name,
    at: moment,
    entity: known ? 'known' : 'never seen',
    newest: known ? newest[0]! : null,
    features: Object.fromEntries(reading.reader.groups[0]!.features.map((feature, i) => [feature.name, features[i]])),
  }
}
