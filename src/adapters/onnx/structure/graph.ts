/**
 * The main graph of a model file, as far as it takes to see what it computes: its operators with their attributes, its constants, what
 * goes in and comes out. Attributes and constants are read only when they are asked for.
 */
import { forEachField, Malformed, varintsOf } from '../protobuf.ts'

export interface OnnxGraph {
  readonly operators: readonly Operator[]
  readonly constants: ReadonlyMap<string, Uint8Array>
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
}
export interface Operator {
  readonly type: string
  /** '' is the standard one. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, Uint8Array>
}
/** `type` is a number of TensorProto.DataType; 0 for what is no tensor. Free dimensions are -1. */
export interface Value {
  readonly name: string
  readonly type: number
  readonly shape: readonly number[]
}

export const float32 = 1
export const float64 = 11

const decoder = new TextDecoder()
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes.subarray(0, 1_000))

/** What is looked for has few: exporters write a dozen at most. */
export const mostOperators = 64

/** Null where it has more operators. Throws Malformed and TooMany. */
export function readGraph(file: Uint8Array): OnnxGraph | null {
  let graph: Uint8Array | null = null
  forEachField(file, (field, _, bytes) => {
    if (field === 7 && bytes !== null) graph = bytes
  })
  if (graph === null) throw new Malformed('it has no graph')
  const operators: Uint8Array[] = []
  const constants = new Map<string, Uint8Array>()
  const inputs: Value[] = []
  const outputs: Value[] = []
  forEachField(graph, (field, _, bytes) => {
    if (bytes === null) return
    if (field === 1) operators.push(bytes)
    else if (field === 5) constants.set(nameIn(bytes, 8), bytes)
    else if (field === 11) inputs.push(declaredIn(bytes))
    else if (field === 12) outputs.push(declaredIn(bytes))
    if (operators.length + constants.size + inputs.length + outputs.length > 4 * mostOperators) throw new TooMany()
  })
  if (operators.length > mostOperators) return null
  return {
    operators: operators.map(operatorOf),
    constants,
    // Constants may stand among the inputs too, as what they are by default.
    inputs: inputs.filter(({ name }) => !constants.has(name)),
    outputs,
  }
}

/** More constants, inputs and outputs than what is looked for has. */
export class TooMany extends Error {}

function nameIn(message: Uint8Array, at: number): string {
  let name = ''
  forEachField(message, (field, _, bytes) => {
    if (field === at && bytes !== null) name = textOf(bytes)
  })
  return name
}

function operatorOf(message: Uint8Array): Operator {
  let [type, domain] = ['', '']
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes = new Map<string, Uint8Array>()
  forEachField(message, (field, _, bytes) => {
    if (bytes === null) return
    if (field === 1) inputs.push(textOf(bytes))
    else if (field === 2) outputs.push(textOf(bytes))
    else if (field === 4) type = textOf(bytes)
    else if (field === 5) attributes.set(nameIn(bytes, 1), bytes)
    else if (field === 7) domain = textOf(bytes)
  })
  return { type, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes }
}

function declaredIn(message: Uint8Array): Value {
  const shape: number[] = []
  let [name, type] = ['', 0]
  const dimension = (bytes: Uint8Array): void => {
    let size = -1
    forEachField(bytes, (field, value, text) => {
      if (field === 1 && text === null) size = value
    })
    shape.push(size)
  }
  const tensor = (bytes: Uint8Array): void =>
    forEachField(bytes, (field, value, inner) => {
      if (field === 1 && inner === null) type = value
      if (field === 2 && inner !== null) forEachField(inner, (at, _, dim) => at === 1 && dim !== null && dimension(dim))
    })
  forEachField(message, (field, _, bytes) => {
    if (field === 1 && bytes !== null) name = textOf(bytes)
    if (field === 2 && bytes !== null)
      forEachField(bytes, (kind, _unused, inner) => kind === 1 && inner !== null && tensor(inner))
  })
  return { name, type, shape }
}

