/** One inference, whatever it came over: tensors to the file of a model, or rows of columns to its pipeline. */
import type { Services } from '../../api/index.ts'
import type { Carrier, OutputValue, Prediction, Priority } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { Tensor, TensorData, Tensors } from '../../ports/model-runtime.ts'
import { predictRows } from '../predict-rows.ts'
import type { Named } from './models.ts'
import { checkPipelineVersion, definitionOf, pipelineOf, predictionId, readyVersion } from './models.ts'
import { datatypeOf, typeOfDatatype } from './tensors.ts'

export type Parameters = { readonly [name: string]: unknown }

export interface WantedOutput {
  readonly name: string
  /** So many of the largest, as texts `value:index`; 0: the output as it is. */
  readonly classes: number
}

export interface InferRequest {
  readonly inputs: Tensors
  /** None: all. */
  readonly outputs: readonly WantedOutput[]
  readonly parameters: Parameters
}

/** What is said of a request outside of the protocol: by its path, its headers, or its transport. */
export interface InferAround {
  readonly version: string | null
  readonly arrived: number
  /** The trace that it belongs to. */
  readonly carrier?: Carrier | undefined
  readonly timeoutMs: number | undefined
  readonly priority?: Priority | undefined
}

export interface InferResponse {
  readonly model: string
  readonly version: string
  readonly parameters: Parameters
  /** In the order asked for. */
  readonly outputs: readonly { readonly name: string; readonly tensor: Tensor }[]
}

export async function infer(
  services: Services,
  one: Named,
  request: InferRequest,
  around: InferAround,
): Promise<InferResponse> {
  const { version: wantedVersion, arrived, carrier } = around
  const { inputs, outputs: wantedOutputs } = request
  const { timeoutMs, priority } = urgencyIn(request.parameters, around)
  const asked: Asked = {
    ...{ version: wantedVersion, inputs, outputs: wantedOutputs, arrived, timeoutMs, priority, carrier },
  }
  const { version, parameters, outputs } = await (one.pipeline
    ? inferPipeline(services, one, asked)
    : inferTensors(services, one, asked))
  const wanted = request.outputs.length > 0 ? request.outputs : outputs.map(({ name }) => ({ name, classes: 0 }))
  return {
    model: one.name,
    version,
    parameters,
    outputs: wanted.map(({ name, classes }) => {
      const { tensor } = outputs.find((output) => output.name === name)!
      return { name, tensor: classes === 0 ? tensor : classified(name, tensor, classes) }
    }),
  }
}

interface Asked extends Omit<InferRequest, 'parameters'>, InferAround {
  readonly priority: Priority
}
type Answered = Pick<InferResponse, 'version' | 'parameters' | 'outputs'>

/** The protocol's own, where the request has them: a timeout in microseconds, and 1 for the most urgent. Throws SX_REQUEST_INVALID. */
function urgencyIn(
  parameters: Parameters,
  { timeoutMs, priority: around }: InferAround,
): {
  readonly timeoutMs: number | undefined
  readonly priority: Priority
} {
  const { timeout, priority } = parameters
  const whole = (value: unknown, name: string): number | undefined => {
    if (value === undefined) return undefined
    // An object may have a `valueOf` that is none: it is not asked.
    const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number) || number < 0)
      throw new SixfoldError(
        'SX_REQUEST_INVALID',
        `the parameter '${name}' is ${shorten(JSON.stringify(value) ?? '', 60)}`,
        {
          fix: 'Send a whole number of 0 or more.',
        },
      )
    return number
  }
  const microseconds = whole(timeout, 'timeout')
  const level = whole(priority, 'priority') ?? 0
  const named: Priority = level === 1 ? 'live' : level === 2 ? 'shadow' : 'backfill'
  const own = microseconds === undefined || microseconds === 0 ? undefined : microseconds / 1000
  return {
    timeoutMs: own === undefined ? timeoutMs : Math.min(own, timeoutMs ?? Number.POSITIVE_INFINITY),
    // 0 is the protocol's way to leave it out.
    priority: level === 0 ? (around ?? 'live') : named,
  }
}

async function inferTensors({ inference }: Services, one: Named, asked: Asked): Promise<Answered> {
  const { version, inputs, outputs, timeoutMs, arrived, priority, carrier } = asked
  // Also where another is named: what is unknown is told in the protocol's words.
  readyVersion(one, version)
  const names = outputs.length === 0 ? null : outputs.map(({ name }) => name)
  const answer = await inference.infer(one.model, version, {
    inputs,
    outputs: names,
    timeoutMs,
    arrived,
    priority,
    carrier,
  })
  return {
    version: answer.version,
    parameters: {},
    outputs: Object.entries(answer.outputs).map(([name, tensor]) => ({ name, tensor })),
  }
}

