/** docs/reference/http.md, from the routes of the server, the types of its answers, and the catalogue of errors. */
import ts from 'typescript'
import type { ErrorCode } from '../../src/kernel/errors.ts'
import { catalogue } from '../../src/kernel/errors.ts'
import { header, table } from './markdown.ts'
import { mlflowRoutes } from './mlflow-routes.ts'
import { registryRoutes } from './registry-routes.ts'
import { membersOf, parse } from './source.ts'

export interface Route {
  readonly what: string
  /** Members of the body. */
  readonly body?: readonly (readonly [member: string, what: string])[]
  readonly answer: string
  readonly answers?: readonly (readonly [file: string, type: string, title?: string])[]
  /** Members that are numbers in the types, and leave as ISO 8601. */
  readonly instants?: readonly string[]
  readonly errors?: readonly ErrorCode[]
  readonly example?: readonly [body: object, answer: object]
}

const instant = 'ISO 8601 with a zone. By default now'
const routes: { readonly [route: string]: Route } = {
  'POST /v1/models/:model/predict': {
    what: 'Asks a model.',
    body: [
      [
        '`keys`',
        "A value for every key of the model's views. A key that is `null` names no entity: its features are those of an empty history",
      ],
      [
        '`request`',
        'A value for every request field of the model; those declared with `?` may be left out. Left out where the model has none',
      ],
      ['`at`', `The instant asked about: ${instant}. Not more than \`limits.futureMs\` after now`],
    ],
    answer:
      '`prediction` holds the outputs of the definition. `version` is null when the fallback answered for want of a version. `id` is null when the answer could not be logged. `degraded` lists each part that is not what it should be: its `stage`, `by` (`last known` or `missing`: of features; `cache`, `rule` or `default`: of the answer; `unlogged`) and `reason`. `milliseconds` holds the stage times that `Server-Timing` says too.',
    errors: ['SX_UNKNOWN_MODEL', 'SX_REQUEST_INVALID', 'SX_INSTANT_PAST'],
    example: [
      { keys: { courier: 'ann' }, request: { km: 3.2 } },
      {
        prediction: { minutes: 15.96 },
        model: 'eta',
        version: '1',
        id: 'eta.1.5f3a91c0',
        at: '2026-01-05T12:00:00.000Z',
        degraded: [],
        milliseconds: {
          gateway: 0.04,
          features: 0.06,
          assembly: 0.02,
          queue: 0.05,
          inference: 0.31,
          post: 0.01,
          total: 0.49,
        },
      },
    ],
  },
  'POST /v1/views/:view/read': {
    what: 'The features of one entity, from the online state.',
    body: [
      ['`keys`', "A value for every part of the entity's key"],
      ['`at`', `The instant asked about: ${instant}`],
    ],
    answer:
      '`entity` is `known` or `never seen`; of an entity never seen the features are those of an empty history. `newest` is the time of the newest event seen, or null. Integers beyond 2^53 are text.',
    errors: ['SX_UNKNOWN_VIEW', 'SX_REQUEST_INVALID', 'SX_INSTANT_PAST'],
    example: [
      { keys: { courier: 'ann' } },
      {
        view: 'pace',
        entity: 'known',
        features: { minutes_per_km_1d: 4.5, deliveries_1d: 1 },
        at: '2026-01-05T12:00:00.000Z',
        newest: '2026-01-05T11:40:00.000Z',
      },
    ],
  },
  'POST /v1/events/:source': {
    what: 'Pushes events of a source: all of a request, or none. [How to push events](../how-to/push-events.md).',
    body: [
      [
        '`events`',
        'A list of rows, each an object with the fields of the source. Fields that may be missing may be left out. At most `limits.eventsPerRequest`',
      ],
    ],
    answer: 'Comes when the events are in the log and in the state of every view of the source.',
    answers: [['src/features/ingest.ts', 'PushResult']],
    errors: [
      'SX_UNKNOWN_SOURCE',
      'SX_EVENT_INVALID',
      'SX_EVENT_IN_FUTURE',
      'SX_OVERLOADED',
      'SX_PENDING_FULL',
      'SX_STORAGE_FULL',
    ],
    example: [
      { events: [{ order: 'a1', courier: 'ann', km: 4, minutes: 18, delivered: '2026-01-05T11:40:00Z' }] },
      { accepted: 1, duplicates: 0, covered: 0, refused: {}, unknownFields: {} },
    ],
  },
  'POST /v1/outcomes': {
    what: 'Tells what came of predictions: of one, or of many.',
    body: [
      [
        '`id` and `outcome`',
        'Of one: the id that predict answered, and a value for one or more of the outputs. A probability takes true or false',
      ],
      ['`outcomes`', 'Of many: a list of such objects. At most `limits.outcomesPerRequest`'],
    ],
    answer:
      'Comes when the outcomes are in the log. Of one, an unknown id is the error 404 and a conflict 409; of many, both are listed and the status is 200.',
    answers: [['src/monitoring/outcomes.ts', 'OutcomeResult']],
    errors: ['SX_OUTCOME_INVALID', 'SX_UNKNOWN_PREDICTION', 'SX_OUTCOME_CONFLICT', 'SX_OVERLOADED', 'SX_STORAGE_FULL'],
    example: [
      { outcomes: [{ id: 'eta.1.5f3a91c0', outcome: { minutes: 21 } }] },
      { accepted: 1, duplicates: 0, unknown: [], conflicts: [] },
    ],
  },
  'GET /v1/predictions/:id': {
    what: 'Why a prediction was what it was, from the log.',
    answer:
      'As `sixfold explain ID --json`. Instants here are milliseconds since the epoch. With `?attributions=true` also what each entry of the vector added to the answer.',
    answers: [
      ['src/api/answers.ts', 'Explanation'],
      ['src/api/answers.ts', 'Attributions', '`attributions`'],
    ],
    errors: ['SX_REQUEST_INVALID', 'SX_UNKNOWN_PREDICTION', 'SX_NOT_ATTRIBUTABLE'],
  },
  'GET /v1/status': {
    what: 'What runs, how much of it, and how well. Instants are milliseconds since the epoch.',
    answer: 'The console reads it once a second.',
    answers: [
      ['src/api/answers.ts', 'Status'],
      ['src/api/answers.ts', 'ModelStatus', 'Each of `models`'],
      ['src/inference/measures.ts', 'MeasuresSnapshot', '`measures` of a model'],
      ['src/monitoring/quality.ts', 'QualitySnapshot', '`quality` of a model'],
      [
        'src/statistics/classification.ts',
        'ClassificationQuality',
        'Of a probability, in `total` and in each of `days`',
      ],
      ['src/statistics/regression.ts', 'RegressionQuality', 'Of a number'],
      ['src/monitoring/quality.ts', 'Accuracy', 'Of a label'],
      ['src/api/answers.ts', 'ViewStatus', 'Each of `views`'],
    ],
  },
  'GET /v1/platform': {
    what: 'The definitions as a graph. It changes only when the server starts over.',
    answer: '',
    answers: [
      ['src/api/answers.ts', 'PlatformDescription'],
      ['src/api/answers.ts', 'Graph', '`graph`'],
      ['src/api/answers.ts', 'GraphNode', 'Each of `nodes`'],
      ['src/api/answers.ts', 'Member', 'Each of `members`'],
    ],
  },
  'POST /v1/clock': {
    what: 'Moves the clock of a server that was started with `--clock INSTANT`. An instant before its present is ignored.',
    body: [['`now`', 'The instant, in ISO 8601 with a zone']],
    answer: '`{"now"}`, the instant that was sent. Where time passes by itself the route answers 404.',
    errors: ['SX_NOT_FOUND', 'SX_REQUEST_INVALID'],
    example: [{ now: '2013-06-01T00:00:00Z' }, { now: '2013-06-01T00:00:00.000Z' }],
  },
  ...registryRoutes,
  'GET /openapi.json': {
    what: 'This API as an OpenAPI 3.1 document: each model, view and source with the types of its definition.',
    answer:
      'As `sixfold openapi` prints it. [Clients of other servers](../how-to/serve-other-clients.md) find their routes in it too.',
  },
  'GET /metrics': {
    what: 'The figures of the status and of the process, for Prometheus.',
    answer: 'In its text format; made once a second at most. [What they mean](../how-to/watch-the-serving.md#metrics).',
  },
  'GET /healthz': { what: 'Whether the process answers.', answer: '`{"status":"ok"}`.' },
  'GET /readyz': {
    what: 'Whether to send requests here.',
    answer:
      '`{"status":"ok"}`; from the signal to end on, 503 with `{"status":"stopping"}` to those who are connected, and nobody else is.',
  },
}

