/** One way to ask a server for a model: how a call is written and its answer read, and what the server says of the model. */
import type { Tensors } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import type { Answer, Request } from './connection.ts'
import type { RemoteAddress, RemoteFile } from './remote-file.ts'

export interface Protocol {
  /** A call may be sent twice: it does nothing but compute. */
  readonly pure: boolean
  write(file: RemoteFile, inputs: Tensors, outputs: readonly string[], timeoutMs: number): Request
  /** Of an answer with the status 200. Throws Unexpected. Whether they are those that were registered is checked by whoever asks. */
  read(file: RemoteFile, answer: Answer, outputs: readonly string[]): Tensors
  /** Throws Unexpected, NoSuchModel and what `get` throws. */
  describe(address: RemoteAddress, get: Get): Promise<Described>
}

/** Nothing of an empty answer; null where the server knows no such path. Rejects where it does not answer, or with another status than 200. */
export type Get = (path: string) => Promise<Readonly<Record<string, unknown>> | null>

/** What a server tells of a model; null is what it does not. */
export interface Described {
  readonly inputs: readonly TensorInfo[] | null
  readonly outputs: readonly TensorInfo[] | null
  readonly binary: boolean
  readonly rows: number | null
}

export class NoSuchModel extends Error {}
