/**
 * Every error a user can meet, in one table: a stable code, the HTTP status it becomes, whether trying again can help,
 * and what to do. `docs/reference/errors.md` is made from this table, and a test keeps the two in step.
 *
 * Expected outcomes (a feature never seen, a fallback used) are values, not errors.
 */

interface Entry {
  readonly status: number
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retry: boolean
  readonly means: string
  readonly fix: string
}

const entry = (status: number, means: string, fix: string, retry = false): Entry => ({ status, retry, means, fix })

export const catalogue = {
  SX_DEFINITION_INVALID: entry(400, 'A definition contradicts itself or another.', 'Change the named definition.'),
  SX_EXPRESSION_INVALID: entry(400, 'An expression has no meaning.', 'Change the named operand.'),
  SX_EXPRESSION_UNSUPPORTED: entry(
    400,
    'An engine cannot compute a function that a definition uses.',
    'Give the function a lowering for that engine, or use another.',
  ),
  SX_CONFIG_INVALID: entry(400, 'A configuration value is not usable.', 'Change the named key.'),
  SX_PROJECT_NOT_FOUND: entry(
    404,
    'No sixfold.config.ts here or in any folder above.',
    'Run `sixfold init`, or name the project with --project.',
  ),
  SX_USAGE: entry(400, 'A command was called with arguments it does not take.', 'See the command with --help.'),
  SX_UNKNOWN_MODEL: entry(404, 'No model of that name is defined.', 'Use one of the names listed.'),
  SX_UNKNOWN_VIEW: entry(404, 'No view of that name is defined.', 'Use one of the names listed.'),
  SX_UNKNOWN_SOURCE: entry(404, 'No source of that name is defined.', 'Use one of the names listed.'),
  SX_UNKNOWN_PREDICTION: entry(404, 'No prediction of that id is in the log.', 'Use the id that predict answered.'),
  SX_NOT_FOUND: entry(404, 'Nothing is served at that path.', 'The paths are in docs/reference/http.md.'),
  SX_METHOD_NOT_ALLOWED: entry(405, 'The path exists, but not for that method.', 'Use the method named.'),
  SX_NOT_SUPPORTED: entry(
    501,
    'A client asks for something that this server does not do.',
    'Do it the way that the message names.',
  ),
  SX_REQUEST_MALFORMED: entry(400, 'The body is not a JSON object of the documented form.', 'Send JSON of that form.'),
  SX_REQUEST_INVALID: entry(
    400,
    'A key or a request field is missing, unknown or of the wrong type.',
    'Send what the message names.',
  ),
  SX_REQUEST_TOO_LARGE: entry(
    413,
    'The body, or the head before it, is larger than the limit.',
    'Send less at once; the limit is in the message.',
  ),
  SX_MEDIA_TYPE: entry(415, 'The body is not JSON.', 'Send content-type: application/json.'),
  SX_EVENT_INVALID: entry(
    400,
    'An event does not fit its source. Nothing of the request was taken.',
    'Correct the rows named and send the whole request again.',
  ),
  SX_EVENT_IN_FUTURE: entry(
    400,
    'An event lies further in the future than clocks may differ. Nothing of the request was taken.',
    'Correct the clock or the unit of the time field.',
  ),
  SX_INSTANT_PAST: entry(
    409,
    'The online state has already moved past the instant asked about.',
    'Ask about now, or build a training set for past instants.',
  ),
  SX_OUTCOME_INVALID: entry(
    400,
    'An outcome does not fit the outputs of its model.',
    'Send a value for each named output.',
  ),
  SX_OUTCOME_CONFLICT: entry(
    409,
    'The prediction already has a different outcome.',
    'An outcome is recorded once; correct the sender.',
  ),
  SX_LABELS_INVALID: entry(
    400,
    'The label rows cannot be used for a training set.',
    'Correct the rows or columns named. Nothing was written.',
  ),
  SX_HISTORY_INVALID: entry(
    400,
    'The history of a source does not fit its definition.',
    'Correct the file or the definition.',
  ),
  SX_HISTORY_UNREADABLE: entry(
    400,
    'The history of a source cannot be read.',
    'Check that the path exists and holds Parquet.',
  ),
  SX_ARTIFACT_INVALID: entry(
    400,
    'The file is not a model that can be served.',
    'Export the model again; the message says what is wrong.',
  ),
  SX_ARTIFACT_CORRUPT: entry(
    500,
    'A stored artifact no longer has the contents it was stored with.',
    'Restore the file, or add the model again.',
  ),
  SX_SIGNATURE_MISMATCH: entry(
    400,
    "The model's inputs or outputs do not fit the definition.",
    'Change the vector of the definition, or export the model with the inputs it names.',
  ),
  SX_UNKNOWN_VERSION: entry(
    404,
    'The model has no version of that number.',
    'Use one that `sixfold model list` shows.',
  ),
  SX_UNKNOWN_ALIAS: entry(404, 'The model has no alias of that name.', 'Use one that `sixfold model show` lists.'),
  SX_MODEL_EXISTS: entry(409, 'A model of that name is in the registry already.', 'Use it, or choose another name.'),
  SX_MODEL_IN_USE: entry(
    409,
    'A version that is in production or staging, or its model, cannot be deleted or renamed.',
    'Archive the version first.',
  ),
  SX_REGISTRY_CONFLICT: entry(
    409,
    'What the change takes to be so has changed meanwhile. Nothing was changed.',
    'Look at it anew, and ask again if it is still wanted.',
  ),
  SX_STAGE_INVALID: entry(
    409,
    'No way leads from the stage of the version to the one asked for.',
    'Take the next stage of its lifecycle.',
  ),
  SX_GATE_REFUSED: entry(
    409,
    'A precondition of the stage is not met. Nothing was changed.',
    'See to what the message names; `sixfold model show` lists all preconditions.',
  ),
  SX_NOTHING_TO_ROLL_BACK: entry(409, 'No earlier version was in production.', 'Promote a version instead.'),
  SX_ARTIFACT_CONDEMNED: entry(
    503,
    'An artifact is being collected because nothing referred to it.',
    'Send it again.',
    true,
  ),
  SX_UNKNOWN_EXPERIMENT: entry(404, 'There is no experiment of that name or id.', 'Create it first.'),
  SX_UNKNOWN_RUN: entry(404, 'There is no run of that id.', 'Use the id that was given when it began.'),
  SX_UNKNOWN_BATCH: entry(404, 'No batch of that name is defined.', 'Use one of the names listed.'),
  SX_UNKNOWN_BATCH_RUN: entry(404, 'The batch has no such run or version.', 'Use one that `sixfold batch list` shows.'),
  SX_BATCH_STATE: entry(409, 'The run is not in a state in which that can be done.', 'See `sixfold batch show`.'),
  SX_BATCH_REFUSED: entry(
    409,
    'The gate of the batch is not passed: what was published before stays live.',
    'See the report; publish with --override and a reason if the batch is right all the same.',
  ),
  SX_BATCH_FAILED: entry(
    409,
    'A run broke off: a partition failed as often as it may be tried.',
    'Mend what the message names, then `sixfold batch resume`.',
  ),
  SX_SERVING_TABLE: entry(
    409,
    'The table under which a batch is to be read with SQL cannot be made so.',
    'Do what the message says; what was live is live.',
  ),
  SX_BATCH_BUSY: entry(409, 'Somebody else works on that run.', 'Wait for it, or for its lease to run out.', true),
  SX_IMPORT_INVALID: entry(
    422,
    'A model of another framework cannot be converted.',
    'Do what the message says, or export it yourself: docs/how-to/export-a-model.md.',
  ),
  SX_IMPORT_PYTHON: entry(
    422,
    'The Python that is to convert a model cannot be started, or lacks a package.',
    'Name another one with --python, or install in it what the message names.',
  ),
  SX_IMPORT_UNTRUSTED: entry(
    422,
    'A model is not only data: to load it may run whatever code it holds.',
    'Add --trust where you know who made it, or import a format that is data.',
  ),
  SX_BATCH_ENGINE: entry(
    503,
    'What computes a batch, such as Spark, cannot be started or broke off.',
    'See what it says; its whole words are in its own log.',
    true,
  ),
  SX_ROWS_INVALID: entry(
    400,
    'The rows of a batch cannot be used: a column is missing or of the wrong type, or the query fails.',
    'Correct what the message names.',
  ),
  SX_INPUT_CHANGED: entry(
    409,
    'A file changed since the run was planned. Nothing was published.',
    'Begin a new run: it plans anew.',
  ),
  SX_NOT_PUBLISHED: entry(404, 'No version of the batch has been published.', 'Run `sixfold batch run`.'),
  SX_NO_PREDICTION: entry(
    404,
    'The batch has no prediction for the key, and nothing that answers instead.',
    'Declare `unknown` in the batch.',
  ),
  SX_ENGINE_MISSING: entry(
    409,
    'What the run is to be computed by is not installed here.',
    'Install what the message names.',
  ),
  SX_UNKNOWN_LOGGED_MODEL: entry(
    404,
    'There is no logged model of that id.',
    'Use the id that was given when it was logged.',
  ),
  SX_UNKNOWN_FILE: entry(404, 'There is no file at that path.', 'Use a path that listing the folder shows.'),
  SX_TRACKING_EXISTS: entry(
    409,
    'An experiment of that name exists, or was deleted and can be restored.',
    'Use it, or choose another name.',
  ),
  SX_TRACKING_STATE: entry(409, 'The experiment or run was deleted.', 'Restore it first.'),
  SX_PARAMETER_CHANGED: entry(
    409,
    'A parameter of a run was logged before with another value.',
    'Log it under another name, or in another run.',
  ),
  SX_FILTER_INVALID: entry(
    400,
    'A search filter or order cannot be read.',
    'Correct the part named; the language is in docs/reference/search.md.',
  ),
  SX_PATH_INVALID: entry(
    400,
    'A path leaves the place it belongs to, or cannot be one.',
    'Use a relative path without `..`.',
  ),
  SX_TRAINING_FAILED: entry(
    400,
    'The training command did not end well, or left no model.',
    'See what it wrote, above.',
  ),
  SX_NOT_REPRODUCIBLE: entry(
    409,
    'What the version was trained with is not all at hand.',
    'Bring back what the message names.',
  ),
  SX_UNAUTHENTICATED: entry(
    401,
    'The request has no key, or one that is not valid.',
    'Send `Authorization: Bearer KEY`; an admin makes keys with `sixfold key create`.',
  ),
  SX_FORBIDDEN: entry(403, 'The key may not do this.', 'Ask an admin for a key with the role named.'),
  SX_KEYS_REQUIRED: entry(
    409,
    'A server that others can reach needs keys, and there is none.',
    'Create one with `sixfold key create`, or listen on 127.0.0.1.',
  ),
  SX_ORIGIN_REFUSED: entry(
    403,
    'A browser sent the request for a page that is not of this server, or it came under a name, or through a proxy, that is not of this machine.',
    'Ask from a page of this server or without a browser; where others are to ask, need keys.',
  ),
  SX_KEY_INVALID: entry(400, 'A key cannot be made as it is asked for.', 'Correct what the message names.'),
  SX_UNKNOWN_KEY: entry(404, 'There is no such key.', 'Use an id that `sixfold key list` shows.'),
  SX_WEBHOOK_INVALID: entry(400, 'A webhook cannot be used as it is given.', 'Correct what the message names.'),
  SX_UNKNOWN_WEBHOOK: entry(404, 'There is no webhook of that id.', 'Use an id that listing them shows.'),
  SX_RUNTIME_MISSING: entry(
    500,
    'onnxruntime-node is not installed.',
    'Run: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node',
  ),
  SX_NOT_APPLIED: entry(409, 'The definitions differ from those that were applied.', 'Run `sixfold apply`.'),
  SX_STORE_LOCKED: entry(
    409,
    'Another process holds this data folder.',
    'Stop the process named, or use another data folder.',
    true,
  ),
  SX_STORE_FOREIGN: entry(
    409,
    'The online state belongs to another event log than the one that is configured.',
    'Configure the log it belongs to, or name another place for the state and materialise it there.',
  ),
  SX_STORE_UNAVAILABLE: entry(
    503,
    'A store cannot be reached, or did not answer in time.',
    'Send again; `sixfold doctor` says what is wrong.',
    true,
  ),
  SX_STORE_DENIED: entry(
    500,
    'A store refuses the user that is configured, or what it asks for.',
    'Correct the credentials or grant the permission named; `sixfold doctor` checks them.',
  ),
  SX_STORE_NEWER: entry(
    409,
    'Stored data has a newer form than this version of Sixfold knows.',
    'Use the version of Sixfold that wrote it, or a newer one. Nothing was changed.',
  ),
  SX_STORE_READ_ONLY: entry(
    500,
    'The data folder cannot be written to.',
    'Give this user the right to write there, or name another folder with SIXFOLD_DATA.',
  ),
  SX_STORE_CORRUPT: entry(500, 'Stored data cannot be decoded.', 'Rebuild it: `sixfold materialize --rebuild`.'),
  SX_STORAGE_FULL: entry(507, 'No space is left for the data folder.', 'Free space; nothing needs repair.', true),
  SX_OVERLOADED: entry(
    503,
    'A queue is at its limit, or what waits in it could not be answered in time.',
    'Send again after the time in Retry-After.',
    true,
  ),
  SX_DEADLINE_EXCEEDED: entry(
    504,
    'The time that the caller gave, or the budget of the model, has passed.',
    'Give more time, or send again when there is less to do.',
    true,
  ),
  SX_RATE_LIMITED: entry(
    429,
    'The key has asked more often than it may.',
    'Send again after the time in Retry-After.',
    true,
  ),
  SX_IDEMPOTENCY_CONFLICT: entry(
    409,
    'The idempotency key was sent before, with another request.',
    'Send a fresh key with each request, and the same one only with the same request.',
  ),
  SX_MODEL_FAILED: entry(400, 'A model failed over a row that it was given.', 'See the words of the runtime.'),
  SX_MODEL_UNREADY: entry(
    503,
    'No version of the model answers here.',
    'Put a version in production, or load one.',
    true,
  ),
  SX_RUNTIME_LOST: entry(
    503,
    'What computed the model ended, or hung and was ended. Another one starts.',
    'Send again.',
    true,
  ),
  SX_PROVIDER_MISSING: entry(
    409,
    'What a model is to be computed by is not offered by the installed runtime.',
    'Install a runtime that offers it, or name another under `models.NAME.providers`.',
  ),
  SX_REMOTE_UNAVAILABLE: entry(
    503,
    'The server that computes a model does not answer, or not in time.',
    'Look at that server; `sixfold doctor` says what it answers.',
    true,
  ),
  SX_REMOTE_INVALID: entry(
    409,
    'What another server answers is not what its protocol says, or not what was registered.',
    'Correct that server, or register the model anew.',
  ),
  SX_REMOTE_REFUSED: entry(
    403,
    'A model is on a server that is not among those that may be asked.',
    'List its address under `remotes` in sixfold.config.ts.',
  ),
  SX_TENSOR_INVALID: entry(
    400,
    'A tensor of a request is not what the model takes.',
    "Send what the message names; the model's metadata says what it takes.",
  ),
  SX_CONVERSION_FAILED: entry(
    400,
    'A model could not be converted to ONNX, or the result does not answer as the original.',
    'See the words of the converter.',
  ),
  SX_NOT_ATTRIBUTABLE: entry(
    409,
    'An answer of this model cannot be taken apart: it is neither trees nor linear.',
    'Attributions are there for tree ensembles and linear models.',
  ),
  SX_PENDING_FULL: entry(
    503,
    'Too many events of one entity wait to become visible.',
    'Shorten the delay of the source, or raise limits.pendingEvents.',
    true,
  ),
  SX_NO_SERVER: entry(
    503,
    'No server of Sixfold answers at that address.',
    'Start one with `sixfold serve`, or name another with --url.',
  ),
  SX_STOPPING: entry(503, 'The server is draining and takes no new work.', 'Send to another server.', true),
  SX_INTERNAL: entry(500, 'A defect in Sixfold.', 'Report it, with what the server logged.'),
} as const satisfies { readonly [code: `SX_${string}`]: Entry }

