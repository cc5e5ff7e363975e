/**
 * An inference over HTTP: JSON, after which the bytes of tensors may follow. How long the JSON is stands in a header then, and how many
 * bytes belong to a tensor in its parameters.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Tensor } from '../../ports/model-runtime.ts'
import { parseJson } from '../json.ts'
import { shown } from '../request.ts'
import type { InferResponse, Parameters, WantedOutput } from './infer.ts'
import { readableNumbers } from './numbers.ts'
import { datatypeOf, fromBytes, fromJson, toBytes, toJsonText } from './tensors.ts'

export const headerLength = 'inference-header-content-length'

export interface HttpInfer {
  readonly id: string | null
  readonly inputs: { readonly [name: string]: Tensor }
  readonly outputs: readonly WantedOutput[]
  readonly parameters: Parameters
  /** Whether an output is to be sent as bytes. */
  binary(output: string): boolean
}

const malformed = (problem: string, fix: string): SixfoldError =>
  new SixfoldError('SX_REQUEST_MALFORMED', problem, { fix })

type Members = { readonly [member: string]: unknown }
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Throws SX_REQUEST_MALFORMED, SX_REQUEST_INVALID, SX_TENSOR_INVALID. */
export function readInfer(body: Uint8Array, headers: IncomingHttpHeaders, bodyDepth: number): HttpInfer {
  const given = headers[headerLength]
  const length = given === undefined ? body.length : lengthOf(given, body.length)
  const json = parseJson(body.subarray(0, length), bodyDepth, readableNumbers)
  if (!isMembers(json)) throw malformed('The body is no JSON object', 'Send {"inputs": [ … ]}.')
  const parameters = parametersOf(json['parameters'], 'the request')
  let rest = body.subarray(length)
  const inputs: { [name: string]: Tensor } = Object.create(null) as {}
  for (const input of listOf(json['inputs'], 'inputs')) {
    const { name, datatype, shape } = head(input)
    if (name in inputs) throw malformed(`The input '${shorten(name)}' is there twice`, 'Send each input once.')
    const size = parametersOf(input['parameters'], `input '${shorten(name)}'`)['binary_data_size']
    if (size === undefined) {
      if (input['data'] === undefined)
        throw malformed(
          `The input '${shorten(name)}' has no data`,
          'Send "data", or bytes after the JSON and "binary_data_size".',
        )
      inputs[name] = fromJson(name, datatype, shape, input['data'])
      continue
    }
    if (input['data'] !== undefined)
      throw malformed(
        `The input '${shorten(name)}' has data, and bytes after the JSON`,
        'Send "data" or "binary_data_size", not both.',
      )
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > rest.length)
      throw malformed(
        `The input '${shorten(name)}' is said to have ${shown(size)} bytes, and ${rest.length} are left`,
        'Send as many bytes after the JSON as "binary_data_size" says, in the order of the inputs.',
      )
    inputs[name] = fromBytes(name, datatype, shape, rest.subarray(0, size))
    rest = rest.subarray(size)
  }
  if (rest.length > 0)
    throw malformed(
      `${rest.length} bytes are left that belong to no input`,
      `Check "binary_data_size" and the header ${headerLength}.`,
    )
  const wanted = json['outputs'] === undefined ? [] : listOf(json['outputs'], 'outputs')
  const everything = parameters['binary_data_output'] === true
  const binary = new Map<string, boolean>()
  const outputs = wanted.map((output): WantedOutput => {
    const name = output['name']
    if (typeof name !== 'string') throw malformed('An output has no name', 'Send "outputs": [{"name": "…"}].')
    const own = parametersOf(output['parameters'], `output '${shorten(name)}'`)
    binary.set(name, own['binary_data'] === undefined ? everything : own['binary_data'] === true)
    return { name, classes: classesOf(own['classification'], name) }
  })
  const id = json['id'] ?? null
  if (id !== null && typeof id !== 'string') throw malformed("'id' is no text", 'Send a text, or leave it out.')
  return { id, inputs, outputs, parameters, binary: (output) => binary.get(output) ?? everything }
}

function lengthOf(header: string | readonly string[], bodyLength: number): number {
  const length = /^\d{1,12}$/.test(String(header)) ? Number(header) : Number.NaN
  if (length <= bodyLength) return length
  throw malformed(
    `The header ${headerLength} is '${shorten(String(header))}', and the body has ${bodyLength} bytes`,
    'Send the length of the JSON in bytes, before any compression.',
  )
}

function classesOf(value: unknown, name: string): number {
  if (value === undefined) return 0
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw malformed(
    `The output '${shorten(name)}' asks for ${shown(value)} classes`,
    'Send a whole number of 1 or more; 0 is the output as it is.',
  )
}

function parametersOf(value: unknown, of: string): Parameters {
  if (value === undefined || value === null) return {}
  if (isMembers(value)) return value
  throw malformed(`The parameters of ${of} are no object`, 'Send "parameters": { … }, or leave them out.')
}

function listOf(value: unknown, name: string): readonly Members[] {
  if (Array.isArray(value) && value.every(isMembers)) return value as readonly Members[]
  throw malformed(
    `'${name}' ${value === undefined ? 'is missing' : 'is no list of objects'}`,
    `Send "${name}": [{ … }].`,
  )
}

function head(input: Members): { readonly name: string; readonly datatype: string; readonly shape: readonly number[] } {
  const { name, datatype, shape } = input
  if (typeof name !== 'string') throw malformed('An input has no name', 'Send its "name".')
  if (typeof datatype !== 'string')
    throw malformed(`The input '${shorten(name)}' has no datatype`, 'Send its "datatype".')
  if (!Array.isArray(shape) || shape.length > 100 || !shape.every((size) => typeof size === 'number'))
    throw malformed(`The input '${shorten(name)}' has no shape`, 'Send its "shape", a list of whole numbers.')
  return { name, datatype, shape: shape as readonly number[] }
}

export interface HttpAnswer {
  readonly body: string | Buffer
  /** Of the JSON before the bytes; null where there are none. */
  readonly jsonLength: number | null
}

export function writeInfer(response: InferResponse, { id, binary }: Pick<HttpInfer, 'id' | 'binary'>): HttpAnswer {
  const blobs: Uint8Array[] = []
  const outputs = response.outputs.map(({ name, tensor }) => {
    const datatype = datatypeOf(tensor.type)
    const start = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${tensor.shape.join(',')}]`
    if (!binary(name) && datatype !== 'FP16') return `${start},"data":${toJsonText(tensor)}}`
    const bytes = toBytes(tensor)
    blobs.push(bytes)
    return `${start},"parameters":{"binary_data_size":${bytes.length}}}`
  })
  const some = Object.keys(response.parameters).length > 0 ? `"parameters":${JSON.stringify(response.parameters)},` : ''
  const json = `{${id === null ? '' : `"id":${JSON.stringify(id)},`}"model_name":${JSON.stringify(response.model)},"model_version":${JSON.stringify(response.version)},${some}"outputs":[${outputs.join(',')}]}`
  if (blobs.length === 0) return { body: json, jsonLength: null }
  const head = Buffer.from(json)
  return { body: Buffer.concat([head, ...blobs]), jsonLength: head.length }
}
