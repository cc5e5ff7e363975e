/**
 * MLflow's `/invocations`, as `mlflow models serve` answers it. It tells nothing of the model: whoever adds one says what goes in and comes
 * out. A model may do anything there, so no call of it is sent twice.
 */
import type { Tensor, Tensors } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import { readJson, readNested, Unexpected, writeNested, writeValue } from './json.ts'
import type { Protocol } from './protocol.ts'
import type { RemoteFile } from './remote-file.ts'

export const mlflow: Protocol = {
  pure: false,

  write: (file, inputs, _, timeoutMs) => ({
    method: 'POST',
    path: `${new URL(file.url).pathname.replace(/\/$/, '')}/invocations`,
    headers: {
      'content-type': 'application/json',
      'x-request-timeout-ms': String(Math.max(1, Math.floor(timeoutMs))),
    },
    body: file.form === 'columns' ? columns(inputs) : `{"inputs":${arrays(file, inputs)}}`,
  }),

  read: (file, answer, wanted) => {
    const { predictions } = readJson(answer.body)
    const tensors: { [name: string]: Tensor } = {}
    for (const info of file.outputs)
      if (wanted.includes(info.name)) {
        const value = outputOf(info, predictions, file.outputs.length)
        if (value !== undefined) tensors[info.name] = readNested(info, value)
      }
    return tensors
  },

  describe: async ({ url }, get) => {
    // It says no more than that it is there.
    await get(`${new URL(url).pathname.replace(/\/$/, '')}/ping`)
    return { inputs: null, outputs: null, binary: false, rows: null }
  },
}

/** A data frame: a column an input, a row a list. */
function columns(inputs: Tensors): string {
  const names = Object.keys(inputs)
  const all = names.map((name) => inputs[name]!)
  const rows = all[0]?.data.length ?? 0
  const data = Array.from(
    { length: rows },
    (_, i) => `[${all.map(({ type, data: values }) => writeValue(type, values[i]!, 'as it is')).join(',')}]`,
  )
  return `{"dataframe_split":{"columns":${JSON.stringify(names)},"data":[${data.join(',')}]}}`
}

function arrays({ form, inputs: infos }: RemoteFile, inputs: Tensors): string {
  if (form === 'array') return writeNested(inputs[infos[0]!.name]!, 'as it is')
  return `{${Object.keys(inputs)
    .map((name) => `${JSON.stringify(name)}:${writeNested(inputs[name]!, 'as it is')}`)
    .join(',')}}`
}

type Members = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Predictions are an object of arrays, a list of objects (the rows of a data frame), or the array of the only output. */
function outputOf({ name }: TensorInfo, predictions: unknown, outputs: number): unknown {
  if (isObject(predictions)) return Object.hasOwn(predictions, name) ? predictions[name] : undefined
  if (!Array.isArray(predictions)) throw new Unexpected("it has no 'predictions'")
  if (isObject(predictions[0]))
    return predictions.map((row: unknown) => {
      if (!isObject(row) || !Object.hasOwn(row, name)) throw new Unexpected(`a row of its answer has no '${name}'`)
      return row[name]
    })
  if (outputs > 1) throw new Unexpected('its predictions have no names')
  return predictions
}
