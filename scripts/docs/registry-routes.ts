/** What the reference says of the routes under /v1/registry. */
import type { Route } from './http.ts'

const api = 'src/registry/registry.ts'
const port = 'src/ports/registry-store.ts'
const reason: readonly [string, string] = ['`reason`', 'Why: at most 1,000 characters. It is kept in the audit']
const number = 'The version is named by its number, because an alias may mean another one by the time it is read.'
const entry = 'The entry of the audit that was made.'

export const registryRoutes: { readonly [route: string]: Route } = {
  'GET /v1/registry/access': {
    what: 'Who asks, and what they may.',
    answer:
      '`required`: whether keys are needed; `actor` and `role` of the one who asks; `rights`; `models`, to which the key is confined, or none; `environment`, in which this server promotes.',
  },
  'GET /v1/registry/models': {
    what: "All models, registered or defined. In the query: `filter`, in MLflow’s language of filters, as in `name ILIKE '%late%'`; `limit`, at most 1,000, by default 100; `page`, from 1. Models that are defined and have no version come first, and not where there is a filter. A key that is confined to some models sees those.",
    answer: '`models`; `more`, true where there is another page; and `environment`.',
    answers: [
      [
        api,
        'ModelSummary',
        'Each of `models`, beside its name, description, tags, aliases, `createdAt` and `updatedAt`',
      ],
    ],
    errors: ['SX_REQUEST_INVALID', 'SX_FILTER_INVALID', 'SX_STORE_UNAVAILABLE'],
  },
  'GET /v1/registry/models/:model': {
    what: 'A model, with its gate, its versions and what was in production when.',
    answer: 'As above, and:',
    answers: [
      [api, 'ModelDetail'],
      [api, 'VersionSummary', 'Each of `list`, newest first; at most 10,000'],
      ['src/registry/lifecycle/productions.ts', 'ProductionPeriod', 'Each of `productions`, newest first'],
    ],
    instants: ['at', 'from', 'until'],
    errors: ['SX_UNKNOWN_MODEL'],
  },
  'GET /v1/registry/models/:model/versions/:which': {
    what: 'A version: a number, an alias, a stage or `latest`.',
    answer:
      'Its files, facts, tags, aliases and places, and what follows from them. Documents of evidence are as they were written.',
    answers: [
      [api, 'VersionDetail'],
      [port, 'Facts', '`facts`'],
      [api, 'Consequence', 'Each of `ways`'],
    ],
    errors: ['SX_UNKNOWN_MODEL', 'SX_UNKNOWN_VERSION', 'SX_UNKNOWN_ALIAS'],
  },
  'GET /v1/registry/models/:model/versions/:which/consider': {
    what: `What a step would do, and whether it may be taken. In the query: \`to\`, a stage. Nothing is changed. ${number}`,
    answer: '',
    answers: [[api, 'Consequence']],
    errors: ['SX_UNKNOWN_VERSION', 'SX_STAGE_INVALID', 'SX_REQUEST_INVALID'],
  },
  'POST /v1/registry/models/:model/versions/:which/move': {
    what: `Moves a version on. Each step on the way has its own gate and its own entry. ${number}`,
    body: [
      ['`to`', 'A stage'],
      reason,
      [
        '`expected`',
        'What must be so, or nothing is done: `from`, the stage of the version; `production`, the version that is in production, or null for none',
      ],
      ['`archiveOthers`', 'Of a model that no platform defines: versions at that stage become archived'],
    ],
    answer: '`stage`, and `entries` of the audit.',
    errors: ['SX_UNKNOWN_VERSION', 'SX_STAGE_INVALID', 'SX_GATE_REFUSED', 'SX_REGISTRY_CONFLICT', 'SX_REQUEST_INVALID'],
    example: [
      { to: 'production', reason: 'better on every slice', expected: { from: 'staging', production: 3 } },
      { stage: 'production', entries: [] },
    ],
  },
  'POST /v1/registry/models/:model/versions/:which/approve': {
    what: `Approves of a step that another person takes. ${number}`,
    body: [['`to`', 'The stage'], reason],
    answer: entry,
    errors: ['SX_UNKNOWN_VERSION', 'SX_STAGE_INVALID', 'SX_REQUEST_INVALID'],
  },
  'POST /v1/registry/models/:model/versions/:which/validate': {
    what: `Looks at a version from all sides that its gate asks for. Whoever asks for one that is under way gets what it finds. ${number}`,
    body: [reason],
    answer: 'Comes when it is done, which may take minutes.',
    answers: [
      [api, 'Validation'],
      [api, 'Check', 'Each of `checks`'],
    ],
    errors: ['SX_UNKNOWN_VERSION', 'SX_OVERLOADED'],
  },
  'GET /v1/registry/models/:model/versions/:which/card': {
    what: `The model card. ${number}`,
    answer:
      'A page of HTML that stands alone, or Markdown where `Accept` asks for `text/markdown`. Its policy keeps it from doing anything: what it says comes from whoever trained the model.',
    errors: ['SX_UNKNOWN_VERSION'],
  },
  'GET /v1/registry/models/:model/rollback': {
    what: 'What a roll back would do. In the query: `to`, a version that was in production; by default the one before.',
    answer: 'As `consider`.',
    errors: ['SX_UNKNOWN_MODEL', 'SX_NOTHING_TO_ROLL_BACK', 'SX_STAGE_INVALID'],
  },
  'POST /v1/registry/models/:model/rollback': {
    what: 'Puts a version back in production that was there before. Works while the metadata store is away.',
    body: [
      ['`to`', 'Its number. By default the one before'],
      reason,
      [
        '`expected`',
        '`production`: the version that must be in production now. Not asked while the metadata store is away',
      ],
    ],
    answer: '`pending` is true where it is in force and is written down when the metadata store is back.',
    answers: [[api, 'RolledBack']],
    errors: [
      'SX_UNKNOWN_MODEL',
      'SX_NOTHING_TO_ROLL_BACK',
      'SX_STAGE_INVALID',
      'SX_GATE_REFUSED',
      'SX_REGISTRY_CONFLICT',
    ],
  },
  'PUT /v1/registry/models/:model/aliases/:alias': {
    what: 'Sets an alias.',
    body: [
      ['`version`', 'Its number'],
      ['`expected`', 'What the alias must name now: a number, or null for nothing. By default whatever it names'],
      reason,
    ],
    answer: entry,
    errors: ['SX_UNKNOWN_VERSION', 'SX_REGISTRY_CONFLICT', 'SX_REQUEST_INVALID'],
  },
  'DELETE /v1/registry/models/:model/aliases/:alias': {
    what: 'Deletes an alias. In the query: `reason`.',
    answer: entry,
    errors: ['SX_UNKNOWN_ALIAS'],
  },
  'GET /v1/registry/models/:model/diff': {
    what: 'Two versions over the seven facts. In the query: `a` and `b`, each a number, an alias, a stage or `latest`.',
    answer: '',
    answers: [
      [api, 'VersionDiff'],
      [api, 'FactDiff', 'Each of `facts`'],
    ],
    errors: ['SX_UNKNOWN_VERSION', 'SX_UNKNOWN_ALIAS', 'SX_REQUEST_INVALID'],
  },
  'GET /v1/registry/lineage': {
    what: 'From where something comes, or what breaks if it goes. In the query one of `prediction`, `run`, `version` as `MODEL/NUMBER`, `column` as `SOURCE.COLUMN`, `feature` as `VIEW.FEATURE`. A key that is confined to some models may ask for their versions.',
    answer: 'Edges lead from what is read to what is made of it.',
    answers: [
      [api, 'Lineage'],
      [api, 'LineageNode', 'Each of `nodes`'],
    ],
    errors: [
      'SX_REQUEST_INVALID',
      'SX_UNKNOWN_PREDICTION',
      'SX_UNKNOWN_VERSION',
      'SX_UNKNOWN_RUN',
      'SX_UNKNOWN_SOURCE',
      'SX_UNKNOWN_VIEW',
    ],
  },
  'GET /v1/registry/audit': {
    what: 'Entries of the audit, newest first. In the query: `after` or `before`, numbers of entries, after which the oldest come first; `model`, `version`; `limit`, at most 1,000, by default 100. Of one model whoever may read it may ask; of everything only an admin.',
    answer: '`entries`.',
    answers: [[port, 'AuditEntry', 'Each of `entries`']],
    instants: ['at'],
    errors: ['SX_REQUEST_INVALID'],
  },
  'GET /v1/registry/audit/verify': {
    what: 'Whether the audit is the one that was written, and agrees with what is in force.',
    answer: 'Comes when every entry was read.',
    answers: [[api, 'AuditVerification']],
  },
  'GET /v1/registry/keys': {
    what: 'All keys, without what they are.',
    answer: '`keys`: `id`, `name`, `role`, `models`, `expiresAt`, `createdBy`, `at` and `revokedAt` of each.',
  },
  'POST /v1/registry/keys': {
    what: 'Makes a key.',
    body: [
      ['`name`', 'Whose it is: the audit names them by it'],
      ['`role`', '`viewer`, `editor`, `approver` or `admin`'],
      ['`models`', 'To which it is confined. By default to none'],
      ['`expires`', 'ISO 8601 with a zone. By default never'],
      reason,
    ],
    answer: '`key`, which is nowhere else, and what listing it shows.',
    errors: ['SX_REQUEST_INVALID', 'SX_KEY_INVALID', 'SX_REGISTRY_CONFLICT'],
  },
  'DELETE /v1/registry/keys/:id': {
    what: 'Revokes a key. In the query: `reason`.',
    answer: entry,
    errors: ['SX_UNKNOWN_KEY', 'SX_REGISTRY_CONFLICT'],
  },
  'GET /v1/registry/webhooks': {
    what: 'All webhooks, without what signs them.',
    answer: '`webhooks`.',
  },
}
