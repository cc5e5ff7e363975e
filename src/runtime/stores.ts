/** Opens the stores behind the ports: the only place that knows which technology stands behind one. */
import { join } from 'node:path'
import { duckdbOfflineStore } from '../adapters/duckdb/offline-store.ts'
import { fileArtifactStore } from '../adapters/files/artifact-store.ts'
import { fileEventLog } from '../adapters/files/event-log.ts'
import { lmdbOnlineStore } from '../adapters/lmdb/online-store.ts'
import { sqliteMetadataStore } from '../adapters/sqlite/metadata-store.ts'
import type { Limits } from '../kernel/limits.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { OfflineStore } from '../ports/offline-store.ts'
import type { OnlineStore } from '../ports/online-store.ts'

export interface Stores {
  readonly online: OnlineStore
  readonly log: EventLog
  readonly metadata: MetadataStore
  readonly artifacts: ArtifactStore
  readonly offline: OfflineStore
  /** Closes all, each also where another fails. */
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
}

// biome-ignore lint/suspicious/noEmptyInterface: its members follow
export interface StoreSettings {}

export async function openStores(_: StoreSettings, options: StoresOptions): Promise<Stores> {
  const { data, project, limits, sync, duckdb, serving } = options
  const log = fileEventLog({
    folder: join(data, 'log'),
    writable: serving,
    segmentBytes: limits.segmentBytes,
    bufferBytes: limits.logBufferBytes,
    sync,
  })
  const online = lmdbOnlineStore(join(data, 'online'))
  const metadata = await sqliteMetadataStore(join(data, 'metadata.sqlite'))
  const artifacts = fileArtifactStore(join(data, 'artifacts'))
  const offline = duckdbOfflineStore({ projectFolder: project, temporaryFolder: join(data, 'tmp'), ...duckdb })
  return {
    online,
    log,
    metadata,
    artifacts,
    offline,
    close: async () => {
      await Promise.allSettled([log.close(), offline.close(), online.close(), metadata.close(), artifacts.close()])
    },
  }
}
