/** The routes that clients of other model servers ask: Open Inference, TensorFlow Serving's REST API, and MLflow's scoring. */
import type { Platform } from '../../definition/graph.ts'
import { modelsOf } from '../../definition/graph.ts'
import type { Operation, Rows } from './operation.ts'
import { urgency } from './predictions.ts'
import type { Schema } from './schema.ts'
import { anything, list, mapOf, object, text, whole, yes } from './schema.ts'

const json = 'application/json'
const nothing = { 'text/plain': { ...text, maxLength: 0 } }

// --- Open Inference

const v2 = (operation: Omit<Operation, 'tag' | 'errors'>): Operation => ({
  tag: 'Open Inference',
  errors: 'ProtocolError',
  ...operation,
})
/** With a version in the path, and without. */
const versioned = (method: 'GET' | 'POST', rest: string, operation: Operation): Rows => ({
  [`${method} /v2/models/:name${rest}`]: operation,
  [`${method} /v2/models/:name/versions/:version${rest}`]: operation,
})
const tensorsMetadata = list(object({ name: text, datatype: text, shape: list(whole) }))
const parameters = mapOf({ type: ['string', 'number', 'boolean'] })
const unavailable = (method: string, path: string): Rows => ({
  [`${method} /v2${path}`]: v2({ what: 'Is not served: answers 501.', answer: {}, also: { '501': 'Not served.' } }),
})

const openInferenceRows: Rows = {
  'GET /v2': v2({
    what: 'The server, and the extensions of the protocol that it has.',
    answer: { [json]: object({ name: text, version: text, extensions: list(text) }) },
  }),
  'GET /v2/health/live': v2({ what: 'Whether the process answers.', answer: nothing, open: true }),
  'GET /v2/health/ready': v2({ what: 'Whether all models are loaded and warm.', answer: nothing, open: true }),
  ...versioned(
    'GET',
    '',
    v2({
      what: 'What a model takes and gives.',
      answer: {
        [json]: object({
          name: text,
          versions: list(text),
          platform: text,
          inputs: tensorsMetadata,
          outputs: tensorsMetadata,
        }),
      },
    }),
  ),
  ...versioned('GET', '/ready', v2({ what: 'Whether a model answers.', answer: nothing })),
  ...versioned(
    'GET',
    '/config',
    v2({ what: 'The configuration of a model, as Triton has it.', answer: { [json]: object({ name: text }) } }),
  ),
  ...versioned(
    'GET',
    '/stats',
    v2({ what: 'Counts and times of a model.', answer: { [json]: object({ model_stats: list(mapOf(anything)) }) } }),
  ),
  'GET /v2/models/stats': v2({
    what: 'Counts and times of all models.',
    answer: { [json]: object({ model_stats: list(mapOf(anything)) }) },
  }),
  ...versioned(
    'POST',
    '/infer',
    v2({
      what: 'An inference: tensors as JSON, or as bytes after it.',
      headers: {
        ...urgency,
        'inference-header-content-length': {
          schema: { ...whole, minimum: 0 },
          what: 'How long the JSON is, where bytes follow it.',
        },
      },
      body: {
        [json]: object(
          {
            id: text,
            parameters: mapOf(anything),
            inputs: list(
              object(
                {
                  name: text,
                  datatype: text,
                  shape: list({ ...whole, minimum: 0 }),
                  parameters: mapOf(anything),
                  data: list(anything),
                },
                { optional: ['parameters', 'data'] },
              ),
            ),
            outputs: list(object({ name: text, parameters: mapOf(anything) }, { optional: ['parameters'] })),
          },
          { optional: ['id', 'parameters', 'outputs'] },
        ),
      },
      answer: {
        [json]: object(
          {
            id: text,
            model_name: text,
            model_version: text,
            parameters,
            outputs: list(
              object({ name: text, datatype: text, shape: list(whole), data: list(anything) }, { optional: ['data'] }),
            ),
          },
          { optional: ['id', 'parameters'] },
        ),
        'application/octet-stream': {},
      },
    }),
  ),
  'POST /v2/repository/index': v2({
    what: 'Every model with its versions, and whether they answer.',
    body: { [json]: object({ ready: yes }, { optional: ['ready'] }) },
    bodyOptional: true,
    answer: {
      [json]: list(
        object({ name: text, version: text, state: text, reason: text }, { optional: ['version', 'state', 'reason'] }),
      ),
    },
  }),
  'POST /v2/repository/models/:name/load': v2({
    what: 'Has versions answer here beside the one in production.',
    body: { [json]: object({ parameters: mapOf(anything) }, { optional: ['parameters'] }) },
    bodyOptional: true,
    answer: { [json]: anything },
  }),
  'POST /v2/repository/models/:name/unload': v2({
    what: 'Takes a model off here, for this protocol.',
    body: { [json]: object({ parameters: mapOf(anything) }, { optional: ['parameters'] }) },
    bodyOptional: true,
    answer: { [json]: anything },
  }),
  ...Object.assign(
    {},
    ...['/logging', '/trace/setting', '/models/:name/trace/setting'].flatMap((path) => [
      unavailable('GET', path),
      unavailable('POST', path),
    ]),
    ...['systemsharedmemory', 'cudasharedmemory'].flatMap((memory) => [
      unavailable('GET', `/${memory}/status`),
      unavailable('POST', `/${memory}/unregister`),
      unavailable('GET', `/${memory}/region/:region/status`),
      unavailable('POST', `/${memory}/region/:region/register`),
      unavailable('POST', `/${memory}/region/:region/unregister`),
    ]),
  ),
}

