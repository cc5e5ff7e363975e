/**
 * Artifacts: files that never change, named by the SHA-256 of their contents.
 *
 * Laws that every adapter keeps:
 * - `put` of the same contents twice is one artifact. When it has resolved, the artifact is durable.
 * - A reader never sees part of an artifact. `open` checks the contents against the name and fails with SX_ARTIFACT_CORRUPT.
 */
export interface ArtifactStore {
  /** Stores a file; gives its SHA-256 in hexadecimal and its size. */
  put(path: string): Promise<{ readonly sha256: string; readonly bytes: number }>

  /** A local path to verified contents, to be read only. */
  open(sha256: string): Promise<string>

  has(sha256: string): Promise<boolean>

  size(): Promise<{ readonly entries: number; readonly bytes: number }>
}
