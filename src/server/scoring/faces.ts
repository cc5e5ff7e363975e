/**
 * A request of names and values to one of the two ways into a model. Names of keys and request fields ask its pipeline, with features,
 * fallback and log; names of inputs of the file, or of entries of the vector, ask the file alone.
 */
import type { Caller, Services } from '../../api/index.ts'
import { shapesOf } from '../../definition/field.ts'
import { modelNamed } from '../../definition/graph.ts'
import type { Model } from '../../definition/model.ts'
import { requestOf } from '../../definition/model.ts'
import type { Prediction, ServedVersion } from '../../inference/index.ts'
import { signatureOf } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { bounds } from '../../kernel/limits.ts'
import { shorten } from '../../kernel/shorten.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { Tensor, Tensors } from '../../ports/model-runtime.ts'
import { demand } from '../access.ts'
import type { Urgency } from '../gateway/timing.ts'
import { predictRows } from '../predict-rows.ts'
import { tensorOf } from './nested.ts'

export interface Asked extends Urgency {
  readonly model: Model
  /** As the caller names it; null: the one that answers. */
  readonly version: string | null
}

/** Throws SX_UNKNOWN_MODEL, SX_FORBIDDEN. */
export function modelFor({ platform }: Services, caller: Caller, name: string): Model {
  demand(caller, 'predict', name)
  return modelNamed(platform, name)
}

/** A column of values, one a row. */
export type Columns = ReadonlyMap<string, readonly unknown[]>

const keysOf = (model: Model): readonly string[] => Object.keys(model.key)
const fieldsOf = (model: Model): readonly string[] => shapesOf(requestOf(model.inputs)).map(({ name }) => name)

export const asksPipeline = (model: Model, names: Iterable<string>): boolean => {
  const known = new Set([...keysOf(model), ...fieldsOf(model)])
  return [...names].every((name) => known.has(name))
}

/** Each row is a prediction of its own. Throws what `predict` throws, of the first row that is wrong. */
export async function askPipeline(
  services: Services,
  { model, version, ...urgency }: Asked,
  columns: Columns,
  rows: number,
  at?: number,
): Promise<readonly Prediction[]> {
  checkRows(services, model, rows)
  const answering = services.inference.of(model.name)?.answering ?? null
  if (version !== null && version !== answering) throw unknownVersion(model, version)
  const keys = new Set(keysOf(model))
  const parts = Array.from({ length: rows }, () => ({ keys: {}, request: {} }))
  for (const [name, values] of columns)
    for (let row = 0; row < rows; row++) {
      const part: { [name: string]: unknown } = keys.has(name) ? parts[row]!.keys : parts[row]!.request
      if (values[row] !== undefined) part[name] = values[row]
    }
  const questions = parts.map((part) => ({ ...part, at, ...urgency }))
  return predictRows(services, model.name, questions)
}

export interface Answered {
  readonly version: string
  readonly outputs: Tensors
}

export async function askFile(services: Services, asked: Asked, inputs: Tensors): Promise<Answered> {
  const { model, version, arrived, timeoutMs, priority, carrier } = asked
  const call = { inputs, outputs: null, arrived, timeoutMs, priority, carrier }
  return services.inference.infer(model.name, version, call)
}

export type Ready = ServedVersion & { readonly detail: NonNullable<ServedVersion['detail']> }

/** Throws SX_UNKNOWN_VERSION, SX_MODEL_UNREADY. */
export function readyFor({ inference }: Services, model: Model, version: string | null): Ready {
  const served = inference.of(model.name)!
  const wanted = version ?? served.answering
  const found = served.versions.find((one) => one.version === wanted)
  if (found === undefined && version !== null) throw unknownVersion(model, version)
  if (found === undefined || found.detail === null)
    throw new SixfoldError(
      'SX_MODEL_UNREADY',
      `'${model.name}' has no version that is ready here${found === undefined || found.reason === '' ? '' : `: ${found.reason}`}.`,
    )
  return found as Ready
}

const unknownVersion = ({ name }: Model, version: string): SixfoldError =>
  new SixfoldError('SX_UNKNOWN_VERSION', `Version ${shorten(version)} of '${name}' does not answer here.`)

export function checkRows({ limits }: Services, { name }: Model, rows: number): void {
  if (rows === 0) throw new SixfoldError('SX_TENSOR_INVALID', `The request for '${name}' has no rows.`)
  if (rows > limits.requestRows)
    throw new SixfoldError(
      'SX_TENSOR_INVALID',
      `The request for '${name}' has ${rows} rows; at most ${limits.requestRows} go at once.`,
      { fix: 'Send fewer rows in each request.' },
    )
}

/** Columns named as inputs of the file, or as entries of the vector, as the inputs. Throws SX_TENSOR_INVALID. */
export function inputsOf(model: Model, { detail }: Ready, columns: Columns): Tensors {
  const names = [...columns.keys()]
  const inputs = new Map(detail.inputs.map((input) => [input.name, input]))
  if (names.every((name) => inputs.has(name)))
    return Object.fromEntries(
      names.map((name) => {
        const { type, shape } = inputs.get(name)!
        const values = columns.get(name)!
        // A column has one value a row, a file may want it as rows of one.
        const rows = shape.length === 2 && values.every((value) => !Array.isArray(value))
        return [name, tensorOf(name, type, rows ? values.map((value) => [value]) : values)]
      }),
    )
  const entries = Object.keys(model.vector)
  const unknown = names.find((name) => !entries.includes(name))
  if (unknown !== undefined) throw unexpected(model, unknown, [...inputs.keys(), ...entries])
  const missing = entries.find((name) => !columns.has(name))
  if (missing !== undefined)
    throw new SixfoldError('SX_TENSOR_INVALID', `The column '${missing}' of '${model.name}' is missing.`, {
      fix: `Send every entry of the vector: ${shorten(entries.join(', '), 500)}.`,
    })
  return Object.fromEntries(
    signatureOf(model, detail).inputs.map((input): [string, Tensor] => {
      const of = input.entries.map((entry) => columns.get(entries[entry]!)!)
      const rows = of[0]!.map((_, row) => of.map((values) => values[row]))
      return [input.input, tensorOf(input.input, input.type, input.rank === 1 ? rows.flat() : rows)]
    }),
  )
}

const unexpected = (model: Model, name: string, inputs: readonly string[]): SixfoldError => {
  const known = [...new Set([...keysOf(model), ...fieldsOf(model), ...inputs])]
  return new SixfoldError(
    'SX_TENSOR_INVALID',
    `'${shorten(name)}' is no key, request field, input or entry of the vector of '${model.name}'.`,
    { fix: suggestion(shorten(name), known) },
  )
}

type Members = { readonly [name: string]: unknown }
export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Rows that are objects as columns. A row that lacks a name of another has undefined there. */
export function columnsOf(rows: readonly Members[]): Columns {
  const columns = new Map<string, unknown[]>()
  rows.forEach((row, i) => {
    for (const name of Object.keys(row)) {
      let values = columns.get(name)
      if (values === undefined) {
        // Names that no other row has would each take a column as long as the request.
        if (columns.size >= bounds.entriesPerVector)
          throw new SixfoldError('SX_TENSOR_INVALID', `The rows have more than ${bounds.entriesPerVector} names.`)
        values = new Array<unknown>(rows.length).fill(undefined)
        columns.set(name, values)
      }
      values[i] = row[name]
    }
  })
  return columns
}
