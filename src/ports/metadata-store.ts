/**
 * Metadata: what was applied, the registry of models, what training leaves behind, and runs of batches. Transactional, shared by processes.
 *
 * Laws that every adapter keeps:
 * - **Atomic.** Every method is one transaction, serialisable.
 * - **Durable** when it has resolved, also where power is lost.
 * - **Duplicates.** `apply` of the definitions that were applied last gives that entry; `keepForm` of a form that is kept does
 *   nothing. So each can be repeated when its answer was lost.
 * - **Lost connection.** Each method tries again for some seconds, and then rejects with SX_STORE_UNAVAILABLE; the adapter connects
 *   again by itself.
 * - **Schema.** Processes that open one store at once bring it to its newest schema once. A store with a newer schema than the
 *   process knows refuses to open with SX_STORE_NEWER, and is not changed.
 */
import type { BatchStore } from './batch-store.ts'
import type { Inspectable } from './inspection.ts'
import type { RegistryStore } from './registry-store.ts'
import type { TrackingStore } from './tracking-store.ts'

export interface MetadataStore extends Inspectable {
  readonly registry: RegistryStore
  readonly tracking: TrackingStore
  readonly batches: BatchStore

  applied(): Promise<Applied | null>
  /** The history of what was applied, newest first. */
  history(limit: number): Promise<readonly Applied[]>
  apply(platform: AppliedPlatform, at: number): Promise<Applied>

  /** Keeps what is needed to read entries of a log that name it by its hash: JSON that never changes. */
  keepForm(hash: string, form: string): Promise<void>
  form(hash: string): Promise<string | null>

  close(): Promise<void>
}

export type { TensorInfo } from './registry-store.ts'

export interface AppliedPlatform {
  readonly hash: string
  /** Each definition's kind, name and hash, and its plain form. */
  readonly definitions: readonly {
    readonly kind: string
    readonly name: string
    readonly hash: string
    readonly described: unknown
  }[]
}
export interface Applied extends AppliedPlatform {
  readonly at: number
}
