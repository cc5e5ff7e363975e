/**
 * A model in this process, through onnxruntime-node, or without it where that gives the same. Its `run` computes on the thread that calls it, however much it looks
 * asynchronous; one intra-op thread a session keeps a call from waking others that a row does not need.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import type { LoadedModel, Provider, Tensor } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import { quickened } from './trees/quick.ts'

type Ort = typeof import('onnxruntime-node')

let loading: Promise<Ort> | null = null
export function onnxruntime(): Promise<Ort> {
  loading ??= import('onnxruntime-node').catch((error: unknown) => {
    loading = null
    throw new SixfoldError('SX_RUNTIME_MISSING', 'onnxruntime-node cannot be loaded.', { cause: error })
  })
  return loading
}

/** Words of the runtime where what should compute is not there. */
const missing = /execution provider|ExecutionProvider|backend not found|providers_(cuda|tensorrt|shared)/i

export async function loadHere(path: string, providers: readonly Provider[] = ['cpu']): Promise<LoadedModel> {
  const session = await loadSession(path, providers)
  return providers.every((provider) => provider === 'cpu') ? quickened(session, path) : session
}

/** The runtime alone. Files beside the model, in which weights of it lie, are read too: it refuses those outside of its folder. */
export async function loadSession(path: string, providers: readonly Provider[] = ['cpu']): Promise<LoadedModel> {
  const ort = await onnxruntime()
  const began = performance.now()
  let session: import('onnxruntime-node').InferenceSession
  try {
    session = await ort.InferenceSession.create(path, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionProviders: [...providers],
      // A thread that spins while it waits takes the time of those that compute.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // Some exporters declare shapes that are not what comes out, and every call would say so.
      logSeverityLevel: 3,
    })
  } catch (error) {
    if (providers.some((provider) => provider !== 'cpu') && missing.test(messageOf(error)))
      throw new SixfoldError(
        'SX_PROVIDER_MISSING',
        `onnxruntime-node, as it is installed here, cannot compute by ${providers.join(', ')}: ${messageOf(error)}`,
        { cause: error },
      )
    throw new SixfoldError('SX_ARTIFACT_INVALID', `onnxruntime cannot load '${path}': ${messageOf(error)}`, {
      cause: error,
    })
  }
  return {
    place: 'inline',
    loadMs: performance.now() - began,
    concurrency: 1,
    inputs: session.inputMetadata.map(infoOf),
    outputs: session.outputMetadata.map(infoOf),
    run: async (inputs, outputs) => {
      const feeds: Record<string, import('onnxruntime-node').Tensor> = {}
      for (const name in inputs) {
        const { type, data, shape } = inputs[name]!
        feeds[name] = new ort.Tensor(type as 'float32', data as Float32Array, shape)
      }
      const answers = await session.run(feeds, outputs)
      const tensors: { [name: string]: Tensor } = {}
      for (const name in answers) {
        const { type, dims, data } = answers[name]!
        tensors[name] = { type, shape: dims, data: data as Tensor['data'] }
      }
      return tensors
    },
    close: () => session.release(),
    abandon: () => void session.release(),
  }
}

type Metadata = import('onnxruntime-node').InferenceSession.ValueMetadata
/** A dimension without a fixed size has a name, or an empty one. */
const infoOf = (value: Metadata): TensorInfo =>
  value.isTensor
    ? { name: value.name, type: value.type, shape: value.shape.map((size) => (typeof size === 'number' ? size : -1)) }
    : { name: value.name, type: 'no tensor', shape: [] }

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!
