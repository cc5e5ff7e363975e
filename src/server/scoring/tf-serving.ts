/**
 * TensorFlow Serving's REST API, which is KServe's version 1 as well: predict by rows or by columns, status and metadata. Its errors are
 * one text. Bare NaN and Infinity are no JSON and are refused, where TensorFlow Serving takes them: send null.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Model } from '../../definition/model.ts'
import type { OutputValue, Prediction, ServedVersion } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Tensors } from '../../ports/model-runtime.ts'
import { urgencyOf } from '../gateway/timing.ts'
import { parseJson } from '../json.ts'
import { shown } from '../request.ts'
import { routesOn } from '../routes.ts'
import type { Asked, Columns, Ready } from './faces.ts'
import {
  askFile,
  askPipeline,
  asksPipeline,
  checkRows,
  columnsOf,
  inputsOf,
  isMembers,
  modelFor,
  readyFor,
} from './faces.ts'
import { plain, tensorOf, textOfTensor, textsOfRows } from './nested.ts'
import type { ScoringOptions } from './scope.ts'
import { bytesOf, takeBytes } from './scope.ts'
import { metadataOf } from './tf-metadata.ts'

const invalid = (problem: string, fix: string): SixfoldError => new SixfoldError('SX_REQUEST_INVALID', problem, { fix })

export function tfServing(app: FastifyInstance, options: ScoringOptions): void {
  app.register((scope, _, done) => {
    serve(scope, options)
    done()
  })
}

function serve(scope: FastifyInstance, options: ScoringOptions): void {
  const { services, during } = options
  takeBytes(scope, options, ({ code, status, detail, fix }, request) => {
    const { model, version } = targetOf(request)
    const words = code === 'SX_UNKNOWN_MODEL' || code === 'SX_UNKNOWN_VERSION' || code === 'SX_MODEL_UNREADY'
    const servable = `Servable not found for request: ${version === null ? `Latest(${shorten(model)})` : `Specific(${shorten(model)}, ${shorten(version)})`}. `
    return { status: words ? 404 : status, body: { error: `${words ? servable : ''}${detail} ${fix}` } }
  })
  const routes = routesOn(scope)
  // The router has no parameter with a colon behind it: the verb is read off what it found.
  const verbs = (request: FastifyRequest, reply: FastifyReply): unknown => {
    const { model: name, version, verb } = targetOf(request)
    if (verb === null)
      throw new SixfoldError('SX_NOT_FOUND', `Nothing is at ${request.method} ${shorten(request.url, 200)}.`)
    const model = modelFor(services, request.caller, name)
    if (verb === 'classify' || verb === 'regress')
      throw new SixfoldError('SX_NOT_SUPPORTED', `'${name}' has no signature for ${verb}.`, { fix: 'Use predict.' })
    if (verb !== 'predict')
      throw new SixfoldError('SX_NOT_FOUND', `There is no '${shorten(verb)}' of a model.`, { fix: 'Use predict.' })
    return during(async () => {
      const asked = { ...urgencyOf(request), model, version }
      const body = await predict(options, asked, parseJson(bytesOf(request), services.limits.bodyDepth))
      return reply.type('application/json').send(body)
    })
  }
  routes.post('/v1/models/:model', { right: 'predict' }, verbs)
  routes.post('/v1/models/:model/versions/:version', 'predict', verbs)
  for (const path of ['/v1/models/:model', '/v1/models/:model/versions/:version']) {
    routes.get(path, 'predict', async (request) => {
      const { model: name, version } = targetOf(request)
      const { name: model } = modelFor(services, request.caller, name)
      const { versions } = services.inference.of(model)!
      const told = versions.filter((one) => version === null || one.version === version)
      if (told.length === 0) throw new SixfoldError('SX_UNKNOWN_VERSION', 'No such version answers here.')
      return { model_version_status: told.map(statusOf) }
    })
    routes.get(`${path}/metadata`, 'predict', async (request) => {
      const { model: name, version } = targetOf(request)
      const model = modelFor(services, request.caller, name)
      return metadataOf(model.name, readyFor(services, model, version))
    })
  }
  routes.end()
}

const states = { loading: 'LOADING', ready: 'AVAILABLE', unloaded: 'END', failed: 'END' } as const
const statusOf = ({ version, state, reason }: ServedVersion): object => ({
  version,
  state: states[state],
  status: { error_code: state === 'failed' ? 'UNKNOWN' : 'OK', error_message: state === 'failed' ? reason : '' },
})

interface Target {
  readonly model: string
  readonly version: string | null
  readonly verb: string | null
}

/** A verb stands behind a colon, at the end of a path that asks for something. */
function targetOf({ method, params }: FastifyRequest): Target {
  const { model = '', version = null } = params as { readonly model?: string; readonly version?: string }
  const last = version ?? model
  const colon = method === 'POST' ? last.lastIndexOf(':') : -1
  const [head, verb] = colon < 0 ? [last, null] : [last.slice(0, colon), last.slice(colon + 1)]
  return version === null ? { model: head, version, verb } : { model, version: head, verb }
}

