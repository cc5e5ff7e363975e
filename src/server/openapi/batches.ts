/** The routes of batches: for each batch one of its own to look up by, with the types of its keys and outputs. */
import type { Batch } from '../../definition/batch.ts'
import { shapesOf } from '../../definition/field.ts'
import { batchesOf } from '../../definition/graph.ts'
import type { Operation, Rows } from './operation.ts'
import type { Schema } from './schema.ts'
import { anything, list, mapOf, number, object, orNull, schemaOfField, schemaOfOutput, text, whole } from './schema.ts'

const json = 'application/json'
const rungs = ['exact', 'segment', 'popular', 'model', 'default']

const answerOf = ({ name, model }: Batch): Schema => {
  const outputs = Object.fromEntries(
    Object.entries(model.output).map(([output, kind]) => [output, schemaOfOutput(kind)]),
  )
  return object({
    batch: { ...text, const: name },
    outputs: orNull(object(outputs)),
    rung: orNull({ ...text, enum: rungs }),
    decision: anything,
    version: orNull(whole),
    asOf: orNull(text),
    ageMs: orNull(number),
    stale: { type: 'boolean' },
  })
}
const keySchema = ({ key }: Batch): Schema =>
  object(Object.fromEntries(shapesOf(key).map((shape) => [shape.name, orNull(schemaOfField(shape))])), {
    open: false,
  })

const lookUp = (batch: Batch): Operation => ({
  tag: 'batches',
  what: batch.description ?? `What the batch '${batch.name}' predicted for a key, by the version that is live.`,
  answer: { [json]: answerOf(batch) },
  also: { '304': 'It is what the caller has, by If-None-Match; only its age is another.' },
  errors: 'Problem',
})
const queryOf = ({ key }: Batch): NonNullable<Operation['query']> =>
  Object.fromEntries(
    Object.keys(key).map((part) => [part, { schema: text, what: `The key's '${part}'.`, required: true }]),
  )

const run = mapOf(anything)
const about = (what: string, answer: Schema = run): Operation => ({
  tag: 'batches',
  what,
  answer: { [json]: answer },
  errors: 'Problem',
})
const reason = orNull({ ...text, maxLength: 2000 })

export const batchRows: Rows = {
  'GET /v1/batch/:batch/:key': (platform) =>
    batchesOf(platform).flatMap((batch) =>
      Object.keys(batch.key).length === 1 ? [[`/v1/batch/${batch.name}/{key}`, lookUp(batch)] as const] : [],
    ),
  'GET /v1/batch/:batch': (platform) =>
    batchesOf(platform).map((batch) => [`/v1/batch/${batch.name}`, { ...lookUp(batch), query: queryOf(batch) }]),
  'POST /v1/batch/:batch/lookup': (platform) =>
    batchesOf(platform).map((batch) => [
      `/v1/batch/${batch.name}/lookup`,
      {
        ...lookUp(batch),
        what: 'Many keys at once, answered by one version, in their order.',
        also: {},
        body: { [json]: object({ keys: list(keySchema(batch)) }, { open: false }) },
        answer: { [json]: object({ answers: list(answerOf(batch)) }) },
      },
    ]),
  'GET /v1/batches': about('How every batch stands.', object({ batches: list(run) })),
  'GET /v1/batches/:batch/runs': {
    ...about('Runs of a batch, newest first.', object({ runs: list(run) })),
    query: {
      limit: { schema: whole, what: 'At most so many. By default 50.' },
      before: { schema: whole, what: 'Versions below this one.' },
    },
  },
  'POST /v1/batches/:batch/runs': {
    ...about('Has a run begun by the server that keeps the schedules; with an Idempotency-Key at most once.'),
    status: 202,
    body: {
      [json]: object(
        { at: { ...text, format: 'date-time' }, engine: { ...text, enum: ['local', 'spark'] } },
        { optional: ['at', 'engine'], open: false },
      ),
    },
  },
  'POST /v1/batches/:batch/runs/:version/resume': {
    ...about('Has a run that failed, broke off or was cancelled gone on with; what is done is not done again.'),
    status: 202,
    body: { [json]: object({}, { open: false }) },
  },
  'POST /v1/batches/:batch/hold': {
    ...about('Lets nothing of the batch go live by itself, whatever its gate lets through.'),
    body: { [json]: object({ reason }, { optional: ['reason'], open: false }) },
  },
  'POST /v1/batches/:batch/release': {
    ...about('Lets what the gate lets through go live by itself again.'),
    body: { [json]: object({ reason }, { optional: ['reason'], open: false }) },
  },
  'GET /v1/batches/:batch/runs/:version': about('A run with its plan, partitions, verdict and cost.'),
  'GET /v1/batches/:batch/runs/:version/report': {
    tag: 'batches',
    what: "The gate's report, as a page by itself.",
    answer: { 'text/html': text },
    errors: 'Problem',
  },
  'GET /v1/batches/:batch/compare': {
    ...about('Two versions held against each other.'),
    query: {
      before: { schema: text, what: "A number, 'live' or 'latest'.", required: true },
      after: { schema: text, what: "A number, 'live' or 'latest'. By default live." },
    },
  },
  'POST /v1/batches/:batch/runs/:version/publish': {
    ...about('Publishes a version that passed; or, with an override and its reason, one that the gate refused.'),
    body: {
      [json]: object({ override: { type: 'boolean' }, reason }, { optional: ['override', 'reason'], open: false }),
    },
  },
  'POST /v1/batches/:batch/runs/:version/cancel': {
    ...about('Ends a run that is on the way.'),
    body: { [json]: object({ reason }, { optional: ['reason'], open: false }) },
  },
  'POST /v1/batches/:batch/rollback': {
    ...about('Back to the version that was live before, or to one that is named.'),
    body: { [json]: object({ version: orNull(whole), reason }, { optional: ['version', 'reason'], open: false }) },
  },
}
