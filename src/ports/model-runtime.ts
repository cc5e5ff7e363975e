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
  /** Loads the file in a process of its own, to be called there: what a bad file can do, it does to that. Throws as `inspect` does. */
  isolate(path: string): Promise<IsolatedModel>
}

/** A model in a process of its own. A call during which that process ends, or takes too long, rejects with SX_ARTIFACT_INVALID. */
export interface IsolatedModel extends LoadedModel {
  readonly inspection: Inspection
  /** How long a call with so many rows takes, and the most memory that the process had, above what it had before the model was loaded. */
  measure(
    inputs: { readonly [name: string]: Tensor },
    outputs: readonly string[],
    calls: number,
  ): Promise<{ readonly milliseconds: readonly number[]; readonly memoryBytes: number }>
}

export interface Inspection {
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  readonly opset: number | null
  /** The version of the file's own form. */
  readonly ir: number | null
  /** Operator sets beside the standard one, by domain. */
  readonly domains: { readonly [domain: string]: number }
  /** The operators that the graph uses: 'ai.onnx.ml.TreeEnsembleClassifier', 'Gemm'. */
  readonly operators: readonly string[]
  /** Files beside the model in which data of it lies, by relative path, all below its folder. */
  readonly external: readonly string[]
  readonly producer: string | null
}
