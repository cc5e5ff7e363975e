/** The registry put together for a process: what moves versions, what answers here, who is told. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { KeyRing } from '../access/index.ts'
import { keysOf } from '../access/index.ts'
import { webhookSender } from '../adapters/http/webhook-sender.ts'
import type { Platform } from '../definition/graph.ts'
import type { PredictionReader, Predictor } from '../inference/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { atMost } from '../kernel/persist.ts'
import type { ModelRuntime } from '../ports/model-runtime.ts'
import type { Registry, Serving, VersionFiles, WebhookDelivery } from '../registry/index.ts'
import {
  lineageOf,
  modelCard,
  registry,
  serving,
  validator,
  versionFiles,
  webhookDelivery,
  webhooksOf,
} from '../registry/index.ts'
import type { Answering } from './answering.ts'
import { answering } from './answering.ts'
import { pendingRollbacks } from './pending-rollbacks.ts'
import type { Stores } from './stores.ts'

/** How long whoever rolls back waits for the earlier version to be loaded. */
const loadMs = 500

export interface RegistryOptions {
  readonly platform: Platform
  readonly stores: Stores
  readonly models: ModelRuntime
  readonly predictors: ReadonlyMap<string, Predictor>
  readonly predictions: PredictionReader
  readonly keys: KeyRing
  readonly logger: Logger
  readonly environment: string
  readonly webhooks: { readonly allowPrivate: boolean }
  /** The folder of data of this process. */
  readonly data: string
  /** False for a process that works beside a server. */
  readonly serves: boolean
}

export interface OpenedRegistry {
  readonly registry: Registry
  readonly serving: Serving
  readonly answering: Answering
  readonly deliveries: WebhookDelivery
  readonly files: VersionFiles
  /** Others reach this process: webhooks no longer reach what only this machine does. */
  expose(): void
  close(): Promise<void>
}

export function openRegistry(options: RegistryOptions): OpenedRegistry {
  const { platform, stores, models, predictors, predictions, keys, logger, environment, data, serves } = options
  const { metadata, artifacts, offline, online } = stores
  const { registry: store, tracking } = metadata
  // The registry's time is the machine's, also where a replay moves the clock.
  const clock = systemClock()
  const folder = join(data, 'versions')
  const inForce = serving({
    registry: store,
    pending: pendingRollbacks(join(data, 'pending'), online),
    environment,
    models: [...predictors.keys()],
    say: (text, about) => logger.warn(about, text),
  })
  const files = versionFiles(folder, artifacts)
  const answers = answering({
    serving: inForce,
    files,
    find: (model, version) => store.version(model, version),
    predictors,
    logger,
  })
  let exposed = false
  const sender = webhookSender({
    ...options.webhooks,
    // Where nobody but this machine is served, receivers on it are the user's own.
    get allowLoopback() {
      return !exposed
    },
  })
  const made = registry({
    ...{ platform, store, tracking, artifacts, models, clock, environment, folder },
    alone: serves
      ? {
          pending: inForce.pending,
          rollBackAlone: async (...asked) => {
            const made = await inForce.rollBackAlone(...asked)
            // What is answered after this is answered by the earlier version; unless that takes long, or its files are out of reach.
            await atMost(loadMs, answers.load())
            return made
          },
        }
      : null,
    validator: validator({ models, offline, artifacts, store, temporaryFolder: join(data, 'tmp') }),
    card: async (version, form) => modelCard(version, form),
    lineage: lineageOf({ platform, store, tracking, metadata, predictions, environment }),
    keys: keysOf({ store, now: Date.now, changed: () => keys.refresh() }),
    webhooks: webhooksOf({ store, sender, now: Date.now }),
  })
  const deliveries = webhookDelivery({
    store,
    sender,
    now: Date.now,
    gaveUp: ({ webhook, entry }, error) =>
      logger.error({ webhook: webhook.id, entry: entry.number, error }, 'A webhook is not told any more.'),
  })
  return {
    registry: made,
    serving: inForce,
    answering: answers,
    deliveries,
    files,
    expose: () => {
      exposed = true
    },
    close: async () => {
      await deliveries.close()
      sender.close()
    },
  }
}