/** The routes that the server registers under fixed paths, in their order: `POST /v1/outcomes`. */
export const routesOfServer = (): readonly string[] => [...needsOfServer().keys()]

/** And what each needs, in words. */
function needsOfServer(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression: called } = node
      const method = (ts.isPropertyAccessExpression(called) ? called.name : called).getText()
      const [first, needs] = node.arguments
      const path = first === undefined ? undefined : pathIn(first)
      if (['get', 'post', 'put', 'delete', 'patch'].includes(method) && path !== undefined && needs !== undefined)
        found.set(`${method.toUpperCase()} ${path}`, needsInWords(needs.getText(), path))
    }
    ts.forEachChild(node, visit)
  }
  for (const file of [
    'src/server/question-routes.ts',
    'src/server/http.ts',
    'src/server/openapi/index.ts',
    'src/server/registry.ts',
  ])
    visit(parse(file))
  return found
}

/** The path that is written there, or that the file's constant of that name holds. */
function pathIn(node: ts.Expression): string | undefined {
  if (ts.isStringLiteral(node)) return node.text
  if (!ts.isIdentifier(node)) return undefined
  for (const statement of node.getSourceFile().statements)
    if (ts.isVariableStatement(statement))
      for (const { name, initializer } of statement.declarationList.declarations)
        if (name.getText() === node.text && initializer !== undefined && ts.isStringLiteral(initializer))
          return initializer.text
  return undefined
}

