/** The registry under /v1/registry, the status, and what tells whether the server lives. */
import { roles, stages } from '../../api/index.ts'
import type { Operation, Parameter, Rows } from './operation.ts'
import type { Schema } from './schema.ts'
import { anything, instant, list, mapOf, number, object, orNull, text, whole, yes } from './schema.ts'

const json = 'application/json'
type Members = { readonly [member: string]: Schema }

const reason: Schema = { ...text, maxLength: 1_000 }
const stage: Schema = { ...text, enum: stages }
const entry = object({ number: whole, at: instant, actor: text })
const reading = (what: string, answer: Schema, query: { readonly [name: string]: Parameter } = {}): Operation => ({
  tag: 'registry',
  what,
  query,
  answer: { [json]: answer },
  errors: 'Problem',
})
/** `optional`: members that may be left out; a reason always may. */
const changing = (what: string, body: Members, optional: readonly string[], answer: Schema): Operation => ({
  tag: 'registry',
  what,
  body: { [json]: object({ ...body, reason }, { optional: [...optional, 'reason'], open: false }) },
  answer: { [json]: answer },
  errors: 'Problem',
})
const some = (what: string, schema: Schema = text, required = false): Parameter => ({ schema, what, required })

export const registryRows: Rows = {
  'GET /v1/registry/access': reading(
    'Who asks, and what they may.',
    object({ required: yes, environment: text, actor: text, role: text, rights: list(text), models: list(text) }),
  ),
  'GET /v1/registry/models': reading(
    'All models, registered or defined.',
    object({ environment: text, models: list(object({ name: text })), more: yes }),
    {
      filter: some("In MLflow's language of filters."),
      limit: some('How many.', { ...whole, minimum: 1, maximum: 1_000 }),
      page: some('From 1.', { ...whole, minimum: 1, maximum: 1_000_000 }),
    },
  ),
  'GET /v1/registry/models/:model': reading('A model with its gate and its versions.', object({ name: text })),
  'GET /v1/registry/models/:model/diff': reading('Two versions over the facts.', mapOf(anything), {
    a: some('A number, an alias, a stage or `latest`.', text, true),
    b: some('The same of the other.', text, true),
  }),
  'GET /v1/registry/models/:model/rollback': reading('What a roll back would do.', mapOf(anything), {
    to: some('A version that was in production.', { ...whole, minimum: 1 }),
  }),
  'POST /v1/registry/models/:model/rollback': changing(
    'Puts a version back in production.',
    { to: { ...whole, minimum: 1 }, expected: object({ production: orNull(whole) }, { optional: ['production'] }) },
    ['to', 'expected'],
    mapOf(anything),
  ),
  'PUT /v1/registry/models/:model/aliases/:alias': changing(
    'Sets an alias.',
    { version: { ...whole, minimum: 1 }, expected: orNull(whole) },
    ['expected'],
    entry,
  ),
  'DELETE /v1/registry/models/:model/aliases/:alias': reading('Deletes an alias.', entry, {
    reason: some('Why.', reason),
  }),
  'GET /v1/registry/models/:model/versions/:which': reading('A version.', object({ version: anything })),
  'GET /v1/registry/models/:model/versions/:which/consider': reading('What a step would do.', mapOf(anything), {
    to: some('A stage.', stage, true),
  }),
  'GET /v1/registry/models/:model/versions/:which/card': {
    tag: 'registry',
    what: 'The model card.',
    answer: { 'text/html': text, 'text/markdown': text },
    errors: 'Problem',
  },
  'POST /v1/registry/models/:model/versions/:which/validate': changing('Validates a version.', {}, [], mapOf(anything)),
  'POST /v1/registry/models/:model/versions/:which/move': changing(
    'Moves a version on.',
    { to: stage, expected: mapOf(anything), archiveOthers: yes },
    ['expected', 'archiveOthers'],
    object({ stage: text, entries: list(entry) }),
  ),
  'POST /v1/registry/models/:model/versions/:which/approve': changing('Approves of a step.', { to: stage }, [], entry),
  'GET /v1/registry/lineage': reading('From where something comes, or what breaks if it goes.', mapOf(anything), {
    prediction: some('The id of a prediction.'),
    run: some('The id of a run.'),
    version: some('MODEL/NUMBER.'),
    column: some('SOURCE.COLUMN.'),
    feature: some('VIEW.FEATURE.'),
  }),
  'GET /v1/registry/audit': reading('The audit.', object({ entries: list(entry) }), {
    model: some('Of this model.'),
    version: some('Of this version of it.', { ...whole, minimum: 1 }),
    after: some('Entries after this number.', { ...whole, minimum: 0 }),
    before: some('Entries before this number.', { ...whole, minimum: 1 }),
    limit: some('How many.', { ...whole, minimum: 1, maximum: 1_000 }),
  }),
  'GET /v1/registry/audit/verify': reading('Whether the audit is whole.', mapOf(anything)),
  'GET /v1/registry/keys': reading(
    'All keys, without what they open with.',
    object({ keys: list(object({ id: text, name: text })) }),
  ),
  'POST /v1/registry/keys': changing(
    'Makes a key. It is in this answer, and nowhere else.',
    {
      name: { ...text, pattern: '^[a-z0-9][a-z0-9._@+-]{0,62}$' },
      role: { ...text, enum: roles },
      models: list(text),
      rate: orNull({ ...text, pattern: '^[0-9]{1,9}(\\.[0-9]{1,6})?/[smh](:[1-9][0-9]{0,8})?$' }),
      expires: orNull(instant),
    },
    ['models', 'rate', 'expires'],
    object({ key: text, id: text, name: text }),
  ),
  'DELETE /v1/registry/keys/:id': reading('Revokes a key.', entry, { reason: some('Why.', reason) }),
  'GET /v1/registry/webhooks': reading('All webhooks.', object({ webhooks: list(object({ id: text, name: text })) })),
}

const server = (what: string, answer: Operation['answer'], more: Partial<Operation> = {}): Operation => ({
  tag: 'server',
  what,
  answer,
  errors: 'Problem',
  ...more,
})
const says = { [json]: object({ status: text }) }

export const serverRows: Rows = {
  'GET /v1/status': server('What runs, how much of it, and how well. Instants are milliseconds since the epoch.', {
    [json]: object({
      now: number,
      startedAt: number,
      platform: text,
      models: list(object({ model: text, version: orNull(text) })),
      views: list(object({ view: text })),
      topics: list(object({ topic: text, end: number })),
      store: orNull(mapOf(anything)),
      limits: mapOf(number),
      servers: list(object({ id: text })),
      stores: list(object({ port: text })),
    }),
  }),
  'GET /v1/platform': server('The definitions as a graph.', {
    [json]: object({ name: text, hash: text, graph: object({ nodes: list(anything), edges: list(anything) }) }),
  }),
  'POST /v1/clock': server(
    'Moves the clock of a server that was started with one to be moved.',
    { [json]: object({ now: instant }) },
    { body: { [json]: object({ now: instant }) } },
  ),
  'GET /metrics': server('Figures for Prometheus.', { 'text/plain': text }),
  'GET /healthz': server('Whether the process answers.', says, { open: true }),
  'GET /readyz': server('Whether to send requests here.', says, {
    open: true,
    also: { '503': 'It is starting or stopping.' },
  }),
  'GET /openapi.json': server('This document.', { [json]: object({ openapi: text }) }),
}
