/**
 * How a model's vector becomes the inputs of its file, and the file's outputs the model's. Worked out once for a version; what does
 * not fit is refused when the version is added, with what the file wants and what the definition gives.
 *
 * Inputs fit in one of two ways. By name: each input of the file is a column with the name of an entry of the vector. Or as one
 * tensor: all entries, in their order, are the columns of the only input (strings apart: numbers are the columns of the only
 * numeric input, strings of the only string input).
 */
import type { Model, Output } from '../definition/model.ts'
import { fileOutputsOf } from '../definition/model.ts'
import type { Scalar } from '../expression/node.ts'
import { typeOf } from '../expression/node.ts'
import { isNullable } from '../expression/nullable.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { TensorInfo } from '../ports/metadata-store.ts'

export interface InputBinding {
  readonly input: string
  readonly type: TensorType
  readonly rank: 1 | 2
  /** Entries of the vector, one a column. */
  readonly entries: readonly number[]
}
export interface OutputBinding {
  readonly name: string
  readonly kind: Output
  readonly tensor: string
}
export interface Signature {
  /** 1 where the file takes one row a call and no other number; null where it takes any. */
  readonly rows: 1 | null
  readonly inputs: readonly InputBinding[]
  readonly outputs: readonly OutputBinding[]
}

const tensorTypes = ['float32', 'float64', 'int64', 'int32', 'bool', 'string'] as const
export type TensorType = (typeof tensorTypes)[number]

interface Entry {
  readonly name: string
  readonly type: Scalar
  readonly nullable: boolean
}

export interface FileSignature {
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
}

/** Throws SX_SIGNATURE_MISMATCH. */
export function signatureOf(model: Model, file: FileSignature): Signature {
  const entries = Object.entries(model.vector).map(
    ([name, node]): Entry => ({ name, type: typeOf(node) as Scalar, nullable: isNullable(node) }),
  )
  for (const { name, type } of file.inputs)
    if (!tensorTypes.includes(type as TensorType))
      throw mismatch(
        model,
        `input '${name}' is of type ${type}, which no vector can fill`,
        'Export the model with inputs of float, double, int64, int32, bool or string.',
      )
  const inputs = byName(entries, file.inputs) ?? asTensors(model, entries, file.inputs)
  for (const input of inputs) checkTypes(model, input, entries)
  return {
    rows: rowsOf(model, file.inputs),
    inputs,
    outputs: Object.entries(fileOutputsOf(model)).map(([name, kind]) => outputFor(model, name, kind, file.outputs)),
  }
}

const mismatch = (model: Model, problem: string, fix: string): SixfoldError =>
  new SixfoldError('SX_SIGNATURE_MISMATCH', `Model '${model.name}': ${problem}.`, { fix })

/** Exporters that are not told otherwise fix the number of rows to that of their example. */
function rowsOf(model: Model, inputs: readonly TensorInfo[]): 1 | null {
  const fixed = inputs.find(({ shape }) => shape[0] !== undefined && shape[0] > 1)
  if (fixed !== undefined)
    throw mismatch(
      model,
      `the input '${fixed.name}' takes ${fixed.shape[0]} rows a call and no other number`,
      'Export the model with a free first dimension: dynamic_axes, or dynamic_shapes.',
    )
  return inputs.some(({ shape }) => shape[0] === 1) ? 1 : null
}

/** Every input is a column that has the name of an entry, and every entry is used. */
function byName(entries: readonly Entry[], inputs: readonly TensorInfo[]): readonly InputBinding[] | null {
  if (inputs.length !== entries.length) return null
  const bindings = inputs.map(({ name, type, shape }): InputBinding | null => {
    const entry = entries.findIndex((candidate) => candidate.name === name)
    const column = shape.length === 1 || (shape.length === 2 && (shape[1] === 1 || shape[1] === -1))
    return entry < 0 || !column
      ? null
      : { input: name, type: type as TensorType, rank: shape.length as 1 | 2, entries: [entry] }
  })
  return bindings.every((binding) => binding !== null) ? bindings : null
}

function asTensors(model: Model, entries: readonly Entry[], inputs: readonly TensorInfo[]): readonly InputBinding[] {
  const described = inputs
    .map(({ name, type, shape }) => `${name} (${type} [${shape.map((size) => (size < 0 ? '?' : size)).join(', ')}])`)
    .join(', ')
  const text = inputs.filter(({ type }) => type === 'string')
  const numeric = inputs.filter(({ type }) => type !== 'string')
  if (text.length > 1 || numeric.length > 1) {
    const unknown = inputs.filter(({ name }) => !entries.some((entry) => entry.name === name)).map(({ name }) => name)
    const unused = entries.filter(({ name }) => !inputs.some((input) => input.name === name)).map(({ name }) => name)
    throw mismatch(
      model,
      `the file has inputs ${described}; ${unknown.length > 0 ? `the vector has no entry ${unknown.join(', ')}` : `no input is called ${unused.join(', ')}`}`,
      'Name the entries of the vector as the inputs, or export the model with one input for all of them.',
    )
  }
  const places = entries.map((entry, i) => ({ ...entry, i }))
  return [
    ...numeric.map((input) =>
      tensorOf(
        model,
        input,
        places.filter(({ type }) => type !== 'string' || text.length === 0),
      ),
    ),
    ...text.map((input) =>
      tensorOf(
        model,
        input,
        places.filter(({ type }) => type === 'string' || numeric.length === 0),
      ),
    ),
  ].filter((binding) => {
    if (binding.entries.length === 0)
      throw mismatch(
        model,
        `no entry of the vector can fill the input '${binding.input}'`,
        'Add entries of its type to the vector.',
      )
    return true
  })
}