// --- TensorFlow Serving

const tf = (operation: Omit<Operation, 'tag' | 'errors'>): Operation => ({
  tag: 'TensorFlow Serving',
  errors: 'ProtocolError',
  ...operation,
})

const predict = tf({
  what: 'Rows as `instances`, or columns as `inputs`: tensors of the file, or keys and request fields by their names.',
  headers: urgency,
  body: {
    [json]: {
      anyOf: [
        object({ signature_name: text, instances: list(anything) }, { optional: ['signature_name'] }),
        object({ signature_name: text, inputs: anything }, { optional: ['signature_name'] }),
      ],
    },
  },
  answer: { [json]: { anyOf: [object({ predictions: list(anything) }), object({ outputs: anything })] } },
})
const verbs =
  (path: string) =>
  (platform: Platform): readonly (readonly [string, Operation])[] =>
    modelsOf(platform).flatMap(({ name }) => {
      const at = `/v1/models/${name}${path}`
      return [
        [`${at}:predict`, predict] as const,
        ...['classify', 'regress'].map(
          (verb) =>
            [
              `${at}:${verb}`,
              tf({
                what: 'Is not served: answers 501.',
                body: { [json]: {} },
                answer: {},
                also: { '501': 'Not served.' },
              }),
            ] as const,
        ),
      ]
    })
const status = tf({
  what: 'The versions of a model that are here.',
  answer: {
    [json]: object({
      model_version_status: list(
        object({ version: text, state: text, status: object({ error_code: text, error_message: text }) }),
      ),
    }),
  },
})
const metadata = tf({
  what: 'What a version takes and gives.',
  answer: {
    [json]: object({
      model_spec: object({ name: text, signature_name: text, version: text }),
      metadata: mapOf(anything),
    }),
  },
})

const tfServingRows: Rows = {
  'POST /v1/models/:model': verbs(''),
  'POST /v1/models/:model/versions/:version': verbs('/versions/{version}'),
  'GET /v1/models/:model': status,
  'GET /v1/models/:model/versions/:version': status,
  'GET /v1/models/:model/metadata': metadata,
  'GET /v1/models/:model/versions/:version/metadata': metadata,
}

// --- MLflow

const frame = (body: { readonly [member: string]: Schema }): Schema =>
  object({ ...body, params: object({ at: text }, { optional: ['at'], open: false }) }, { optional: ['params'] })
const invocations: Operation = {
  tag: 'MLflow',
  what: 'Rows by name, tensors, or CSV: of keys and request fields, of entries of the vector, or of inputs of the file.',
  headers: urgency,
  body: {
    [json]: {
      anyOf: [
        frame({ dataframe_split: object({ columns: list(text), data: list(list(anything)) }) }),
        frame({ dataframe_records: list(mapOf(anything)) }),
        frame({ instances: list(anything) }),
        frame({ inputs: anything }),
      ],
    },
    'text/csv': text,
  },
  answer: { [json]: object({ predictions: anything }) },
  errors: 'MlflowError',
}
const mlflowRows: Rows = {
  'POST /v1/models/:model/invocations': invocations,
  'POST /invocations': {
    ...invocations,
    query: { model: { schema: text, what: 'Which model. May be left out where there is one.' } },
  },
  'GET /ping': { tag: 'MLflow', what: 'Whether models answer.', answer: { [json]: {} }, errors: null, open: true },
  'GET /health': {
    tag: 'MLflow',
    what: 'Whether the process answers.',
    answer: { 'text/plain': text },
    errors: null,
    open: true,
  },
  'GET /version': {
    tag: 'MLflow',
    what: 'The version of MLflow whose API is served.',
    answer: { 'text/plain': text },
    errors: null,
    open: true,
  },
}

export const protocolRows: Rows = { ...openInferenceRows, ...tfServingRows, ...mlflowRows }

export const protocolSchemas: { readonly [name: string]: Schema } = {
  ProtocolError: object({ error: text }, { open: false }),
  MlflowError: object({ error_code: text, message: text }, { open: false }),
}