/** Each row is a prediction of its own: with features, by its deadline, and in the log. */
async function inferPipeline(services: Services, one: Named, asked: Asked): Promise<Answered> {
  checkPipelineVersion(one, asked.version)
  const model = definitionOf(services, one)
  const { inputs: columns, outputs: offered } = pipelineOf(model)
  for (const { name } of asked.outputs)
    if (!offered.some((output) => output.name === name))
      throw refused(
        `unexpected inference output '${shorten(name)}' for model '${one.name}'`,
        suggestion(
          shorten(name),
          offered.map((output) => output.name),
        ),
      )
  for (const name of Object.keys(asked.inputs))
    if (!columns.some((column) => column.name === name))
      throw refused(
        `unexpected inference input '${shorten(name)}' for model '${one.name}'`,
        suggestion(
          shorten(name),
          columns.map((column) => column.name),
        ),
      )
  const given = columns
    .filter(({ name }) => Object.hasOwn(asked.inputs, name))
    .map((column) => ({
      ...column,
      tensor: columnOf(one.name, column.name, column.datatype, asked.inputs[column.name]!),
    }))
  const rows = given[0]?.tensor.shape[0] ?? 1
  const uneven = given.find(({ tensor }) => tensor.shape[0] !== rows)
  if (uneven !== undefined)
    throw refused(
      `input '${uneven.name}' of model '${one.name}' has ${uneven.tensor.shape[0]} rows, another has ${rows}`,
      'Send as many rows in each.',
    )
  if (rows === 0) throw refused(`the request for model '${one.name}' has no rows`, 'Send at least one.')
  if (rows > services.limits.requestRows)
    throw refused(
      `inference request batch-size must be <= ${services.limits.requestRows} for model '${one.name}'`,
      'Send fewer rows at once.',
    )
  const urgency = {
    arrived: asked.arrived,
    timeoutMs: asked.timeoutMs,
    priority: asked.priority,
    carrier: asked.carrier,
  }
  const questions = Array.from({ length: rows }, (_, row) => {
    const part = (which: 'keys' | 'request'): object =>
      Object.fromEntries(
        given.filter((column) => column.part === which).map(({ name, tensor }) => [name, valueAt(tensor, row)]),
      )
    return { keys: part('keys'), request: part('request'), ...urgency }
  })
  const predictions = await predictRows(services, one.model, questions)
  return {
    version: predictions.find(({ version }) => version !== null)?.version ?? '0',
    parameters: degradationOf(predictions),
    outputs: offered.map(({ name, datatype, shape }) => ({
      name,
      tensor: {
        type: typeOfDatatype(name, datatype),
        shape: [rows, ...shape.slice(1)],
        data: collected(
          datatype,
          predictions.map((prediction) => (name === predictionId ? (prediction.id ?? '') : prediction.outputs[name]!)),
        ),
      },
    })),
  }
}

const refused = (problem: string, fix: string): SixfoldError => new SixfoldError('SX_TENSOR_INVALID', problem, { fix })

/** A column of the right type: rows, or rows of one. */
function columnOf(model: string, name: string, datatype: string, tensor: Tensor): Tensor {
  if (tensor.type !== typeOfDatatype(name, datatype))
    throw refused(
      `inference input '${name}' data-type is '${datatypeOf(tensor.type)}', but model '${model}' expects '${datatype}'`,
      `Send '${name}' as ${datatype}.`,
    )
  const { shape } = tensor
  if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1))
    throw refused(
      `unexpected shape for input '${name}' for model '${model}'. Expected [-1], got [${shape.join(',')}]`,
      `Send '${name}' with one value a row.`,
    )
  if (tensor.data.length !== shape[0])
    throw refused(
      `input '${name}' of model '${model}' has ${tensor.data.length} values for ${shape[0]} rows`,
      'Send one value a row.',
    )
  return tensor
}

/** As JSON would have it: no number is missing, and a 64-bit integer beyond 2^53 goes as it is. */
function valueAt({ type, data }: Tensor, row: number): unknown {
  const value = data[row]!
  if (type === 'bool') return value !== 0
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  return typeof value === 'number' && Number.isNaN(value) ? null : value
}

const collected = (datatype: string, values: readonly OutputValue[]): TensorData =>
  datatype === 'BYTES' ? (values as readonly string[]) : Float64Array.from(values.flat() as number[])

/** Of several rows the first that was degraded. Parameters are texts, numbers and booleans. */
function degradationOf(predictions: readonly Prediction[]): Parameters {
  const degraded = predictions.filter((prediction) => prediction.degraded.length > 0)
  const [first] = degraded
  if (first === undefined) return {}
  const { stage, by, reason } = first.degraded.at(-1)!
  return { degraded: true, degraded_rows: degraded.length, stage, fallback: by, reason }
}

/** The classification extension: of each row the largest, as `value:index`. */
function classified(name: string, { type, shape, data }: Tensor, classes: number): Tensor {
  if (type === 'string')
    throw refused(`output '${name}' is of texts, which have no largest`, 'Leave classification out.')
  const rows = shape.length > 1 ? shape[0]! : 1
  const width = data.length / Math.max(1, rows)
  const most = Math.min(classes, width)
  const texts: string[] = []
  for (let row = 0; row < rows; row++) {
    const places = Array.from({ length: width }, (_, i) => i).sort((a, b) => {
      const [first, second] = [Number(data[row * width + a]), Number(data[row * width + b])]
      return second - first || a - b
    })
    for (const place of places.slice(0, most)) {
      const value = data[row * width + place]!
      texts.push(`${typeof value === 'bigint' ? value : Number(value).toFixed(6)}:${place}`)
    }
  }
  return { type: 'string', shape: shape.length > 1 ? [rows, most] : [most], data: texts }
}
