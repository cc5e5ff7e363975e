/** The composition root: a platform and its stores become patterns and services. */
import { randomBytes } from 'node:crypto'
import { basename, isAbsolute, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { pino } from 'pino'
import type { KeyRing } from '../access/index.ts'
import { keyRing } from '../access/index.ts'
import { onnxModelRuntime } from '../adapters/onnx/model-runtime.ts'
import type { RemoteRequest } from '../adapters/remote/describe.ts'
import { remoteFile } from '../adapters/remote/describe.ts'
import { withRemotes } from '../adapters/remote/model-runtime.ts'
import { remoteText } from '../adapters/remote/remote-file.ts'
import type { SparkSettings } from '../adapters/spark/submit.ts'
import { standardSpark } from '../adapters/spark/submit.ts'
import type { Explanation, FeatureAnswer, PlatformDescription, Services, Status } from '../api/index.ts'
import { graphOf } from '../api/index.ts'
import type { Rates } from '../batch/index.ts'
import type { Platform } from '../definition/graph.ts'
import { historiesOf, modelNamed, modelsOf, viewNamed } from '../definition/graph.ts'
import type { Value } from '../expression/node.ts'
import type { Ingest, Materialized, MaterializeRequest, RunningViews } from '../features/index.ts'
import { featureReader, ingest, materialize, runningViews } from '../features/index.ts'
import type { Prediction, Predictor, Question } from '../inference/index.ts'
import { fieldsReader, nameOfSchema, predictionReader, predictor } from '../inference/index.ts'
import type { Clock, ManualClock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import { limits as standardLimits } from '../kernel/limits.ts'
import { atMost } from '../kernel/persist.ts'
import type { Outcomes } from '../monitoring/index.ts'
import { outcomes } from '../monitoring/index.ts'
import type { ModelRuntime } from '../ports/model-runtime.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { Registry } from '../registry/index.ts'
import type { Tracking } from '../tracking/index.ts'
import { files, tracking } from '../tracking/index.ts'
import { attributing } from './attributions.ts'
import { keepTablesAligned, openBatches, standInOf } from './batches.ts'
import { checkBelonging } from './belonging.ts'
import type { ModelConfig } from './compute.ts'
import { computeOf } from './compute.ts'
import { standardEnvironment } from './environment.ts'
import { explain } from './explain.ts'
import { openRegistry } from './registry.ts'
import type { Servers } from './servers.ts'
import { serversOf } from './servers.ts'
import { statusReader } from './status.ts'
import type { StoreChoices, Stores } from './stores.ts'
import { openStores } from './stores.ts'
import { dropSuperseded } from './superseded.ts'

export interface OpenOptions {
  /** Where state, logs, models and metadata lie; from the project's folder. By default '.sixfold'. */
  readonly data?: string
  /** Where shared stores are, a URL each; what is not named lies in the data folder. */
  readonly stores?: StoreChoices
  /** From which paths in definitions start. By default the working folder. */
  readonly project?: string
  /** In which versions are put in production, and from which this answers. By default 'default'. */
  readonly environment?: string
  readonly limits?: Partial<Limits>
  /** 'always': an acknowledged event also survives the loss of power. By default it does within a second. */
  readonly sync?: 'always' | 'second'
  readonly clock?: Clock
  readonly logger?: Logger
  /** False for a process that works beside a server: it takes no events and answers no predictions. */
  readonly serving?: boolean
  readonly duckdb?: { readonly threads?: number; readonly memory?: string }
  /** A key of at least 32 characters that lies in no store and may everything, where a server needs keys. */
  readonly adminKey?: string | null
  /** How models are computed here, by name. */
  readonly models?: { readonly [model: string]: ModelConfig }
  /** Servers on which models may be, and which are asked: 'http://triton:8000'. By default none. */
  readonly remotes?: readonly string[]
  /** Tokens with which some of them know who asks, by their address. */
  readonly remoteTokens?: { readonly [remote: string]: string }
  /** How Spark is started for batches, and what they cost. */
  readonly batch?: { readonly spark?: SparkSettings; readonly rates?: Rates | null }
  /** Who is told of runs of batches. By default nobody. */
  readonly openlineage?: { readonly url: string; readonly key: string | null } | null
  /** Whether webhooks may go to private networks. By default not. */
  readonly webhooks?: { readonly allowPrivate: boolean }
}

export interface Opened extends Services {
  readonly logger: Logger
  readonly clock: Clock
  readonly stores: Stores
  readonly keys: KeyRing
  /** From which paths in definitions start. */
  readonly project: string
  /** The folder of data of this process. */
  readonly data: string
  readonly models: ModelRuntime
  /** What a version of a model on another server is made of, as that server says it. */
  describeRemote(request: RemoteRequest): Promise<string>
  readonly servers: Servers
  readonly views: RunningViews
  readonly ingest: Ingest
  readonly outcomes: Outcomes
  readonly registry: Registry
  readonly tracking: Tracking
  /** How models are computed from now on, by name. Resolves when it is so. */
  reconfigure(models: { readonly [model: string]: ModelConfig }): Promise<void>
  /** Others than this machine reach what listens here. */
  expose(): void
  materialize(view: string, request: MaterializeRequest, progress: (done: number) => void): Promise<Materialized>
  /** Loads versions that have become live, and follows state that was rebuilt. Done by itself every second. */
  refresh(): Promise<void>
  close(): Promise<void>
}

const refreshMs = 1_000
const lookMs = 500
const sweepMs = 60_000
const closeMs = 2_000

export async function open(platform: Platform, options: OpenOptions = {}): Promise<Opened> {
  const project = resolve(options.project ?? '.')
  const data = under(project, options.data ?? '.sixfold')
  const limits: Limits = { ...standardLimits, ...options.limits }
  const clock = options.clock ?? systemClock()
  const logger = options.logger ?? pino({ level: 'silent' })
  const serving = options.serving ?? true

  const stores = await openStores(options.stores ?? {}, {
    data,
    project,
    limits,
    sync: options.sync ?? 'second',
    duckdb: options.duckdb ?? {},
    serving,
    histories: historiesOf(platform),
  })
  try {
    return await opened(platform, stores, {
      project,
      data,
      environment: options.environment ?? standardEnvironment,
      limits,
      clock,
      logger,
      serving,
      adminKey: options.adminKey ?? null,
      compute: options.models ?? {},
      webhooks: options.webhooks ?? { allowPrivate: false },
      remotes: options.remotes ?? [],
      remoteTokens: options.remoteTokens ?? {},
      spark: options.batch?.spark ?? standardSpark,
      rates: options.batch?.rates ?? null,
      openlineage: options.openlineage ?? null,
    })
  } catch (error) {
    await stores.close()
    throw error
  }
}

interface Settled {
  readonly project: string
  readonly data: string
  readonly environment: string
  readonly webhooks: { readonly allowPrivate: boolean }
  readonly remotes: readonly string[]
  readonly remoteTokens: { readonly [remote: string]: string }
  readonly spark: SparkSettings
  readonly rates: Rates | null
  readonly openlineage: { readonly url: string; readonly key: string | null } | null
  readonly compute: { readonly [model: string]: ModelConfig }
  readonly limits: Limits
  readonly clock: Clock
  readonly logger: Logger
  readonly serving: boolean
  readonly adminKey: string | null
}

async function opened(
  platform: Platform,
  stores: Stores,
  {
    project,
    data,
    environment,
    webhooks,
    remotes,
    remoteTokens,
    spark,
    rates,
    openlineage,
    compute,
    limits,
    clock,
    logger,
    serving,
    adminKey,
  }: Settled,
): Promise<Opened> {
  const { log, online: store, metadata, offline } = stores
  const models = withRemotes(onnxModelRuntime(), remotes, remoteTokens)
  const keys = keyRing({ store: metadata.registry, now: Date.now, adminKey })
  await checkBelonging(store, log.identity)

  const views = await runningViews(platform, store)
  const events = await ingest({ platform, views, log, store, clock, limits })
  const predictions = predictionReader(log, metadata)
  const joined = outcomes({ platform, predictions, log, store, clock, limits })
  const predictors = new Map<string, Predictor>(
    modelsOf(platform).map((model) => [
      model.name,
      predictor(model, {
        ...{ views, store, log, clock, limits, runtime: models },
        compute: computeOf(compute[model.name], limits),
        standIn: standInOf(platform, model.name, (batch, key) => lookups.exact(batch, key)),
      }),
    ]),
  )
  const readers = new Map(viewReaders(views, store))
  const {
    registry,
    answering,
    deliveries,
    files: versions,
    ...registered
  } = openRegistry({
    ...{ platform, stores, models, predictors, predictions, keys, logger, environment, webhooks, data },
    serves: serving,
  })
  const predict = (model: string, question: Question): Promise<Prediction> => {
    const running = predictors.get(model)
    return running === undefined ? Promise.reject(unknownModel(platform, model)) : running.predict(question)
  }
  const check = (model: string, question: Question): void => {
    const running = predictors.get(model)
    if (running === undefined) throw unknownModel(platform, model)
    running.check(question)
  }
  const { service: batches, lookups } = openBatches({
    ...{ platform, environment, stores, models, data, project, clock, limits, spark, rates, predict, openlineage },
    ...{ logger, serving },
    files: versions,
  })
  const attributions = attributing({
    ...{ platform, predictions, models, files: versions },
    find: (name, version) => metadata.registry.version(name, version),
  })
  const machine = systemClock()
  const tracked = files({
    ...{ store: metadata.tracking, registryStore: metadata.registry, artifacts: stores.artifacts, limits },
    ...{ folder: join(data, 'uploads'), clock: machine },
  })
  if (serving) await tracked.sweep()
  const startedAt = clock.now()
  const servers = serversOf(store, randomBytes(6).toString('hex'), platform.hash)

  if (serving) {
    for (const { schema } of predictors.values()) await metadata.keepForm(nameOfSchema(schema), JSON.stringify(schema))
    const entries = (await events.catchUp()) + (await joined.catchUp())
    if (entries > 0) logger.info({ entries }, 'Took in what the log held and the state did not.')
  }
  /** Of old state that no server uses any more, if this server runs what was applied last. */
  let swept = Number.NEGATIVE_INFINITY
  const sweep = async (): Promise<void> => {
    if (performance.now() - swept < sweepMs) return
    swept = performance.now()
    if ((await metadata.applied())?.hash !== platform.hash) return
    const { dropped } = await dropSuperseded(metadata, store, await servers.all())
    if (dropped > 0) logger.info({ records: dropped }, 'Old state that no server uses any more was dropped.')
  }
  /** Each also where another fails: a store that is away keeps nobody from the others. */
  const refresh = async (): Promise<void> => {
    const work: (() => Promise<unknown>)[] = serving
      ? [
          // A store that was wiped meanwhile is to say again whose it is, before a server with another log asks.
          () => checkBelonging(store, log.identity),
          async () => {
            await views.refresh()
            // A view rebuilt by another process lacks the pushes that became visible since its history.
            await events.catchUp()
          },
          () => joined.catchUp(),
          answering.refresh,
          keys.refresh,
          deliveries.turn,
          () => servers.beat(),
          sweep,
        ]
      : [() => views.refresh()]
    const failed = (await Promise.allSettled(work.map((one) => one()))).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }
  if (serving) await answering.refresh()
  if (serving) await lookups.refresh()
  await keys.refresh()
  if (serving) await servers.beat()
  const following = serving ? await events.follow() : null
  const troubled = sayOnce(logger)
  let refreshing: Promise<void> | null = null
  const timer = setInterval(() => {
    refreshing ??= refresh()
      .then(() => troubled.over(), troubled.met)
      .finally(() => {
        refreshing = null
      })
  }, refreshMs)
  timer.unref()
  // For itself: the others wait for stores that are away, and a roll back is in force without them.
  let looking: Promise<void> | null = null
  const looks = setInterval(() => {
    looking ??= answering
      .look()
      .catch(troubled.met)
      .finally(() => {
        looking = null
      })
  }, lookMs)
  looks.unref()
  // And this for itself again: it waits for the metadata store, where a roll back must not.
  let pointing: Promise<void> | null = null
  const points = setInterval(() => {
    pointing ??= lookups
      .refresh()
      .catch(() => {})
      .finally(() => {
        pointing = null
      })
  }, lookMs)
  points.unref()
  if (!serving) clearInterval(points)
  if (!serving) clearInterval(looks)
  const aligning = serving ? keepTablesAligned(platform, batches, troubled.met) : null

  return {
    platform,
    limits,
    logger,
    clock,
    stores,
    keys,
    project,
    data,
    models,
    describeRemote: async (request) => remoteText(await remoteFile(request, remotes, remoteTokens)),
    servers,
    views,
    ingest: events,
    outcomes: joined,
    advanceClock: 'advanceTo' in clock ? (to) => (clock as ManualClock).advanceTo(to) : null,
    predict,
    check,
    // A server follows what is live; it need not look for each question.
    batches: serving ? { ...batches, lookup: lookups.lookup } : batches,
    inference: {
      infer: async (name, version, call) => {
        const running = predictors.get(name)
        if (running === undefined) throw unknownModel(platform, name)
        if (answering.isUnloaded(name))
          throw new SixfoldError(
            'SX_MODEL_UNREADY',
            `Request for unknown model: '${name}' has no available versions: it was unloaded here`,
          )
        return running.infer(version, call)
      },
      served: answering.served,
      of: answering.of,
      ready: () => answering.settled,
      pipeline: (name) => {
        const running = predictors.get(name)
        if (running === undefined) throw unknownModel(platform, name)
        const { predictions, stages } = running.measures.snapshot()
        const lastAnswer = running.serving?.lastAnswer ?? null
        return { predictions, meanMs: predictions === 0 ? 0 : stages.total.mean, lastAnswer }
      },
      load: answering.loadBeside,
      unload: answering.unload,
    },
    readFeatures: (view, keys, at) => readFeatures(readers, platform, view, keys, at, clock, limits),
    push: (source, rows) => events.push(source, rows),
    recordOutcomes: (inputs) => joined.record(inputs),
    explain: (id, wanted): Promise<Explanation> =>
      explain(id, {
        platform,
        predictions,
        outcomes: joined,
        attributions: wanted?.attributions ? attributions : null,
      }),
    status: statusReader({
      platform,
      batches,
      lookups,
      views,
      predictors,
      ingest: events,
      outcomes: joined,
      stores,
      servers,
      clock,
      limits,
      startedAt,
    }) satisfies () => Promise<Status>,
    describe: (): PlatformDescription => ({
      name: basename(project),
      hash: platform.hash,
      graph: graphOf(platform),
    }),
    registry,
    tracking: tracking({
      store: metadata.tracking,
      registryStore: metadata.registry,
      registry,
      files: tracked,
      clock: machine,
    }),
    expose: registered.expose,
    reconfigure: async (models) => {
      for (const [name, running] of predictors) running.reconfigure(computeOf(models[name], limits))
      await answering.load()
    },
    materialize: async (view, request, progress) => {
      const running = views.named(viewNamed(platform, view).name)
      const { lanesOver } = events
      const result = await materialize(running, request, { offline, store, clock, limits, lanesOver }, progress)
      if (serving) await events.catchUp()
      return result
    },
    refresh,
    close: async () => {
      clearInterval(timer)
      clearInterval(looks)
      clearInterval(points)
      if (looking !== null) await atMost(closeMs, looking)
      if (pointing !== null) await atMost(closeMs, pointing)
      // While a store is away these try for longer than whoever stops a server would wait.
      if (refreshing !== null) await atMost(closeMs, refreshing)
      if (aligning !== null) await atMost(closeMs, aligning.close())
      if (following !== null) await atMost(closeMs, following.close())
      await lookups.close()
      await registered.close()
      await events.idle()
      for (const running of predictors.values()) await running.close()
      // Where the store is away, the others forget this server by themselves.
      if (serving) await atMost(closeMs, servers.leave())
      await stores.close()
    },
  }
}

/** What fails every second is said once, and when it is over. */
function sayOnce(logger: Logger): { readonly met: (error: unknown) => void; readonly over: () => void } {
  let said: string | null = null
  return {
    met: (error) => {
      const why = error instanceof Error ? error.message : String(error)
      if (said === why) return
      said = why
      logger.error({ err: error }, 'A store does not answer as it should; it is tried again every second.')
    },
    over: () => {
      if (said === null) return
      said = null
      logger.info('The stores answer again.')
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
