/**
 * What `mlflow models serve` answers: /invocations with rows by name, tensors, or CSV. Columns find their values by name, never by place.
 * Errors are those of MLflow: a code and a message.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { shapesOf } from '../../definition/field.ts'
import type { Model } from '../../definition/model.ts'
import { requestOf } from '../../definition/model.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Tensors } from '../../ports/model-runtime.ts'
import { urgencyOf } from '../gateway/timing.ts'
import { parseJson } from '../json.ts'
import { mlflowError } from '../mlflow/errors.ts'
import { instantOf } from '../request.ts'
import { routesOn } from '../routes.ts'
import { columnsOfCsv } from './csv.ts'
import type { Asked, Columns } from './faces.ts'
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
import { tensorOf, textOfTensor, textsOfRows } from './nested.ts'
import type { ScoringOptions } from './scope.ts'
import { bytesOf, takeBytes } from './scope.ts'
import { aboutThem } from './tf-serving.ts'

const forms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const
type Form = (typeof forms)[number]

const invalid = (problem: string, fix: string): SixfoldError => new SixfoldError('SX_REQUEST_INVALID', problem, { fix })

export function mlflowScoring(app: FastifyInstance, options: ScoringOptions): void {
  app.register((scope, _, done) => {
    serve(scope, options)
    done()
  })
}

function serve(scope: FastifyInstance, options: ScoringOptions): void {
  const { services, during } = options
  takeBytes(scope, options, (problem) => {
    const { error_code, message } = mlflowError(
      new SixfoldError(problem.code, problem.detail, { fix: problem.fix }),
    ).body
    const code = error_code === 'INVALID_PARAMETER_VALUE' ? 'BAD_REQUEST' : error_code
    // A version that is not here is none, as with the other protocols.
    return problem.code === 'SX_MODEL_UNREADY'
      ? { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message } }
      : { status: problem.status, body: { error_code: code, message } }
  })
  const routes = routesOn(scope)
  const answer = async (request: FastifyRequest, name: string): Promise<string> =>
    during(async () => {
      const model = modelFor(services, request.caller, name)
      return invocation(options, { ...urgencyOf(request), model, version: null }, given(options, request))
    })
  routes.post('/v1/models/:model/invocations', 'predict', async (request, reply) => {
    const { model } = request.params as { readonly model: string }
    return reply.type('application/json').send(await answer(request, model))
  })
  routes.post('/invocations', { right: 'predict' }, async (request, reply) => {
    const { model } = request.query as { readonly model?: unknown }
    return reply.type('application/json').send(await answer(request, nameOf(model)))
  })
  routes.get('/ping', 'nothing', (_, reply) => {
    void reply
      .code(services.inference.ready() ? 200 : 503)
      .type('application/json')
      .send('\n')
  })
  routes.end()

  const nameOf = (asked: unknown): string => {
    if (typeof asked === 'string' && asked !== '') return asked
    const names = services.inference.served().map(({ model }) => model)
    if (asked === undefined && names.length === 1) return names[0]!
    throw invalid(
      `It is not said which of ${names.length} models is meant.`,
      'Add ?model=NAME, or send to /v1/models/NAME/invocations.',
    )
  }
}

interface Given {
  readonly form: Form
  readonly data: unknown
  readonly at: number | undefined
}
interface Table {
  readonly columns: Columns
  readonly rows: number
}

const isTable = (given: Given | Table): given is Table => 'columns' in given

function given({ services }: ScoringOptions, request: FastifyRequest): Given | Table {
  const { limits } = services
  const [type = '', ...parameters] = String(request.headers['content-type'] ?? '').split(';')
  const mime = type.trim().toLowerCase()
  for (const parameter of parameters)
    if (!/^\s*charset\s*=\s*"?utf-8"?\s*$/i.test(parameter))
      throw new SixfoldError('SX_MEDIA_TYPE', `The body is declared with '${shorten(parameter.trim())}'.`, {
        fix: 'Send UTF-8, without further parameters.',
      })
  if (mime === 'text/csv') return columnsOfCsv(bytesOf(request), limits.requestRows)
  if (mime !== 'application/json')
    throw new SixfoldError('SX_MEDIA_TYPE', `The body is declared as '${shorten(mime)}'.`, {
      fix: 'Send application/json or text/csv.',
    })
  const body = parseJson(bytesOf(request), limits.bodyDepth)
  if (!isMembers(body)) throw new SixfoldError('SX_REQUEST_MALFORMED', 'The body is no JSON object.')
  const found = forms.filter((form) => body[form] !== undefined)
  if (found.length !== 1)
    throw invalid(
      `The body has ${found.length === 0 ? 'none' : 'several'} of ${forms.join(', ')}.`,
      'Send exactly one of them.',
    )
  return { form: found[0]!, data: body[found[0]!], at: atOf(body['params']) }
}

/** The pipeline takes one parameter: the instant asked about. */
function atOf(params: unknown): number | undefined {
  if (params === undefined || params === null) return undefined
  if (!isMembers(params)) throw invalid("'params' is no object.", 'Send {"at": "<ISO 8601>"}, or leave it out.')
  for (const name of Object.keys(params))
    if (name !== 'at')
      throw invalid(`There is no parameter '${shorten(name)}'.`, 'Send {"at": "<ISO 8601>"}, or leave it out.')
  return instantOf(params['at'], 'at')
}