/** Gives the answer as text. */
async function predict({ services }: ScoringOptions, asked: Asked, body: unknown): Promise<string> {
  if (!isMembers(body)) throw new SixfoldError('SX_REQUEST_MALFORMED', 'The body is no JSON object.')
  const { signature_name: signature, instances, inputs } = body
  if (signature !== undefined && signature !== '' && signature !== 'serving_default')
    throw invalid(`There is no signature ${shown(signature)}.`, "Send 'serving_default', or leave it out.")
  if ((instances === undefined) === (inputs === undefined))
    throw invalid(
      instances === undefined ? "'instances' and 'inputs' are missing." : "Both 'instances' and 'inputs' are there.",
      'Send one of them: instances for rows, inputs for columns.',
    )
  const { model, version } = asked
  if (instances !== undefined) {
    const rows = rowsOf(instances)
    checkRows(services, model, rows.length)
    if (rows.every(isMembers) && !isBytes(rows[0]!)) {
      const columns = columnsOf(rows)
      if (asksPipeline(model, columns.keys()))
        return rowsText(await askPipeline(services, asked, withoutBytes(columns), rows.length))
      for (const [name, values] of columns)
        if (values.includes(undefined))
          throw new SixfoldError('SX_TENSOR_INVALID', `'${shorten(name)}' is missing in a row.`)
      return byRows(
        rows.length,
        await askFile(services, asked, inputsOf(model, readyFor(services, model, version), columns)),
      )
    }
    const ready = readyFor(services, model, version)
    return byRows(rows.length, await askFile(services, asked, only(model, ready, rows)))
  }
  if (!isMembers(inputs) || isBytes(inputs))
    return byColumns(await askFile(services, asked, only(model, readyFor(services, model, version), inputs)))
  if (asksPipeline(model, Object.keys(inputs))) {
    const columns = pipelineColumns(inputs)
    const rows = columns.values().next().value?.length ?? 1
    return columnsText(await askPipeline(services, asked, columns, rows))
  }
  const ready = readyFor(services, model, version)
  const types = new Map(ready.detail.inputs.map(({ name, type }) => [name, type]))
  const named = Object.keys(inputs).every((name) => types.has(name))
    ? Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, tensorOf(name, types.get(name)!, value)]))
    : inputsOf(model, ready, pipelineColumns(inputs))
  return byColumns(await askFile(services, asked, named))
}

const withoutBytes = (columns: Columns): Columns =>
  new Map([...columns].map(([name, values]) => [name, values.map((value) => plain(name, value))]))

const isBytes = (value: object): boolean => Object.keys(value).length === 1 && 'b64' in value

function rowsOf(instances: unknown): readonly unknown[] {
  if (Array.isArray(instances)) return instances
  throw invalid("'instances' is no list.", 'Send a list with one entry for each row.')
}

/** The tensor of a file that has one input. */
function only(model: Model, { detail }: Ready, value: unknown): Tensors {
  const [input, another] = detail.inputs
  if (another !== undefined)
    throw new SixfoldError(
      'SX_TENSOR_INVALID',
      `'${model.name}' has several inputs: ${shorten(detail.inputs.map(({ name }) => name).join(', '), 300)}.`,
      { fix: 'Send each by its name.' },
    )
  return { [input!.name]: tensorOf(input!.name, input!.type, value) }
}

/** Lists of one length; a value that is no list is a row by itself. */
function pipelineColumns(inputs: { readonly [name: string]: unknown }): Columns {
  const columns = new Map<string, readonly unknown[]>()
  let rows: number | null = null
  for (const [name, value] of Object.entries(inputs)) {
    const values = (Array.isArray(value) ? value : [value]).map((one) =>
      Array.isArray(one) && one.length === 1 ? one[0] : plain(name, one),
    )
    if (rows !== null && values.length !== rows)
      throw new SixfoldError(
        'SX_TENSOR_INVALID',
        `'${shorten(name)}' has ${values.length} rows, another column has ${rows}.`,
        { fix: 'Send as many values in each column.' },
      )
    rows = values.length
    columns.set(name, values)
  }
  return columns
}

// --- answers

function byRows(rows: number, { outputs }: { readonly outputs: Tensors }): string {
  const names = Object.keys(outputs)
  const texts = names.map((name) => {
    const of = textsOfRows(outputs[name]!, rows)
    if (of !== null) return of
    throw invalid(`The output '${name}' does not have one entry a row.`, "Send columns as 'inputs' instead.")
  })
  const predictions = Array.from({ length: rows }, (_, row) =>
    names.length === 1
      ? texts[0]![row]!
      : `{${names.map((name, i) => `${JSON.stringify(name)}:${texts[i]![row]!}`).join(',')}}`,
  )
  return `{"predictions":[${predictions.join(',')}]}`
}

function byColumns({ outputs }: { readonly outputs: Tensors }): string {
  const [first, ...others] = Object.entries(outputs)
  if (others.length === 0) return `{"outputs":${textOfTensor(first![1])}}`
  return `{"outputs":{${[first!, ...others].map(([name, tensor]) => `${JSON.stringify(name)}:${textOfTensor(tensor)}`).join(',')}}}`
}

function rowsText(predictions: readonly Prediction[]): string {
  const rows = predictions.map(({ outputs }) => single(outputs) ?? outputs)
  return JSON.stringify({ predictions: rows, ...aboutThem(predictions) })
}

function columnsText(predictions: readonly Prediction[]): string {
  const names = Object.keys(predictions[0]!.outputs)
  const column = (name: string): readonly OutputValue[] => predictions.map(({ outputs }) => outputs[name]!)
  const outputs = names.length === 1 ? column(names[0]!) : Object.fromEntries(names.map((name) => [name, column(name)]))
  return JSON.stringify({ outputs, ...aboutThem(predictions) })
}

function single(outputs: Prediction['outputs']): OutputValue | null {
  const [first, second] = Object.values(outputs)
  return second === undefined ? first! : null
}

/** Beside what the protocol has: the ids by which they are in the log, and what was degraded. */
export function aboutThem(predictions: readonly Prediction[]): object {
  const degraded = predictions.some((prediction) => prediction.degraded.length > 0)
  return {
    prediction_ids: predictions.map(({ id }) => id),
    ...(degraded ? { degraded: predictions.map((prediction) => prediction.degraded) } : {}),
  }
}
