/**
 * Artifacts: files that never change, named by the SHA-256 of their contents.
 *
 * Laws that every adapter keeps:
 * - **Atomic.** A reader never sees part of an artifact. `open` checks the contents against the name and fails with
 *   SX_ARTIFACT_CORRUPT.
 * - **Durable** when `put` has resolved, also where power is lost.
 * - **Duplicates.** `put` of the same contents twice, also at once and by several processes, is one artifact.
 * - **Lost connection.** `put` and `open` try again for some seconds, and then reject with SX_STORE_UNAVAILABLE; a `put` that
 *   rejected has left nothing that is taken for an artifact. What `open` gave once it gives again without a connection.
 */
import type { Inspectable } from './inspection.ts'

export interface ArtifactStore extends Inspectable {
  /** Stores a file of any size, in constant memory; gives its SHA-256 in hexadecimal and its size. */
  put(path: string): Promise<{ readonly sha256: string; readonly bytes: number }>

  /** A local path to verified contents, to be read only. */
  open(sha256: string): Promise<string>

  has(sha256: string): Promise<boolean>

  /** All artifacts, in no order. */
  list(): AsyncIterable<{ readonly sha256: string; readonly bytes: number }>

  /**
   * Gone when it resolves, here and in caches of this process; nothing where there was none. Who has it open reads on. Whoever calls has
   * seen to it that nobody needs it.
   */
  delete(sha256: string): Promise<void>

  size(): Promise<{ readonly entries: number; readonly bytes: number }>

  close(): Promise<void>
}
