/** A session with the linear model of a server, and questions to it. */
import { remoteFile } from '../../src/adapters/remote/describe.ts'
import { remoteSession } from '../../src/adapters/remote/session.ts'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import type { LoadedModel, Tensors } from '../../src/ports/model-runtime.ts'

/** Through another port than the server's own, where a network that fails stands between. */
export async function sessionWith(url: string, port?: number): Promise<LoadedModel> {
  const at = port === undefined ? url : `http://127.0.0.1:${port}`
  return remoteSession(await remoteFile({ url: `v2+${at}/models/linear`, inputs: [], outputs: [] }, [at]))
}

export const rowsFrom = (first: number, rows = 1): Tensors => ({
  x: { type: 'float32', shape: [rows, 2], data: Float32Array.from({ length: rows * 2 }, (_, i) => first + i) },
})
export const rightFrom = (first: number, rows = 1): readonly number[] =>
  Array.from({ length: rows }, (_, i) => first + 2 * i + 2 * (first + 2 * i + 1) + 0.5)

export interface Outcome {
  readonly values: readonly number[] | null
  readonly code: string | null
  readonly message: string
  readonly milliseconds: number
}

export async function outcomeOf(session: LoadedModel, inputs: Tensors, timeoutMs?: number): Promise<Outcome> {
  const began = performance.now()
  const over = (): number => performance.now() - began
  try {
    const { y } = await session.run(inputs, ['y'], timeoutMs)
    return { values: [...(y!.data as Float32Array)], code: null, message: '', milliseconds: over() }
  } catch (error) {
    if (!isSixfoldError(error)) throw error
    return { values: null, code: error.code, message: error.message, milliseconds: over() }
  }
}