// --- attributes: each kind of value has a field of its own, and a list is packed or is not

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Numbers of four or eight bytes in a field of a message. */
function fixedIn(message: Uint8Array, wanted: number, size: 4 | 8): number[] {
  const found: number[] = []
  const take = (view: DataView, at: number): number =>
    found.push(size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true))
  const whole = viewOf(message)
  forEachField(
    message,
    (field, _, bytes) => {
      if (field !== wanted || bytes === null) return
      const view = viewOf(bytes)
      for (let at = 0; at + size <= bytes.length; at += size) take(view, at)
    },
    (field, at, bytes) => field === wanted && bytes === size && take(whole, at),
  )
  return found
}
function integersIn(message: Uint8Array, wanted: number): number[] {
  const found: number[] = []
  forEachField(message, (field, value, bytes) => {
    if (field !== wanted) return
    if (bytes === null) found.push(value)
    else for (const one of varintsOf(bytes)) found.push(one)
  })
  // Those below zero come as what 64 bits make of them.
  return found.map((value) => (value >= 2 ** 63 ? value - 2 ** 64 : value))
}

export const floats = ({ attributes }: Operator, name: string): readonly number[] => {
  const attribute = attributes.get(name)
  return attribute === undefined ? [] : fixedIn(attribute, 7, 4)
}
export const float = ({ attributes }: Operator, name: string, standard: number): number => {
  const attribute = attributes.get(name)
  return attribute === undefined ? standard : (fixedIn(attribute, 2, 4)[0] ?? standard)
}
export const integers = ({ attributes }: Operator, name: string): readonly number[] => {
  const attribute = attributes.get(name)
  return attribute === undefined ? [] : integersIn(attribute, 8)
}
export const integer = ({ attributes }: Operator, name: string, standard: number): number => {
  const attribute = attributes.get(name)
  return attribute === undefined ? standard : (integersIn(attribute, 3)[0] ?? standard)
}
export const texts = ({ attributes }: Operator, name: string): readonly string[] => {
  const found: string[] = []
  forEachField(attributes.get(name) ?? new Uint8Array(), (field, _, bytes) => {
    if (field === 9 && bytes !== null) found.push(textOf(bytes))
  })
  return found
}
export const text = ({ attributes }: Operator, name: string, standard: string): string => {
  let found = standard
  forEachField(attributes.get(name) ?? new Uint8Array(), (field, _, bytes) => {
    if (field === 4 && bytes !== null) found = textOf(bytes)
  })
  return found
}

/** As floats; or, in newer operators, as a tensor of doubles. Null where it is a tensor that is not read here. */
export function numbers(operator: Operator, name: string): readonly number[] | null {
  let tensor: Uint8Array | null = null
  forEachField(operator.attributes.get(`${name}_as_tensor`) ?? new Uint8Array(), (field, _, bytes) => {
    if (field === 5 && bytes !== null) tensor = bytes
  })
  return tensor === null ? floats(operator, name) : (tensorOf(tensor)?.data ?? null)
}

export interface Constant {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** Null where nothing of that name is one of floats. */
export function constantOf({ constants }: OnnxGraph, name: string | undefined): Constant | null {
  const bytes = name === undefined ? undefined : constants.get(name)
  return bytes === undefined ? null : tensorOf(bytes)
}

/** Null for a tensor that is not of floats or doubles, lies outside the file, or has another number of them than its shape says. */
export function tensorOf(message: Uint8Array): Constant | null {
  const shape = integersIn(message, 1)
  const type = integersIn(message, 2)[0]
  if ((type !== float32 && type !== float64) || integersIn(message, 14)[0] === 1) return null
  const size = type === float32 ? 4 : 8
  const raw = fixedIn(message, 9, size)
  const data = raw.length > 0 ? raw : fixedIn(message, type === float32 ? 4 : 10, size)
  return data.length === shape.reduce((a, b) => a * b, 1) ? { shape, data } : null
}