export type ErrorCode = keyof typeof catalogue

/** What is attached to an error for programs: small, serialisable, without secrets. */
export type ErrorDetails = { readonly [name: string]: unknown }

const brand: unique symbol = Symbol.for('sixfold.error') as never

export class SixfoldError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails
  readonly [brand] = true

  /** `message` names the thing and the place; the fix in general terms comes from the catalogue, a sharper one from `fix`. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { fix?: string; details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SixfoldError'
    this.code = code
    this.details = options.details ?? {}
    this.fix = options.fix ?? catalogue[code].fix
  }

  readonly fix: string

  get status(): number {
    return catalogue[this.code].status
  }

  get retry(): boolean {
    return catalogue[this.code].retry
  }
}

/** True for errors of every copy of this package in a process, which `instanceof` is not. */
export const isSixfoldError = (error: unknown): error is SixfoldError =>
  typeof error === 'object' && error !== null && brand in error

/** RFC 9457. Of an error that is not ours only the fact is told: its text may hold data. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly fix: string
  readonly retry: boolean
  readonly details?: ErrorDetails
}

export function toProblem(error: unknown): Problem {
  const known = isSixfoldError(error) ? error : new SixfoldError('SX_INTERNAL', 'Something failed inside Sixfold.')
  return {
    type: `urn:sixfold:error:${known.code}`,
    title: catalogue[known.code].means,
    status: known.status,
    code: known.code,
    detail: known.message,
    fix: known.fix,
    retry: known.retry,
    ...(Object.keys(known.details).length > 0 ? { details: known.details } : {}),
  }
}
