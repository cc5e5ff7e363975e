/**
 * ONNX models in this process, through onnxruntime-node. Its `run` computes on the thread that calls it, however much it looks
 * asynchronous; one intra-op thread a session keeps a call from waking others that a row does not need.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SixfoldError } from '../../kernel/errors.ts'
import type { TensorInfo } from '../../ports/metadata-store.ts'
import type { Inspection, LoadedModel, ModelRuntime, Tensor } from '../../ports/model-runtime.ts'

type Ort = typeof import('onnxruntime-node')

let loading: Promise<Ort> | null = null
export function onnxruntime(): Promise<Ort> {
  loading ??= import('onnxruntime-node').catch((error: unknown) => {
    loading = null
    throw new SixfoldError('SX_RUNTIME_MISSING', 'onnxruntime-node cannot be loaded.', { cause: error })
  })
  return loading
}

export function onnxModelRuntime(): ModelRuntime {
  return { load, inspect: inspectInChild }
}

/** How long a file may take to load and to be called once, in a process of its own. */
const inspectionMs = 60_000

async function load(path: string): Promise<LoadedModel> {
  const ort = await onnxruntime()
  let session: import('onnxruntime-node').InferenceSession
  try {
    session = await ort.InferenceSession.create(path, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // Some exporters declare shapes that are not what comes out, and every call would say so.
      logSeverityLevel: 3,
    })
  } catch (error) {
    throw new SixfoldError('SX_ARTIFACT_INVALID', `onnxruntime cannot load '${path}': ${messageOf(error)}`, {
      cause: error,
    })
  }
  return {
    inputs: session.inputMetadata.map(infoOf),
    outputs: session.outputMetadata.map(infoOf),
    run: async (inputs, outputs) => {
      const feeds: Record<string, import('onnxruntime-node').Tensor> = {}
      for (const name in inputs) {
        const { type, data, shape } = inputs[name]!
        feeds[name] = new ort.Tensor(type as 'float32', data as Float32Array, shape)
      }
      return (await session.run(feeds, outputs)) as unknown as { [name: string]: Tensor }
    },
    close: () => session.release(),
  }
}

type Metadata = import('onnxruntime-node').InferenceSession.ValueMetadata
/** A dimension without a fixed size has a name, or an empty one. */
const infoOf = (value: Metadata): TensorInfo =>
  value.isTensor
    ? { name: value.name, type: value.type, shape: value.shape.map((size) => (typeof size === 'number' ? size : -1)) }
    : { name: value.name, type: 'no tensor', shape: [] }

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!

/** Malformed files have been known to end the process that loads them: it is not ours that finds out. */
function inspectInChild(path: string): Promise<Inspection> {
  const file = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? './inspect-child.ts' : './inspect-child.js', import.meta.url),
  )
  // From sources, in tests, Node needs help to read TypeScript.
  const loader = file.endsWith('.ts') ? ['--import', 'jiti/register'] : []
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...loader, file, path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: inspectionMs,
      killSignal: 'SIGKILL',
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err = (err + chunk.toString()).slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const answer = parseAnswer(out)
      if (answer?.ok) resolve(answer.ok)
      else if (answer?.code === 'SX_RUNTIME_MISSING') reject(new SixfoldError('SX_RUNTIME_MISSING', answer.error!))
      else {
        const why =
          answer?.error ??
          (signal === null
            ? `the runtime ended with code ${code}: ${err.trim().split('\n').at(-1) ?? ''}`
            : `the runtime was ended by ${signal}`)
        reject(
          new SixfoldError('SX_ARTIFACT_INVALID', `'${path}' cannot be loaded: ${why}.`, {
            ...(answer?.fix === undefined ? {} : { fix: answer.fix }),
          }),
        )
      }
    })
  })
}

interface Answer {
  readonly ok?: Inspection
  readonly error?: string
  readonly code?: string
  readonly fix?: string
}
function parseAnswer(out: string): Answer | null {
  try {
    return JSON.parse(out) as Answer
  } catch {
    return null
  }
}
