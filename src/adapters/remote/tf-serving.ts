/** TensorFlow Serving's predict over HTTP, in its form by columns: every input once, every output of the signature back. */
import type { Tensor } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import { readJson, readNested, Unexpected, writeNested } from './json.ts'
import type { Protocol } from './protocol.ts'
import { NoSuchModel } from './protocol.ts'
import type { RemoteAddress } from './remote-file.ts'

const signature = 'serving_default'

const types: { readonly [dtype: string]: string } = {
  DT_FLOAT: 'float32',
  DT_DOUBLE: 'float64',
  DT_INT64: 'int64',
  DT_UINT64: 'uint64',
  DT_INT32: 'int32',
  DT_UINT32: 'uint32',
  DT_INT16: 'int16',
  DT_UINT16: 'uint16',
  DT_INT8: 'int8',
  DT_UINT8: 'uint8',
  DT_BOOL: 'bool',
  DT_STRING: 'string',
}

const pathOf = ({ url, model, version }: RemoteAddress): string =>
  `${new URL(url).pathname.replace(/\/$/, '')}/v1/models/${encodeURIComponent(model!)}${version === null ? '' : `/versions/${encodeURIComponent(version)}`}`

export const tfServing: Protocol = {
  pure: true,

  write: (file, inputs, _, timeoutMs) => ({
    method: 'POST',
    path: `${pathOf(file)}:predict`,
    headers: {
      'content-type': 'application/json',
      'x-request-timeout-ms': String(Math.max(1, Math.floor(timeoutMs))),
    },
    body: `{"signature_name":"${signature}","inputs":{${Object.keys(inputs)
      .map((name) => `${JSON.stringify(name)}:${writeNested(inputs[name]!, 'as it is')}`)
      .join(',')}}}`,
  }),

  read: (file, answer, wanted) => {
    const { outputs } = readJson(answer.body)
    const named = typeof outputs === 'object' && outputs !== null && !Array.isArray(outputs)
    const tensors: { [name: string]: Tensor } = {}
    for (const info of file.outputs) {
      if (!wanted.includes(info.name)) continue
      // The only one of a signature comes without its name.
      if (!named && file.outputs.length > 1) throw new Unexpected("its 'outputs' have no names")
      const value = named ? (outputs as Readonly<Record<string, unknown>>)[info.name] : outputs
      if (value !== undefined) tensors[info.name] = readNested(info, value)
    }
    return tensors
  },

  describe: async (address, get) => {
    const found = await get(`${pathOf(address)}/metadata`)
    if (found === null) throw new NoSuchModel()
    const definitions = member(member(member(found, 'metadata'), 'signature_def'), 'signature_def')
    const of = member(definitions, signature)
    return { inputs: infosOf(of['inputs']), outputs: infosOf(of['outputs']), binary: false, rows: null }
  },
}

type Members = Readonly<Record<string, unknown>>

function member(of: Members, name: string): Members {
  const value = of[name]
  if (typeof value !== 'object' || value === null) throw new Unexpected(`what it says of the model has no '${name}'`)
  return value as Members
}

function infosOf(of: unknown): readonly TensorInfo[] | null {
  if (typeof of !== 'object' || of === null) return null
  // Their order there is that of a hash table.
  return Object.keys(of)
    .sort()
    .map((name) => {
      const { dtype, tensor_shape } = member(of as Members, name)
      const type = types[String(dtype)]
      const { dim, unknown_rank } = (tensor_shape ?? {}) as Members
      if (type === undefined || unknown_rank === true) return { name, type: 'no tensor', shape: [] }
      const sizes = (Array.isArray(dim) ? dim : []).map((one: Members) => Number(one['size']))
      if (!sizes.every((size) => Number.isInteger(size) && size >= -1))
        throw new Unexpected(`what it says of '${name}' is no shape`)
      return { name, type, shape: sizes }
    })
}
