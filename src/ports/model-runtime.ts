/**
 * A model runtime: loads a model file and calls it with batches of rows.
 *
 * Laws that every adapter keeps:
 * - Row i of every output belongs to row i of the inputs, and does not depend on the other rows of the call.
 * - The caller's arrays must stay as they are until `run` has resolved; those it gives belong to the caller.
 * - A file that is no model rejects `load`; it never ends the process of a caller that checked the file in a child first.
 */
import type { TensorInfo } from './metadata-store.ts'

export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | readonly string[]
export interface Tensor {
  readonly type: string
  readonly shape: readonly number[]
  readonly data: TensorData
}

export interface LoadedModel {
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  run(
    inputs: { readonly [name: string]: Tensor },
    outputs: readonly string[],
  ): Promise<{ readonly [name: string]: Tensor }>
  close(): Promise<void>
}

export interface ModelRuntime {
  load(path: string): Promise<LoadedModel>
  /** Loads the file and reads its signature where a crash harms nobody. Throws SX_ARTIFACT_INVALID with the runtime's own words. */
  inspect(path: string): Promise<Inspection>
}

export interface Inspection {
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  readonly opset: number | null
}
