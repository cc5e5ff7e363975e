/** Batches, put together of the stores and what computes. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { lineageSender } from '../adapters/http/lineage-sender.ts'
import type { SparkSettings } from '../adapters/spark/submit.ts'
import type { Batches, Lookups, Rates } from '../batch/index.ts'
import { batches, localEngine, lookups, sparkEngine, telling } from '../batch/index.ts'
import type { Platform } from '../definition/graph.ts'
import { batchesOf } from '../definition/graph.ts'
import type { Prediction, Question, StandIn } from '../inference/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { Limits } from '../kernel/limits.ts'
import type { ModelRuntime } from '../ports/model-runtime.ts'
import type { VersionFiles } from '../registry/index.ts'
import { sparkRunner } from './spark.ts'
import type { Stores } from './stores.ts'
import { version } from './version.ts'

export interface BatchParts {
  readonly platform: Platform
  readonly environment: string
  readonly stores: Stores
  readonly files: VersionFiles
  readonly models: ModelRuntime
  readonly data: string
  readonly project: string
  readonly clock: Clock
  readonly limits: Limits
  readonly spark: SparkSettings
  readonly rates: Rates | null
  /** Who is told of runs; null: nobody. */
  readonly openlineage: { readonly url: string; readonly key: string | null } | null
  readonly logger: Logger
  readonly serving: boolean
  predict(model: string, question: Question): Promise<Prediction>
}

export interface OpenedBatches {
  readonly service: Batches
  readonly lookups: Lookups
}

export function openBatches(parts: BatchParts): OpenedBatches {
  const {
    platform,
    environment,
    stores,
    files,
    models,
    data,
    project,
    clock,
    spark,
    rates,
    predict,
    openlineage,
    logger,
    serving,
  } = parts
  const { metadata, artifacts, offline, online } = stores
  const wanting = batchesOf(platform).find(({ publish }) => publish.table !== null)
  if (wanting !== undefined && stores.serving === null)
    throw new SixfoldError(
      'SX_CONFIG_INVALID',
      `The batch '${wanting.name}' is to be a table of PostgreSQL, and no PostgreSQL is configured.`,
      { fix: 'Name it in `stores.serving` or SIXFOLD_SERVING_URL; or leave out publish.table.' },
    )
  const now = (): number => clock.now()
  const holder = `${hostname()} ${process.pid} ${randomBytes(3).toString('hex')}`
  const looking = lookups({
    ...{ platform, environment, store: metadata.batches, online, rows: offline.batch, artifacts, holder, now, predict },
    serving,
  })
  const engines = {
    local: localEngine({ runtime: models, rows: offline.batch }),
    spark: sparkEngine({ runtime: models, rows: offline.batch, runner: sparkRunner(spark, project) }),
  }
  const service = batches({
    ...{ platform, environment, store: metadata.batches, registry: metadata.registry, artifacts, rows: offline.batch },
    ...{ files, tables: stores.serving, published: looking.published, rates, holder, now, release: version },
    engine: (name) => engines[name],
    leaseMs: parts.limits.batchLeaseMs,
    folder: join(data, 'batches'),
    lookup: async (batch, keys) => {
      // A command is not told of what goes live: it looks.
      await looking.refresh()
      return looking.lookup(batch, keys)
    },
  })
  if (openlineage === null) return { service, lookups: looking }
  const sender = lineageSender({ ...openlineage, log: (about, words) => logger.warn(about, words) })
  return { service: telling(service, metadata.batches, sender), lookups: looking }
}

/** The batch that stands in for a model which does not answer; null where none does. */
export function standInOf(platform: Platform, model: string, exact: Lookups['exact']): StandIn | null {
  const batch = batchesOf(platform).find((one) => one.model.name === model && one.publish.standIn)
  if (batch === undefined) return null
  return { key: Object.keys(batch.key), ask: (key) => exact(batch.name, key) }
}

const alignMs = 60_000

/** Of batches that are tables as well: a server puts right what a publication left half done. Null: there are none. */
export function keepTablesAligned(
  platform: Platform,
  { align }: Pick<Batches, 'align'>,
  met: (error: unknown) => void,
): { close(): Promise<void> } | null {
  if (batchesOf(platform).every(({ publish }) => publish.table === null)) return null
  const ending = new AbortController()
  let working: Promise<void> | null = null
  const look = (): void => {
    working ??= align(ending.signal)
      .catch((error: unknown) => {
        if (!ending.signal.aborted) met(error)
      })
      .finally(() => {
        working = null
      })
  }
  look()
  const timer = setInterval(look, alignMs)
  timer.unref()
  return {
    close: async () => {
      clearInterval(timer)
      ending.abort()
      await working
    },
  }
}
