/** Inferences as messages of gRPC have them, and as all protocols share them. */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Tensor } from '../../ports/model-runtime.ts'
import type { InferResponse, Parameters, WantedOutput } from '../open-inference/infer.ts'
import { datatypeOf, elementsOf, fromBytes, fromJson, textOf, toBytes } from '../open-inference/tensors.ts'

/** As it was read: fields that were not sent have the values of nothing. */
export interface InferMessage {
  readonly model_name: string
  readonly model_version: string
  readonly id: string
  readonly parameters: { readonly [name: string]: ParameterMessage }
  readonly inputs: readonly {
    readonly name: string
    readonly datatype: string
    readonly shape: readonly string[]
    readonly contents: ContentsMessage | null
  }[]
  readonly outputs: readonly {
    readonly name: string
    readonly parameters: { readonly [name: string]: ParameterMessage }
  }[]
  readonly raw_input_contents: readonly Buffer[]
}
interface ParameterMessage {
  readonly choice?: string
  readonly [member: string]: unknown
}
interface ContentsMessage {
  readonly [member: string]: readonly unknown[]
}

/** Which list of contents holds a datatype. */
const listOf: { readonly [datatype: string]: string } = {
  ...{
    BOOL: 'bool_contents',
    INT8: 'int_contents',
    INT16: 'int_contents',
    INT32: 'int_contents',
    INT64: 'int64_contents',
  },
  ...{ UINT8: 'uint_contents', UINT16: 'uint_contents', UINT32: 'uint_contents', UINT64: 'uint64_contents' },
  ...{ FP32: 'fp32_contents', FP64: 'fp64_contents', BYTES: 'bytes_contents' },
}

export interface AskedByGrpc {
  readonly inputs: { readonly [name: string]: Tensor }
  readonly outputs: readonly WantedOutput[]
  readonly parameters: Parameters
}

/** Throws SX_REQUEST_MALFORMED, SX_TENSOR_INVALID. */
export function readInfer({ inputs, outputs, parameters, raw_input_contents: raw }: InferMessage): AskedByGrpc {
  if (raw.length > 0 && raw.length !== inputs.length)
    throw new SixfoldError('SX_REQUEST_MALFORMED', `There are ${raw.length} raw contents for ${inputs.length} inputs`, {
      fix: 'Send raw_input_contents for each input in its order, or for none.',
    })
  const read: { [name: string]: Tensor } = Object.create(null) as {}
  for (const [i, { name, datatype, shape, contents }] of inputs.entries()) {
    if (name in read)
      throw new SixfoldError('SX_REQUEST_MALFORMED', `The input '${shorten(name)}' is there twice`, {
        fix: 'Send each input once.',
      })
    const sizes = shape.map(Number)
    read[name] =
      raw.length > 0 ? fromBytes(name, datatype, sizes, raw[i]!) : fromContents(name, datatype, sizes, contents)
  }
  return {
    inputs: read,
    outputs: outputs.map(({ name, parameters: own }) => ({
      name,
      classes: Number(parameterIn(own['classification']) ?? 0),
    })),
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, parameterIn(value)])),
  }
}

const parameterIn = (parameter: ParameterMessage | undefined): unknown => {
  if (parameter?.choice === undefined) return undefined
  const value = parameter[parameter.choice]
  return parameter.choice.endsWith('int64_param') ? Number(value) : value
}

function fromContents(
  name: string,
  datatype: string,
  shape: readonly number[],
  contents: ContentsMessage | null,
): Tensor {
  const list = contents?.[listOf[datatype] ?? ''] ?? []
  elementsOf(name, shape)
  if (datatype === 'BYTES')
    return fromJson(
      name,
      datatype,
      shape,
      (list as Buffer[]).map((bytes) => textOf(name, bytes)),
    )
  return fromJson(name, datatype, shape, list)
}

/** Outputs go as bytes, as clients read them first. */
export function writeInfer({ model, version, parameters, outputs }: InferResponse, id: string): object {
  return {
    model_name: model,
    model_version: version,
    id,
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, parameterOf(value)])),
    outputs: outputs.map(({ name, tensor }) => ({ name, datatype: datatypeOf(tensor.type), shape: tensor.shape })),
    raw_output_contents: outputs.map(({ tensor }) => toBytes(tensor)),
  }
}

const parameterOf = (value: unknown): object =>
  typeof value === 'boolean'
    ? { bool_param: value }
    : typeof value === 'number'
      ? Number.isSafeInteger(value)
        ? { int64_param: value }
        : { double_param: value }
      : { string_param: String(value) }
