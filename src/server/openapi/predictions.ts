/** The routes that are asked for answers and told of events: for each model, view and source one of its own, with its own types. */
import { shapesOf } from '../../definition/field.ts'
import { allViewsOf, modelsOf, sourcesOf } from '../../definition/graph.ts'
import type { Model } from '../../definition/model.ts'
import { requestOf } from '../../definition/model.ts'
import { priorities } from '../../inference/index.ts'
import type { Operation, Parameter, Rows } from './operation.ts'
import type { Schema } from './schema.ts'
import {
  anything,
  instant,
  list,
  mapOf,
  number,
  object,
  orNull,
  ref,
  schemaOfField,
  schemaOfOutcome,
  schemaOfOutput,
  text,
  whole,
} from './schema.ts'

const json = 'application/json'

export const urgency: { readonly [name: string]: Parameter } = {
  'x-request-timeout-ms': {
    schema: { ...number, exclusiveMinimum: 0, maximum: 999_999_999 },
    what: 'How long the caller waits, in milliseconds from the arrival. By default the budget of the model.',
  },
  'x-priority': { schema: { ...text, enum: priorities }, what: 'How urgent it is. By default live.' },
  'idempotency-key': {
    schema: { ...text, minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
    what: 'Sent again with the same request it brings the same answer, for ten minutes and from the same server.',
  },
}

/** Keys may be null: they then name no entity. */
const keysOf = (key: Model['key']): Schema =>
  object(Object.fromEntries(shapesOf(key).map((shape) => [shape.name, orNull(schemaOfField(shape))])), { open: false })

function requestSchema(model: Model): Schema {
  const shapes = shapesOf(requestOf(model.inputs))
  const optional = shapes.filter(({ nullable }) => nullable).map(({ name }) => name)
  return object(Object.fromEntries(shapes.map((shape) => [shape.name, schemaOfField(shape)])), {
    optional,
    open: false,
  })
}

const isEmpty = (schema: Schema): boolean => Object.keys(schema['properties'] as object).length === 0
const needed = (schema: Schema): boolean => schema['required'] !== undefined

function predict(model: Model): Operation {
  const [keys, request] = [keysOf(model.key), requestSchema(model)]
  const parts = {
    ...(isEmpty(keys) ? {} : { keys }),
    ...(isEmpty(request) ? {} : { request }),
    at: orNull({ ...instant, description: 'The instant asked about. By default now.' }),
  }
  const optional = ['at', ...(isEmpty(request) || needed(request) ? [] : ['request'])]
  return {
    tag: 'predictions',
    what: model.description ?? `Asks the model '${model.name}'.`,
    headers: urgency,
    body: { [json]: object(parts, { optional }) },
    answer: {
      [json]: object({
        prediction: object(
          Object.fromEntries(Object.entries(model.output).map(([name, kind]) => [name, schemaOfOutput(kind)])),
        ),
        model: { ...text, const: model.name },
        version: orNull(text),
        id: orNull(text),
        at: instant,
        degraded: list(ref('Degradation')),
        milliseconds: ref('StageTimes'),
      }),
    },
    errors: 'Problem',
  }
}

export const predictionRows: Rows = {
  'POST /v1/models/:model/predict': (platform) =>
    modelsOf(platform).map((model) => [`/v1/models/${model.name}/predict`, predict(model)]),
  'POST /v1/views/:view/read': (platform) =>
    allViewsOf(platform).map((view) => [
      `/v1/views/${view.name}/read`,
      {
        tag: 'features',
        what: `The features of one entity in the view '${view.name}', from the online state.`,
        body: { [json]: object({ keys: keysOf(view.basis.entity.key), at: orNull(instant) }, { optional: ['at'] }) },
        answer: {
          [json]: object({
            view: { ...text, const: view.name },
            entity: { ...text, enum: ['known', 'never seen'] },
            features: object(Object.fromEntries(Object.keys(view.basis.features).map((name) => [name, anything]))),
            at: instant,
            newest: orNull(instant),
          }),
        },
        errors: 'Problem',
      },
    ]),
  'POST /v1/events/:source': (platform) =>
    sourcesOf(platform).map((source) => {
      const shapes = shapesOf(source.fields)
      const optional = shapes.filter(({ nullable }) => nullable).map(({ name }) => name)
      const row = object(Object.fromEntries(shapes.map((shape) => [shape.name, schemaOfField(shape)])), { optional })
      return [
        `/v1/events/${source.name}`,
        {
          tag: 'features',
          what: `Pushes events of the source '${source.name}': all of a request, or none.`,
          body: { [json]: object({ events: list(row) }) },
          answer: {
            [json]: object({
              accepted: whole,
              duplicates: whole,
              covered: whole,
              refused: mapOf(whole),
              unknownFields: mapOf(whole),
            }),
          },
          also: { '507': 'No space is left for the data folder.' },
          errors: 'Problem',
        },
      ]
    }),
  'POST /v1/outcomes': (platform) => {
    const outcomes = modelsOf(platform).map(({ output }): Schema => {
      const members = Object.fromEntries(Object.entries(output).map(([name, kind]) => [name, schemaOfOutcome(kind)]))
      return object(members, { optional: Object.keys(members), open: false })
    })
    const one = object({ id: text, outcome: { anyOf: outcomes } })
    return [
      [
        '/v1/outcomes',
        {
          tag: 'predictions',
          what: 'Tells what came of predictions: of one, or of many.',
          body: { [json]: { anyOf: [one, object({ outcomes: list(one) })] } },
          answer: {
            [json]: object({ accepted: whole, duplicates: whole, unknown: list(text), conflicts: list(text) }),
          },
          also: { '507': 'No space is left for the data folder.' },
          errors: 'Problem',
        },
      ],
    ]
  },
  'GET /v1/predictions/:id': {
    tag: 'predictions',
    what: 'Why a prediction was what it was, from the log. Instants are milliseconds since the epoch.',
    query: {
      attributions: {
        schema: { ...text, enum: ['true', 'false'] },
        what: 'Whether to say what each entry of the vector added to the answer. By default false.',
      },
    },
    answer: {
      [json]: object({
        id: text,
        model: text,
        version: orNull(text),
        at: whole,
        keys: mapOf(anything),
        request: mapOf(anything),
        groups: list(
          object({ group: text, view: text, entity: text, ageMs: orNull(number), features: mapOf(anything) }),
        ),
        vector: orNull(mapOf(anything)),
        outputs: mapOf(anything),
        degraded: list(ref('Degradation')),
        milliseconds: mapOf(number),
        outcome: orNull(object({ at: whole, values: mapOf(anything) })),
        attributions: orNull(
          object({
            output: text,
            place: whole,
            link: { ...text, enum: ['identity', 'logistic', 'softmax'] },
            base: number,
            margin: number,
            answer: number,
            background: whole,
            entries: mapOf(number),
          }),
        ),
      }),
    },
    errors: 'Problem',
  },
}
