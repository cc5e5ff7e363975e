/**
 * One version of a model, loaded and warm: where it is computed, what waits for it, and what it takes. Where that is, unless somebody said
 * so, is decided by what calls cost: they are measured on a thread of the version's own first, which keeps nobody waiting.
 */
import { availableParallelism } from 'node:os'
import type { Model } from '../definition/model.ts'
import type { Evaluate } from '../expression/functions/spec.ts'
import type { Clock } from '../kernel/clock.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import type { Limits } from '../kernel/limits.ts'
import type { LoadedModel, ModelRuntime, Place, Provider, Tensor, Tensors } from '../ports/model-runtime.ts'
import type { TensorInfo } from '../ports/registry-store.ts'
import { scheduler } from './scheduling/scheduler.ts'
import type { Scheduler, WorkerBounds } from './scheduling/work.ts'
import type { Signature } from './signature.ts'
import { signatureOf } from './signature.ts'
import type { ServedVersion } from './tensor-call.ts'

/** How a deployment wants a model computed. */
export interface Compute {
  readonly place: 'auto' | Exclude<Place, 'remote'>
  readonly workers: WorkerBounds
  readonly providers: readonly Provider[]
  readonly batchRows: number
  readonly queueRows: number
}

export const standardCompute = (limits: Limits): Compute => ({
  place: 'auto',
  workers: { min: 1, max: Math.max(1, availableParallelism() - 1) },
  providers: ['cpu'],
  batchRows: limits.batchRows,
  queueRows: limits.queueRows,
})

export interface Endpoint {
  readonly version: string
  readonly place: Place
  readonly file: { readonly inputs: readonly TensorInfo[]; readonly outputs: readonly TensorInfo[] }
  readonly signature: Signature
  readonly scheduler: Scheduler
  /** As it was prepared. */
  readonly compute: Compute
  /** When it last answered, on the clock; null: not yet. */
  lastAnswer: number | null
  describe(): ServedVersion
  /** Answers what waits, and lets it go. */
  close(): Promise<void>
}

export interface EndpointOptions {
  readonly model: Model
  readonly version: string
  /** Of the file. */
  readonly path: string
  readonly runtime: ModelRuntime
  readonly entries: readonly Evaluate[]
  readonly compute: Compute
  readonly limits: Limits
  readonly clock: Clock
}

/** A batch that takes longer is not computed on the thread that receives requests; nor is a file that takes long to load loaded there. */
const inlineCallMs = 0.5
const inlineLoadMs = 60
const callsToWarm = 8
/** Others wait to be loaded meanwhile. */
const remoteWarmMs = 1_000

/** Resolves when it is warm. Throws as `load` does, and SX_SIGNATURE_MISMATCH. */
export async function endpoint(options: EndpointOptions): Promise<Endpoint> {
  const { model, path, runtime, compute, clock } = options
  const { providers } = compute
  const began = clock.monotonic()
  const load = (place: Exclude<Place, 'remote'>): Promise<LoadedModel> => runtime.load(path, { place, providers })
  let first = await load(compute.place === 'auto' ? 'thread' : compute.place)
  const loadMs = first.loadMs ?? clock.monotonic() - began
  try {
    const signature = signatureOf(model, first)
    const batchRows = signature.rows ?? compute.batchRows
    let costs = await warm(first, batchRows, clock)
    const light = costs !== null && costs.at(-1)!.milliseconds < inlineCallMs && loadMs < inlineLoadMs
    if (compute.place === 'auto' && first.place === 'thread' && light) {
      const measured = first
      first = await load('inline')
      await measured.close()
      costs = await warm(first, batchRows, clock)
    }
    return opened(options, first, signature, batchRows, costs ?? [])
  } catch (error) {
    await first.close()
    throw error
  }
}

export interface MeasuredCost {
  readonly rows: number
  readonly milliseconds: number
}

function opened(
  { version, path, runtime, entries, compute, limits, clock }: EndpointOptions,
  first: LoadedModel,
  signature: Signature,
  batchRows: number,
  warmed: readonly MeasuredCost[],
): Endpoint {
  const { place, inputs, outputs } = first
  const waiting = scheduler({
    first,
    start: () => runtime.load(path, { place: place === 'remote' ? 'thread' : place, providers: compute.providers }),
    signature,
    entries,
    batchRows,
    queueRows: compute.queueRows,
    workers: place === 'inline' || place === 'remote' ? { min: 1, max: 1 } : compute.workers,
    warmed,
    monotonic: clock.monotonic,
  })
  // Asked for with every request that names the model; what it costs to say is paid by those who look at it.
  const described: ServedVersion = {
    version,
    state: 'ready',
    reason: '',
    detail: {
      ...{ place, inputs, outputs },
      maxRows: signature.rows ?? limits.requestRows,
      get scheduling() {
        return waiting.snapshot()
      },
      get lastAnswer() {
        return made.lastAnswer
      },
      get remote() {
        return first.remote?.() ?? null
      },
    },
  }
  const made: Endpoint = {
    version,
    place,
    file: { inputs, outputs },
    signature,
    scheduler: waiting,
    compute,
    lastAnswer: null,
    describe: () => described,
    close: () => waiting.close(),
  }
  return made
}

/**
 * Calls it, with one row and with a full batch, until neither gets faster: code is compiled, memory is there. What calls cost then, the
 * cheapest of some; null where it fails over rows of zeros, which some models do by design: it is then taken for costly. A server that does
 * not answer now may do so when it is asked.
 */
async function warm(model: LoadedModel, batchRows: number, clock: Clock): Promise<readonly MeasuredCost[] | null> {
  const outputs = model.outputs.filter(({ type }) => type !== 'no tensor').map(({ name }) => name)
  const costs: MeasuredCost[] = []
  try {
    for (const rows of new Set([1, batchRows])) {
      const inputs = zeros(model.inputs, rows)
      let least = Number.POSITIVE_INFINITY
      for (let call = 0; call < callsToWarm; call++) {
        const began = clock.monotonic()
        await model.run(inputs, outputs, model.place === 'remote' ? remoteWarmMs : undefined)
        least = Math.min(least, clock.monotonic() - began)
        // Of a slow one the first calls tell enough.
        if (call >= 1 && (least > 100 || model.place === 'remote')) break
      }
      costs.push({ rows, milliseconds: least })
    }
    return costs
  } catch (error) {
    if (isSixfoldError(error) && (error.code === 'SX_MODEL_FAILED' || model.place === 'remote')) return null
    throw error
  }
}

const zeros = (inputs: readonly TensorInfo[], rows: number): Tensors =>
  Object.fromEntries(
    inputs.map(({ name, type, shape }): [string, Tensor] => {
      const dims = shape.map((size, i) => (i === 0 ? rows : size < 0 ? 1 : size))
      const size = dims.reduce((a, b) => a * b, 1)
      return [
        name,
        { type, shape: dims, data: type === 'string' ? new Array<string>(size).fill('') : zerosOf(type, size) },
      ]
    }),
  )

function zerosOf(type: string, size: number): Exclude<Tensor['data'], readonly string[]> {
  switch (type) {
    case 'float64':
      return new Float64Array(size)
    case 'int64':
      return new BigInt64Array(size)
    case 'int32':
      return new Int32Array(size)
    case 'bool':
      return new Uint8Array(size)
    default:
      return new Float32Array(size)
  }
}