function needsInWords(text: string, path: string): string {
  const [, right] = /'(\w+)'/.exec(text)!
  if (right === 'nothing') return 'nothing'
  return `\`${right}\`${path.includes(':model') ? ' of the model' : text.includes('everywhere') ? ' of all models' : ''}`
}

export function http(): string {
  const served = routesOfServer()
  for (const route of served) if (routes[route] === undefined) throw new Error(`${route} is served, and not described`)
  for (const route of Object.keys(routes))
    if (!served.includes(route)) throw new Error(`${route} is described, and not served`)
  return `${header('HTTP', 'src/server/http.ts')}What \`sixfold serve\` and \`listen()\` answer. Bodies and answers are JSON (\`application/json\`), in UTF-8. A body is at most
\`limits.bodyBytes\` long and nests at most \`limits.bodyDepth\` deep; a member called \`__proto__\`, and a \`constructor\` with a \`prototype\`, are
refused. Instants are text in ISO 8601 with a zone, never bare numbers; integers beyond 2^53 are text in both directions.

Where the server needs keys ([how to control access](../how-to/control-access.md)), each request carries one, as
\`Authorization: Bearer KEY\` or as the password of Basic. What a route asks of it stands below: \`read\` and \`predict\` are for viewers,
\`write\` for editors, \`approve\` for approvers, \`admin\` for admins, each for those that follow too.

An error is a problem document, \`application/problem+json\` ([errors](errors.md)). Beside the errors of each route:

${table(
  ['Error', 'Where'],
  [
    [coded('SX_UNAUTHENTICATED'), 'A request without a valid key where one is needed'],
    [coded('SX_FORBIDDEN'), 'A key whose role, or whose models, do not cover this; the role that would do is named'],
    [
      coded('SX_ORIGIN_REFUSED'),
      'A request that a browser sends for a page elsewhere, or, where no keys are needed, under a name that is not of this machine',
    ],
    [coded('SX_NOT_FOUND'), 'A path that is not served'],
    [coded('SX_METHOD_NOT_ALLOWED'), 'A path that is served for other methods; `Allow` names them'],
    [
      coded('SX_REQUEST_MALFORMED'),
      'A body that is no JSON object, nests too deep or is not UTF-8; a request that is no HTTP',
    ],
    [
      coded('SX_REQUEST_TOO_LARGE'),
      'A body larger than `limits.bodyBytes`, also when it is unpacked; a path and headers larger than 16 KiB',
    ],
    [
      coded('SX_MEDIA_TYPE'),
      'A body that is not `application/json`, or is compressed in another way than gzip, deflate or br',
    ],
    [
      coded('SX_STOPPING'),
      'A request with a body that comes `limits.drainMs` after the server was told to end, or later',
    ],
    [
      coded('SX_RATE_LIMITED'),
      'A key, or an address without one, that asks more often than it may ([headers](#headers))',
    ],
    [coded('SX_IDEMPOTENCY_CONFLICT'), 'An `Idempotency-Key` that was sent with another request before'],
    [coded('SX_INTERNAL'), 'A defect in Sixfold'],
  ],
)}

With \`retry\` true the answer carries \`Retry-After\`, in seconds.

## Headers

${table(
  ['Of a request', 'What it does'],
  [
    ['`Authorization`', 'The key: `Bearer KEY`, or Basic with the key as the password'],
    ['`Content-Encoding`', '`gzip`, `deflate` or `br`: the body is unpacked, up to `limits.bodyBytes` and no further'],
    [
      '`X-Request-Timeout-Ms`',
      'Of questions to models: how long the caller waits, in milliseconds from the arrival. By default the budget of the model; at most `limits.timeoutMs`',
    ],
    [
      '`X-Priority`',
      'Of questions to models: `live`, by default, `shadow` or `backfill`. The less urgent wait for the more urgent',
    ],
    [
      '`Idempotency-Key`',
      'Of questions to models, in every protocol over HTTP: up to 255 visible characters. The same key with the same request is given the same answer, byte for byte and with the same id of a prediction, also while the first is under way. Kept for ten minutes, for the last `limits.idempotencyKeys` keys, by the server that answered and by no other; failures are not kept',
    ],
    ['`traceparent`', 'The trace that it belongs to'],
  ],
)}

${table(
  ['Of an answer', 'What it says'],
  [
    ['`Retry-After`', 'When to come again, in seconds'],
    [
      '`RateLimit-Policy`, `RateLimit`',
      'Where there is a rate: as in `"default";q=500;w=5` and `"default";r=120;t=4`: how many may come at once and in how many seconds they are there again; how many are left and in how many seconds the next one is, or all are',
    ],
    ['`Idempotency-Replayed`', '`true`: this is the answer to an earlier request with the same key'],
    ['`Server-Timing`', 'How long each stage took ([below](#server-timing))'],
  ],
)}

A rate is that of the key (\`sixfold key create NAME --rate 100/s:500\`), or else \`server.rate\` of the configuration; without keys it is
counted by address, IPv6 by its /64. What tells whether the server lives, and \`/metrics\`, are never refused for it. On a server behind a
proxy on the same machine the last address in \`X-Forwarded-For\` counts.

${table(
  ['Route', 'What it does', 'Asks for'],
  [...needsOfServer()].map(([route, needs]) => [
    `[\`${route}\`](#${anchorOf(route)})`,
    routes[route]!.what.split('. ')[0]!.replace(/\.$/, ''),
    needs,
  ]),
)}