/** Gives the answer as text. */
async function invocation({ services }: ScoringOptions, asked: Asked, given: Given | Table): Promise<string> {
  const { model } = asked
  if (isTable(given)) return table(services, asked, { ...given, columns: typed(model, given.columns) }, undefined)
  const { form, data, at } = given
  if (form === 'dataframe_split' || form === 'dataframe_records')
    return table(
      services,
      asked,
      form === 'dataframe_split' ? split(data, services.limits.requestRows) : records(services, model, data),
      at,
    )
  if (form === 'instances') {
    if (!Array.isArray(data)) throw invalid("'instances' is no list.", 'Send a list with one entry for each row.')
    checkRows(services, model, data.length)
    if (data.every(isMembers)) return tensors(services, asked, columnsOf(data), at)
  } else if (isMembers(data)) {
    const columns = new Map(
      Object.entries(data).map(([name, values]) => [name, Array.isArray(values) ? values : [values]]),
    )
    return tensors(services, asked, columns, at)
  }
  // A tensor without a name is the input of a file that has one.
  const { detail } = readyFor(services, model, null)
  const [input, another] = detail.inputs
  if (another !== undefined)
    throw invalid(
      `'${model.name}' has several inputs.`,
      `Send each by its name: ${shorten(detail.inputs.map(({ name }) => name).join(', '), 300)}.`,
    )
  const { outputs } = await askFile(services, asked, { [input!.name]: tensorOf(input!.name, input!.type, data) })
  return byName(outputs)
}

async function tensors(
  services: ScoringOptions['services'],
  asked: Asked,
  columns: Columns,
  at: number | undefined,
): Promise<string> {
  const { model } = asked
  const rows = rowsIn(columns)
  if (asksPipeline(model, columns.keys())) return predictions(services, asked, columns, rows, at)
  return byName((await askFile(services, asked, inputsOf(model, readyFor(services, model, null), columns))).outputs)
}

async function table(
  services: ScoringOptions['services'],
  asked: Asked,
  { columns, rows }: Table,
  at: number | undefined,
): Promise<string> {
  const { model } = asked
  checkRows(services, model, rows)
  if (asksPipeline(model, columns.keys())) return predictions(services, asked, columns, rows, at)
  const { outputs } = await askFile(services, asked, inputsOf(model, readyFor(services, model, null), columns))
  const names = Object.keys(outputs)
  // A column of one value a row is one of values, as in their tables.
  const texts = names.map((name) => {
    const { shape, ...rest } = outputs[name]!
    const column = shape.length === 2 && shape[1] === 1
    return textsOfRows({ ...rest, shape: column ? [shape[0]!] : shape }, rows)
  })
  if (texts.includes(null)) return byName(outputs)
  const lines = Array.from(
    { length: rows },
    (_, row) => `{${names.map((name, i) => `${JSON.stringify(name)}:${texts[i]![row]!}`).join(',')}}`,
  )
  return `{"predictions":[${lines.join(',')}]}`
}

async function predictions(
  services: ScoringOptions['services'],
  asked: Asked,
  columns: Columns,
  rows: number,
  at: number | undefined,
): Promise<string> {
  const answered = await askPipeline(services, asked, columns, rows, at)
  return JSON.stringify({ predictions: answered.map(({ outputs }) => outputs), ...aboutThem(answered) })
}

const byName = (outputs: Tensors): string =>
  `{"predictions":{${Object.entries(outputs)
    .map(([name, tensor]) => `${JSON.stringify(name)}:${textOfTensor(tensor)}`)
    .join(',')}}}`

function rowsIn(columns: Columns): number {
  let rows: number | null = null
  for (const [name, values] of columns) {
    if (rows !== null && values.length !== rows)
      throw invalid(
        `'${shorten(name)}' has ${values.length} rows, another column has ${rows}.`,
        'Send as many in each.',
      )
    rows = values.length
  }
  return rows ?? 1
}

const splitFix = 'Send {"columns": ["a", "b"], "data": [[1, 2]]}.'
function split(given: unknown, most: number): Table {
  const { columns: names, data } = isMembers(given) ? given : {}
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string') || !Array.isArray(data))
    throw invalid("'dataframe_split' lacks a list of columns with names, or a list of data.", splitFix)
  if (new Set(names).size < names.length) throw invalid("'dataframe_split' has a column twice.", splitFix)
  data.slice(0, most + 1).forEach((row, i) => {
    if (!Array.isArray(row) || row.length !== names.length)
      throw invalid(`Row ${i} of 'dataframe_split' does not have ${names.length} values.`, splitFix)
  })
  const rows = data.slice(0, most + 1)
  return { columns: new Map(names.map((name, i) => [name, rows.map((row) => row[i])])), rows: rows.length }
}

function records(services: ScoringOptions['services'], model: Model, given: unknown): Table {
  if (!Array.isArray(given) || !given.every(isMembers))
    throw invalid("'dataframe_records' is no list of objects.", 'Send [{"a": 1, "b": 2}].')
  checkRows(services, model, given.length)
  return { columns: columnsOf(given), rows: given.length }
}

/** CSV has texts alone: what the definition says is a number is read as one, and so is whatever else looks like one. */
function typed(model: Model, columns: Columns): Columns {
  const types = new Map(
    [...shapesOf(model.key), ...shapesOf(requestOf(model.inputs))].map(({ name, type }) => [name, type]),
  )
  return new Map(
    [...columns].map(([name, values]) => {
      const type = types.get(name)
      return [
        name,
        type === 'string' || type === 'timestamp'
          ? values
          : values.map((value) => (typeof value === 'string' ? readText(value) : value)),
      ]
    }),
  )
}

/** An integer that a double cannot hold stays as it was written. */
function readText(text: string): unknown {
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  if (!/^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(text)) return text
  const number = Number(text)
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? text.trim() : number
}
