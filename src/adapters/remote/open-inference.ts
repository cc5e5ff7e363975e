/**
 * Open Inference v2 over HTTP, as Triton, KServe, MLServer, TorchServe's KServe mode and Sixfold itself speak it. Where a server says that
 * it takes binary tensors, their bytes follow a head of JSON, in both directions; elsewhere everything is JSON.
 */
import type { Tensor, TensorData } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import type { Answer } from './connection.ts'
import { arrays, readJson, readValues, Unexpected, writeValues } from './json.ts'
import type { Protocol } from './protocol.ts'
import { NoSuchModel } from './protocol.ts'
import type { RemoteAddress } from './remote-file.ts'

const datatypes: { readonly [type: string]: string } = {
  float32: 'FP32',
  float64: 'FP64',
  int64: 'INT64',
  uint64: 'UINT64',
  int32: 'INT32',
  uint32: 'UINT32',
  int16: 'INT16',
  uint16: 'UINT16',
  int8: 'INT8',
  uint8: 'UINT8',
  bool: 'BOOL',
  string: 'BYTES',
}
const typesOf = new Map(Object.entries(datatypes).map(([type, datatype]) => [datatype, type]))

const pathOf = ({ url, model, version }: RemoteAddress): string =>
  `${new URL(url).pathname.replace(/\/$/, '')}/v2/models/${encodeURIComponent(model!)}${version === null ? '' : `/versions/${encodeURIComponent(version)}`}`

/** The head of a message, before bytes. */
const headLength = 'inference-header-content-length'

export const openInference: Protocol = {
  pure: true,

  write: (file, inputs, outputs, timeoutMs) => {
    const binary = file.form === 'binary'
    const bytes: Buffer[] = []
    const written = Object.keys(inputs).map((name) => {
      const tensor = inputs[name]!
      const about = `"name":${JSON.stringify(name)},"shape":[${tensor.shape.join(',')}],"datatype":"${datatypes[tensor.type]}"`
      // JSON has no NaN, and those that read it in Python make one of null.
      if (!binary) return `{${about},"data":${writeValues(tensor, 'in JSON')}}`
      const content = bytesOf(tensor)
      bytes.push(content)
      return `{${about},"parameters":{"binary_data_size":${content.length}}}`
    })
    const asked = outputs.map(
      (name) => `{"name":${JSON.stringify(name)}${binary ? ',"parameters":{"binary_data":true}' : ''}}`,
    )
    const head = `{"parameters":{"timeout":${Math.max(1, Math.floor(timeoutMs * 1_000))}},"inputs":[${written.join(',')}],"outputs":[${asked.join(',')}]}`
    const told = { 'x-request-timeout-ms': String(Math.max(1, Math.floor(timeoutMs))) }
    const path = `${pathOf(file)}/infer`
    if (!binary) return { method: 'POST', path, headers: { ...told, 'content-type': 'application/json' }, body: head }
    const text = Buffer.from(head)
    const headers = { ...told, 'content-type': 'application/octet-stream', [headLength]: String(text.length) }
    return { method: 'POST', path, headers, body: Buffer.concat([text, ...bytes]) }
  },

  read: (_, answer, wanted) => {
    const { json, rest } = parts(answer)
    const { outputs } = json
    if (!Array.isArray(outputs)) throw new Unexpected("it has no list 'outputs'")
    const tensors: { [name: string]: Tensor } = {}
    let at = 0
    for (const one of outputs as readonly Readonly<Record<string, unknown>>[]) {
      const { name, datatype, shape, data, parameters } = one ?? {}
      if (typeof name !== 'string' || !isShape(shape)) throw new Unexpected('an output has no name or no shape')
      const size = (parameters as { readonly binary_data_size?: unknown } | undefined)?.binary_data_size
      const from = at
      if (size !== undefined) {
        if (typeof size !== 'number' || !(size >= 0 && size <= rest.length - at))
          throw new Unexpected(`'${name}' has fewer bytes than it says`)
        at += size
      }
      if (!wanted.includes(name)) continue
      const type = typesOf.get(String(datatype))
      if (type === undefined) throw new Unexpected(`'${name}' is of the type ${String(datatype)}, which is not read`)
      const count = shape.reduce((a, b) => a * b, 1)
      tensors[name] = {
        type,
        shape,
        data:
          size === undefined
            ? readValues(name, type, flat(name, data))
            : readBytes(name, type, rest.subarray(from, at), count),
      }
    }
    return tensors
  },

  describe: async (address, get) => {
    const base = new URL(address.url).pathname.replace(/\/$/, '')
    const server = await get(`${base}/v2`)
    const extensions: readonly unknown[] = Array.isArray(server?.['extensions']) ? server['extensions'] : []
    const path = pathOf(address)
    const found = await get(path)
    if (found === null) throw new NoSuchModel()
    const config = extensions.includes('model_configuration') ? await get(`${path}/config`) : null
    const most = config?.['max_batch_size']
    return {
      inputs: infosOf(found['inputs']),
      outputs: infosOf(found['outputs']),
      binary: extensions.includes('binary_tensor_data'),
      rows: typeof most === 'number' && most > 0 ? most : null,
    }
  },
}

