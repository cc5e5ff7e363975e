/** The file's own inputs and outputs, for clients that make the vector themselves. No features, no fallback, no entry in the log. */
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { Place, RemoteState, Tensors } from '../ports/model-runtime.ts'
import type { TensorInfo } from '../ports/registry-store.ts'
import type { Carrier } from './prediction.ts'
import type { Priority, SchedulingSnapshot } from './scheduling/work.ts'

export interface TensorCall {
  readonly inputs: Tensors
  /** By name; null: all that are tensors. */
  readonly outputs: readonly string[] | null
  /** How much time the caller gives, in milliseconds from the arrival; by default the model's budget. */
  readonly timeoutMs?: number | undefined
  /** When the request came in, on the monotonic clock; by default now. */
  readonly arrived?: number | undefined
  readonly priority?: Priority | undefined
  /** The trace that it belongs to. */
  readonly carrier?: Carrier | undefined
}

export interface TensorAnswer {
  readonly version: string
  /** In the order asked for. */
  readonly outputs: Tensors
  /** Milliseconds of waiting and of the call. */
  readonly queued: number
  readonly computed: number
}

/** A model, as those see it who send tensors. */
export interface ServedModel {
  readonly model: string
  /** The version that answers where none is named; null: none does. */
  readonly answering: string | null
  /** Those that are loaded, are being loaded, or could not be. */
  readonly versions: readonly ServedVersion[]
}

export interface ServedVersion {
  readonly version: string
  readonly state: 'loading' | 'ready' | 'unloaded' | 'failed'
  /** Why it is not ready; empty where it is. */
  readonly reason: string
  /** Null where it is not ready. */
  readonly detail: {
    readonly place: Place
    readonly inputs: readonly TensorInfo[]
    readonly outputs: readonly TensorInfo[]
    /** Rows of one request, and of one call; 1 where the file takes one row a call. */
    readonly maxRows: number
    readonly scheduling: SchedulingSnapshot
    /** When it last answered, in milliseconds since the epoch; null: not yet. */
    readonly lastAnswer: number | null
    /** How its server stands, of a model on another one. */
    readonly remote: RemoteState | null
  } | null
}

const refused = (problem: string, fix: string, input: string | null = null): SixfoldError =>
  new SixfoldError('SX_TENSOR_INVALID', problem, { fix, details: { input } })

const shown = (shape: readonly number[]): string => `[${shape.map((size) => (size < 0 ? '-1' : size)).join(',')}]`

/** How many values a shape holds; NaN where it is none. */
const sizeOf = (shape: readonly number[]): number =>
  shape.every((size) => Number.isSafeInteger(size) && size >= 0) ? shape.reduce((a, b) => a * b, 1) : Number.NaN

/**
 * The rows of a call and the outputs it asks for, held to what the file takes. Throws SX_TENSOR_INVALID, with what is wrong with
 * which input or output.
 */
export function checkedCall(
  model: string,
  file: { readonly inputs: readonly TensorInfo[]; readonly outputs: readonly TensorInfo[] },
  maxRows: number,
  { inputs, outputs }: Pick<TensorCall, 'inputs' | 'outputs'>,
): { readonly rows: number; readonly outputs: readonly string[] } {
  const named = shorten(model)
  const wanted = file.inputs.map(({ name }) => name)
  for (const name of Object.keys(inputs))
    if (!wanted.includes(name))
      throw refused(
        `unexpected inference input '${shorten(name)}' for model '${named}'`,
        `Send ${wanted.join(', ')}. ${suggestion(shorten(name), wanted)}`,
        shorten(name),
      )
  let rows: number | null = null
  for (const { name, type, shape } of file.inputs) {
    const given = Object.hasOwn(inputs, name) ? inputs[name]! : null
    if (given === null)
      throw refused(`input '${name}' of model '${named}' is missing`, `Send ${wanted.join(', ')}.`, name)
    if (given.type !== type)
      throw refused(
        `inference input '${name}' data-type is '${given.type}', but model '${named}' expects '${type}'`,
        `Send '${name}' as ${type}.`,
        name,
      )
    const fits =
      given.shape.length === shape.length &&
      shape.every((size, i) => size === -1 || size === given.shape[i] || (i === 0 && size === 1 && rows === null))
    if (!fits)
      throw refused(
        `unexpected shape for input '${name}' for model '${named}'. Expected ${shown(shape)}, got ${shown(given.shape)}`,
        `Send '${name}' with the shape ${shown(shape)}, where -1 is any number.`,
        name,
      )
    if (given.data.length !== sizeOf(given.shape))
      throw refused(
        `input '${name}' of model '${named}' has ${given.data.length} values, its shape ${shown(given.shape)} takes ${sizeOf(given.shape)}`,
        'Send as many values as the shape says.',
        name,
      )
    const first = given.shape[0] ?? 1
    if (rows !== null && first !== rows)
      throw refused(
        `input '${name}' of model '${named}' has ${first} rows, another has ${rows}`,
        'Send the same number of rows in each input.',
        name,
      )
    rows = first
  }
  if (rows === null || rows === 0)
    throw refused(`the request for model '${named}' has no rows`, 'Send at least one row.')
  if (rows > maxRows)
    throw refused(
      `inference request batch-size must be <= ${maxRows} for model '${named}'`,
      `Send at most ${maxRows} rows in a request.`,
    )
  const offered = file.outputs.filter(({ type }) => type !== 'no tensor').map(({ name }) => name)
  for (const name of outputs ?? [])
    if (!offered.includes(name))
      throw refused(
        `unexpected inference output '${shorten(name)}' for model '${named}'`,
        `Ask for ${offered.join(', ')}. ${suggestion(shorten(name), offered)}`,
      )
  return { rows, outputs: outputs === null || outputs.length === 0 ? offered : [...new Set(outputs)] }
}
