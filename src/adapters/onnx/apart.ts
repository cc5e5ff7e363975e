/**
 * A session that computes apart from the thread that calls it: on a thread of its own, or in a process of its own. What differs between
 * the two is a channel; what holds for both is here: a call has its answer, or ends with the place it was sent to.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import type { LoadedModel, Provider, Tensors } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import type { Answer, Question, Wanted } from './messages.ts'

export interface Channel {
  readonly place: 'thread' | 'process'
  send(question: Question): void
  /** Lets it end by itself when it has answered what was sent. Resolves when it has. */
  leave(): Promise<void>
  /** Does not wait for it: a process is killed, a thread is left behind. */
  abandon(): void
}

/** Opens one. `answered` is told each answer, that of id 0 when it is ready; `ended` why it is no more. */
export type OpenChannel = (answered: (answer: Answer) => void, ended: (why: string) => void) => Channel

interface Pending {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Throws SX_ARTIFACT_INVALID, SX_PROVIDER_MISSING, SX_RUNTIME_MISSING. */
export async function loadApart(open: OpenChannel, path: string, providers: readonly Provider[]): Promise<LoadedModel> {
  const pending = new Map<number, Pending>()
  let count = 0
  let gone: string | null = null
  let closing: Promise<void> | null = null
  let idle: (() => void) | null = null

  const end = (why: string): void => {
    gone ??= why
    for (const { reject } of pending.values()) reject(lost(gone))
    pending.clear()
    idle?.()
  }
  const channel = open(({ id, ok, error }) => {
    const asked = pending.get(id)
    if (asked === undefined) return
    pending.delete(id)
    if (error === undefined) asked.resolve(ok)
    else asked.reject(new SixfoldError(error.code, error.message, error.fix === null ? {} : { fix: error.fix }))
    if (pending.size === 0) idle?.()
  }, end)
  const ask = (wanted: Wanted): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (gone !== null) {
        reject(lost(gone))
        return
      }
      const id = ++count
      pending.set(id, { resolve, reject })
      channel.send({ ...wanted, id })
    })

  const close = async (): Promise<void> => {
    if (gone !== null) return
    if (pending.size > 0)
      await new Promise<void>((resolve) => {
        idle = resolve
      })
    if (gone !== null) return
    gone = 'it was closed'
    await channel.leave()
  }

  let info: {
    readonly inputs: readonly TensorInfo[]
    readonly outputs: readonly TensorInfo[]
    readonly loadMs?: number
  }
  try {
    info = (await ask({ do: 'load', path, providers })) as typeof info
  } catch (error) {
    channel.abandon()
    throw named(path, error)
  }
  return {
    place: channel.place,
    concurrency: 1,
    ...(info.loadMs === undefined ? {} : { loadMs: info.loadMs }),
    inputs: info.inputs,
    outputs: info.outputs,
    run: (inputs, outputs) => ask({ do: 'run', inputs, outputs }).catch(failed) as Promise<Tensors>,
    close: () => {
      closing ??= close()
      return closing
    },
    abandon: () => {
      end('it was given up')
      channel.abandon()
    },
  }
}

const lost = (why: string): SixfoldError =>
  new SixfoldError('SX_RUNTIME_LOST', `What computed the model is gone: ${why}.`)

/** What the runtime says of a call is about the model, or about its rows. */
const failed = (error: unknown): never => {
  const { code, message } = error as SixfoldError
  if (code === 'SX_RUNTIME_LOST') throw error
  throw new SixfoldError('SX_MODEL_FAILED', `The model failed: ${message}`, { cause: error })
}

function named(path: string, error: unknown): unknown {
  const { code, message, fix } = error as SixfoldError
  if (code === 'SX_RUNTIME_LOST')
    return new SixfoldError('SX_ARTIFACT_INVALID', `'${path}' cannot be loaded: ${message}`, { cause: error })
  if (code === 'SX_ARTIFACT_INVALID')
    return new SixfoldError(code, `onnxruntime cannot load '${path}': ${message}`, { fix, cause: error })
  return error
}