/** Null where it says nothing of them: that is not needed to serve a model. */
function infosOf(list: unknown): readonly TensorInfo[] | null {
  if (!Array.isArray(list) || list.length === 0) return null
  return list.map((one: Readonly<Record<string, unknown>> | null): TensorInfo => {
    const { name, datatype, shape } = one ?? {}
    const sizes = Array.isArray(shape) ? shape.map(Number) : null
    if (typeof name !== 'string' || sizes === null || !sizes.every((size) => Number.isInteger(size) && size >= -1))
      throw new Unexpected('what it says of the model is not of the form of its protocol')
    const type = typesOf.get(String(datatype))
    return type === undefined ? { name, type: 'no tensor', shape: [] } : { name, type, shape: sizes }
  })
}

function parts({ headers, body }: Answer): {
  readonly json: Readonly<Record<string, unknown>>
  readonly rest: Buffer
} {
  const length = headers[headLength]
  if (length === undefined) return { json: readJson(body), rest: body.subarray(body.length) }
  const size = Number(length)
  if (!Number.isInteger(size) || size < 0 || size > body.length) throw new Unexpected('its head is longer than itself')
  return { json: readJson(body.subarray(0, size)), rest: body.subarray(size) }
}

const isShape = (shape: unknown): shape is readonly number[] =>
  Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0)

/** Flat, or as lists in lists: both are in use. */
function flat(name: string, data: unknown): readonly unknown[] {
  if (!Array.isArray(data)) throw new Unexpected(`'${name}' has no values`)
  return Array.isArray(data[0]) ? (data.flat(Number.POSITIVE_INFINITY) as unknown[]) : data
}

// --- bytes: little-endian, as every machine that this runs on has them in memory

function bytesOf({ type, data }: Tensor): Buffer {
  if (type !== 'string') {
    const { buffer, byteOffset, byteLength } = data as Float32Array
    return Buffer.from(buffer, byteOffset, byteLength)
  }
  const texts = data as readonly string[]
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, 0))
  let at = 0
  for (const [i, text] of texts.entries()) {
    at = bytes.writeUInt32LE(lengths[i]!, at)
    at += bytes.write(text, at)
  }
  return bytes
}

/** Copied, to where arrays of numbers may lie. */
function readBytes(name: string, type: string, bytes: Buffer, count: number): TensorData {
  if (type === 'string') return readTexts(name, bytes)
  const ArrayOf = arrays[type as keyof typeof arrays]
  if (bytes.length !== count * ArrayOf.BYTES_PER_ELEMENT)
    throw new Unexpected(`'${name}' has ${bytes.length} bytes, its shape takes ${count * ArrayOf.BYTES_PER_ELEMENT}`)
  const data = new ArrayOf(count)
  new Uint8Array(data.buffer).set(bytes)
  return data
}

function readTexts(name: string, bytes: Buffer): readonly string[] {
  const texts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY
    if (at + 4 + length > bytes.length) throw new Unexpected(`'${name}' ends within a text`)
    texts.push(bytes.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length
  }
  return texts
}
