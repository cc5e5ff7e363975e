/**
 * Metadata: what was applied, which versions of models exist, which one answers. Small, transactional, shared by processes.
 *
 * Laws that every adapter keeps:
 * - Every method is one transaction, serialisable, and durable when it has resolved.
 * - Version numbers of a model are 1, 2, 3, … in the order of `addVersion`, with no number twice, whoever adds.
 * - `addVersion` of an artifact that the model already has under the same definition gives the version that exists.
 */
export interface MetadataStore {
  applied(): Promise<Applied | null>
  /** The history of what was applied, newest first. */
  history(limit: number): Promise<readonly Applied[]>
  apply(platform: AppliedPlatform, at: number): Promise<Applied>

  addVersion(version: NewVersion, at: number): Promise<ModelVersion>
  /** Newest first. */
  versions(model: string): Promise<readonly ModelVersion[]>
  /** The version that answers: the newest one until another is chosen. */
  live(model: string): Promise<ModelVersion | null>

  close(): Promise<void>
}

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

/** What a model is called with and what it gives, as found in its file. */
export interface TensorInfo {
  readonly name: string
  readonly type: string
  /** -1 where the size is free. */
  readonly shape: readonly number[]
}

export interface NewVersion {
  readonly model: string
  /** SHA-256 of the model file. */
  readonly artifact: string
  readonly bytes: number
  /** The hash of the model's definition that the version was checked against. */
  readonly definition: string
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  readonly opset: number | null
  readonly note: string | null
}
export interface ModelVersion extends NewVersion {
  readonly version: number
  readonly at: number
}
