/**
 * A model runtime: loads a model file and calls it with batches of rows.
 *
 * Laws that every adapter keeps:
 * - Row i of every output belongs to row i of the inputs, and does not depend on the other rows of the call.
 * - The caller's arrays must stay as they are until `run` has resolved; those it gives belong to the caller.
 * - A file that is no model rejects `load`; it never ends the process of a caller that checked the file in a child first.
 * - A call ends: with its outputs, with an error of the model's (SX_MODEL_FAILED), or, where what computed it is gone, with
 *   SX_RUNTIME_LOST. After that every call of the session rejects so: whoever holds it starts another.
 * - Only a session that is `inline` computes on the thread that calls it.
 */
import type { TensorInfo } from './metadata-store.ts'
import type { ModelStructure } from './model-structure.ts'

/** Of 16-bit floats the bits. */
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | readonly string[]
export interface Tensor {
  readonly type: string
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** By name. */
export interface Tensors {
  readonly [name: string]: Tensor
}

/** Where a session computes: on the thread that calls it, on a thread or in a process of its own, or on another server. */
export type Place = 'inline' | 'thread' | 'process' | 'remote'

/** What computes: execution providers, as ONNX Runtime calls them. */
export const providers = ['cpu', 'cuda', 'tensorrt'] as const
export type Provider = (typeof providers)[number]

export interface LoadOptions {
  /** A file that stands for a model on another server is 'remote' wherever it is asked to be. */
  readonly place: Exclude<Place, 'remote'>
  /** The first is taken for what it can compute, the next for the rest. */
  readonly providers: readonly Provider[]
}

export interface LoadedModel {
  readonly place: Place
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  /** How long loading took where it was loaded, in milliseconds; left out where that says nothing of this machine. */
  readonly loadMs?: number
  /** So many calls at once are of use: 1 but for a remote one. More are taken, and wait. */
  readonly concurrency: number
  /** `timeoutMs`: what computes elsewhere is told, and the call rejects with SX_DEADLINE_EXCEEDED when it has passed. */
  run(inputs: Tensors, outputs: readonly string[], timeoutMs?: number): Promise<Tensors>
  /** Lets calls under way end first. */
  close(): Promise<void>
  /** At once, for one that hangs: calls under way reject with SX_RUNTIME_LOST. A thread cannot be ended while it computes; it is left behind, and ends by itself. */
  abandon(): void
  /** Of a remote one alone: how its server stands. */
  readonly remote?: () => RemoteState
}

/** The server on which a model is, as its callers have found it since the session began. */
export interface RemoteState {
  /** Without what stands behind the model's name. */
  readonly url: string
  /** 'open': it failed so often that it is not asked for a while. 'half-open': the next call finds out whether it answers again. */
  readonly breaker: 'closed' | 'open' | 'half-open'
  readonly calls: number
  /** Calls that it did not answer as its protocol says, or not in time. */
  readonly failures: number
  /** Calls that were not made, because the breaker was open. */
  readonly refused: number
  /** Second requests, sent because the first took longer than usual, and those that were answered first. */
  readonly hedges: number
  readonly hedgesWon: number
  /** Of the latest calls, in milliseconds; null before there are enough. */
  readonly p95Ms: number | null
}

export interface ModelRuntime {
  /** Throws SX_ARTIFACT_INVALID, and SX_PROVIDER_MISSING with those that this machine has. */
  load(path: string, options: LoadOptions): Promise<LoadedModel>
  /** Those that this installation offers. */
  providers(): Promise<readonly Provider[]>
  /** Loads the file and reads its signature where a crash harms nobody. Throws SX_ARTIFACT_INVALID with the runtime's own words. */
  inspect(path: string): Promise<Inspection>
  /** Loads the file in a process of its own, to be called there: what a bad file can do, it does to that. Throws as `inspect` does. */
  isolate(path: string): Promise<IsolatedModel>
  /** What the model computes, where it is trees or linear; null where it is anything else. */
  structure(path: string): Promise<ModelStructure | null>
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
  /** 'remote': the file stands for a model on another server. */
  readonly format: 'onnx' | 'remote'
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
