/**
 * Opens the stores behind the ports: the only place that knows which technology stands behind one. The drivers of a shared store are
 * loaded where one is configured, and only there.
 */
import { join } from 'node:path'
import type { Limits } from '../kernel/limits.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { OfflineStore } from '../ports/offline-store.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { ServingTables } from '../ports/serving-tables.ts'
import type { StoreSettings } from './store-settings.ts'
import type { StoreChoices } from './store-urls.ts'
import { settingsOf } from './store-urls.ts'

export type { StoreSettings } from './store-settings.ts'
export type { StoreChoices } from './store-urls.ts'

interface Ports {
  readonly online: OnlineStore
  readonly log: EventLog
  readonly metadata: MetadataStore
  readonly artifacts: ArtifactStore
  readonly offline: OfflineStore
  /** Null: none is configured, and no batch can ask for it. */
  readonly serving: ServingTables | null
}
export interface Stores extends Ports {
  /** Closes all, each also where another fails; then rejects as the first that failed did. */
  close(): Promise<void>
}

export interface StoresOptions {
  readonly data: string
  readonly project: string
  readonly limits: Limits
  readonly sync: 'always' | 'second'
  readonly duckdb: { readonly threads?: number; readonly memory?: string }
  /** False for a process that works beside a server, and does not write its log. */
  readonly serving: boolean
  /** Of the definitions' histories: the offline store reports whether those that are remote can be reached. */
  readonly histories: readonly string[]
}

/** Opens all at once. Where one cannot be opened, those that could are closed again, and what it threw is thrown. */
export async function openStores(choices: StoreChoices, options: StoresOptions): Promise<Stores> {
  const settings = settingsOf(choices)
  const ports = ['online', 'log', 'metadata', 'artifacts', 'offline', 'serving'] as const
  const tried = await Promise.allSettled(ports.map((port) => openers[port](settings, options)))
  const opened = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const close = async (): Promise<void> => {
    const closed = await Promise.allSettled(opened.map((store) => store?.close()))
    for (const one of closed) if (one.status === 'rejected') throw one.reason
  }
  const failed = tried.find((one) => one.status === 'rejected')
  if (failed !== undefined) {
    await close().catch(() => {})
    throw failed.reason
  }
  return { ...(Object.fromEntries(ports.map((port, i) => [port, opened[i]])) as unknown as Ports), close }
}

/** For each port how it is opened by itself, which may reject with what the adapter throws. */
export const openers: {
  readonly [P in keyof Ports]: (settings: StoreSettings, options: StoresOptions) => Promise<Ports[P]>
} = {
  online: async ({ online }, { data, limits }) => {
    if (online === null) {
      const { lmdbOnlineStore } = await import('../adapters/lmdb/online-store.ts')
      return lmdbOnlineStore(join(data, 'online'))
    }
    const { redisOnlineStore } = await import('../adapters/redis/online-store.ts')
    const { url, username, password, prefix } = online
    return redisOnlineStore({
      url,
      username,
      password,
      prefix,
      readMs: limits.storeReadMs,
      patienceMs: limits.storePatienceMs,
    })
  },
  log: async ({ log }, { data, limits, serving, sync }) => {
    const bufferBytes = limits.logBufferBytes
    const patienceMs = limits.storePatienceMs
    if (log === null) {
      const { fileEventLog } = await import('../adapters/files/event-log.ts')
      return fileEventLog({
        folder: join(data, 'log'),
        writable: serving,
        segmentBytes: limits.segmentBytes,
        bufferBytes,
        sync,
      })
    }
    if (log.technology === 'postgres') {
      const { postgresEventLog } = await import('../adapters/postgres/event-log.ts')
      const { url, password, schema } = log
      return postgresEventLog({ url, password, schema, bufferBytes, patienceMs })
    }
    const { kafkaEventLog } = await import('../adapters/kafka/event-log.ts')
    const { brokers, prefix, partitions, replication, tls, sasl } = log
    return kafkaEventLog({ brokers, prefix, partitions, replication, tls, sasl, bufferBytes, patienceMs })
  },
  metadata: async ({ metadata }, { data, limits }) => {
    if (metadata === null) {
      const { sqliteMetadataStore } = await import('../adapters/sqlite/metadata-store.ts')
      return sqliteMetadataStore(join(data, 'metadata.sqlite'))
    }
    const { postgresMetadataStore } = await import('../adapters/postgres/metadata-store.ts')
    const { url, password, schema } = metadata
    return postgresMetadataStore({ url, password, schema, patienceMs: limits.storePatienceMs })
  },
  artifacts: async ({ artifacts }, { data, limits }) => {
    if (artifacts === null) {
      const { fileArtifactStore } = await import('../adapters/files/artifact-store.ts')
      return fileArtifactStore(join(data, 'artifacts'))
    }
    quietAboutNode()
    const { s3ArtifactStore } = await import('../adapters/s3/artifact-store.ts')
    const { bucket, prefix, region, endpoint, pathStyle } = artifacts
    return s3ArtifactStore({
      bucket,
      prefix,
      region,
      endpoint,
      pathStyle,
      cacheFolder: join(data, 'cache', 'artifacts'),
      patienceMs: limits.storePatienceMs,
    })
  },
  offline: async ({ offline }, { data, project, duckdb, limits, histories }) => {
    const [{ duckdbOfflineStore }, { onDemand }] = await Promise.all([
      import('../adapters/duckdb/offline-store.ts'),
      import('../adapters/duckdb/remote.ts'),
    ])
    const { region, endpoint, pathStyle } = offline ?? { region: null, endpoint: null, pathStyle: false }
    const remote = onDemand('s3://', async () => {
      quietAboutNode()
      const { s3Files } = await import('../adapters/s3/files.ts')
      const cacheFolder = join(data, 'cache', 'parquet')
      return s3Files({ region, endpoint, pathStyle, cacheFolder, patienceMs: limits.storePatienceMs })
    })
    return duckdbOfflineStore({
      projectFolder: project,
      temporaryFolder: join(data, 'tmp'),
      remote,
      histories,
      ...duckdb,
    })
  },
  // Connects when it is first used: by whoever publishes.
  serving: async ({ serving, metadata }, { limits }) => {
    const setting = serving ?? metadata
    if (setting === null) return null
    const { postgresServingTables } = await import('../adapters/postgres/serving-tables.ts')
    const { url, password, schema } = setting
    return postgresServingTables({ url, password, schema, patienceMs: limits.storePatienceMs })
  },
}

/** AWS's client warns, in every process on Node 20, that its releases of next year will not run there. Ours is pinned. */
function quietAboutNode(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
}