Where the console was built it is served at \`/\`.

${served.map((route) => section(route, routes[route]!)).join('\n\n')}

${mlflowRoutes()}

## Server-Timing

\`predict\` says how long each stage took, in milliseconds: \`gateway\` (from the arrival to the first look at the question), \`features\` (the
read of the online store and the folding of windows), \`assembly\` (the vector), \`queue\` (waiting for the model), \`inference\` (the call into
it), \`post\` (the outputs) and \`total\`, as in
\`gateway;dur=0.041, features;dur=0.064, assembly;dur=0.021, queue;dur=0.052, inference;dur=0.312, post;dur=0.008, total;dur=0.498\`.
`
}

/** A member a line, and what is within it on that line. */
function pretty(value: object): string {
  const lines = Object.entries(value).map(([name, member]) => `  "${name}": ${spaced(member)}`)
  return `{\n${lines.join(',\n')}\n}`
}
const spaced = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(spaced).join(', ')}]`
    : typeof value === 'object' && value !== null
      ? Object.keys(value).length === 0
        ? '{}'
        : `{ ${Object.entries(value)
            .map(([name, member]) => `"${name}": ${spaced(member)}`)
            .join(', ')} }`
      : JSON.stringify(value)

const coded = (code: ErrorCode): string => `${catalogue[code].status} \`${code}\``
const anchorOf = (route: string): string =>
  route
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')

function section(
  route: string,
  { what, body, answer, answers = [], instants = [], errors = [], example }: Route,
): string {
  return [
    `## ${route}`,
    what,
    ...(body === undefined ? [] : [table(['Body', 'What it is'], body)]),
    ...(answer === '' ? [] : [`Answers 200. ${answer}`]),
    ...answers.flatMap(([file, type, title]) => [
      ...(title === undefined ? [] : [`${title}:`]),
      table(
        ['Answer', 'Type', 'What it is'],
        membersOf(file, type).map(({ name, type, comment }) => [
          `\`${name}\``,
          `\`${(instants.includes(name) ? type.replace('number', 'string') : type).replaceAll('readonly ', '')}\``,
          comment,
        ]),
      ),
    ]),
    ...(example === undefined ? [] : example.map((one) => `\`\`\`json\n${pretty(one)}\n\`\`\``)),
    ...(errors.length === 0 ? [] : [`Errors: ${errors.map(coded).join(', ')}.`]),
  ].join('\n\n')
}