function tensorOf(
  model: Model,
  { name, type, shape }: TensorInfo,
  columns: readonly (Entry & { readonly i: number })[],
): InputBinding {
  if (shape.length !== 2 && !(shape.length === 1 && columns.length === 1))
    throw mismatch(
      model,
      `input '${name}' has ${shape.length} dimensions, not rows and columns`,
      'Export the model with an input of two dimensions.',
    )
  const width = shape.length === 2 ? shape[1]! : 1
  if (width !== -1 && width !== columns.length)
    throw mismatch(
      model,
      `input '${name}' has ${width} columns, the vector has ${columns.length} entries for it: ${columns.map((column) => column.name).join(', ')}`,
      'Make the vector what the model was trained with, in the same order.',
    )
  return { input: name, type: type as TensorType, rank: shape.length as 1 | 2, entries: columns.map(({ i }) => i) }
}

const accepted: { readonly [T in TensorType]: readonly Scalar[] } = {
  float32: ['float64', 'int64', 'boolean'],
  float64: ['float64', 'int64', 'boolean'],
  int64: ['int64', 'boolean'],
  int32: ['int64', 'boolean'],
  bool: ['boolean'],
  string: ['string'],
}

/** In floats a missing value is NaN, which trees understand; no other type has a value for it. */
function checkTypes(model: Model, { input, type, entries: places }: InputBinding, entries: readonly Entry[]): void {
  for (const { name, type: given, nullable } of places.map((place) => entries[place]!)) {
    if (!accepted[type].includes(given))
      throw mismatch(
        model,
        `the vector's '${name}' is a ${given}, the input '${input}' takes ${type}`,
        fixFor(given, type),
      )
    if (nullable && type !== 'float32' && type !== 'float64')
      throw mismatch(
        model,
        `the vector's '${name}' may be missing, which an input of type ${type} cannot say`,
        `End it with orElse(…), or export the input '${input}' as float.`,
      )
  }
}
const fixFor = (given: Scalar, type: TensorType): string =>
  type === 'string'
    ? 'Give a string there: toText().'
    : given === 'string'
      ? 'Encode it: oneHot(…), ordinal(…) or hashBucket(…).'
      : given === 'float64'
        ? 'Make it whole: toInteger().'
        : 'Make it a condition.'

/** The output of the same name, or else the only one of the right kind. */
function outputFor(model: Model, name: string, kind: Output, outputs: readonly TensorInfo[]): OutputBinding {
  const fits = outputs.filter((output) => canBe(kind, output))
  const chosen =
    fits.find((output) => output.name === name) ??
    (fits.length === 1 ? fits[0] : fits.find((output) => /prob/i.test(output.name) && kind === 'probability'))
  if (chosen !== undefined) return { name, kind, tensor: chosen.name }
  const described = outputs
    .map(
      (output) =>
        `${output.name} (${output.type}${output.shape.length > 0 ? ` [${output.shape.map((size) => (size < 0 ? '?' : size)).join(', ')}]` : ''})`,
    )
    .join(', ')
  if (outputs.some(({ type }) => type === 'no tensor'))
    throw mismatch(
      model,
      `the output '${name}' would have to come from a map, which the runtime cannot give; the file has ${described}`,
      "Export with zipmap off: convert_sklearn(…, options={'zipmap': False}).",
    )
  throw mismatch(
    model,
    fits.length > 1
      ? `several outputs of the file could be '${name}': ${described}`
      : `no output of the file can be '${name}' (${typeof kind === 'string' ? kind : JSON.stringify(kind)}); it has ${described}`,
    'Give the output of the definition the name of the one it is.',
  )
}

function canBe(kind: Output, { type, shape }: TensorInfo): boolean {
  const width = shape.length === 2 ? shape[1]! : 1
  const float = type === 'float32' || type === 'float64'
  if (kind === 'probability') return float && shape.length <= 2 && [1, 2, -1].includes(width)
  if (kind === 'number')
    return (float || type === 'int64' || type === 'int32') && shape.length <= 2 && [1, -1].includes(width)
  if ('label' in kind) return (type === 'string' || type === 'int64') && shape.length <= 2 && [1, -1].includes(width)
  return float && shape.length === 2 && [kind.vector, -1].includes(width)
}
