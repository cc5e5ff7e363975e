/** Errors as MLflow's clients expect them: a code of their own, which they branch on, and a status, by which they try again or not. */
import type { ErrorCode, Problem } from '../../kernel/errors.ts'
import { toProblem } from '../../kernel/errors.ts'

export interface MlflowError {
  readonly status: number
  readonly body: { readonly error_code: string; readonly message: string }
  /** Ours. */
  readonly code: ErrorCode
  readonly retry: boolean
  readonly details: Problem['details']
}

/** 500 and 503 make a client try for minutes: what it does wrong is never one of them. */
const codes: { readonly [code in ErrorCode]?: readonly [errorCode: string, status?: number] } = {
  SX_REQUEST_INVALID: ['INVALID_PARAMETER_VALUE'],
  SX_REQUEST_MALFORMED: ['INVALID_PARAMETER_VALUE'],
  SX_FILTER_INVALID: ['INVALID_PARAMETER_VALUE'],
  SX_PATH_INVALID: ['INVALID_PARAMETER_VALUE'],
  SX_PARAMETER_CHANGED: ['INVALID_PARAMETER_VALUE', 400],
  SX_TRACKING_STATE: ['INVALID_PARAMETER_VALUE', 400],
  SX_UNKNOWN_ALIAS: ['INVALID_PARAMETER_VALUE', 400],
  SX_ARTIFACT_INVALID: ['INVALID_PARAMETER_VALUE'],
  SX_SIGNATURE_MISMATCH: ['INVALID_PARAMETER_VALUE'],
  SX_STAGE_INVALID: ['INVALID_PARAMETER_VALUE', 400],
  SX_GATE_REFUSED: ['INVALID_PARAMETER_VALUE', 400],
  SX_MODEL_IN_USE: ['INVALID_PARAMETER_VALUE', 400],
  SX_WEBHOOK_INVALID: ['INVALID_PARAMETER_VALUE'],
  SX_REQUEST_TOO_LARGE: ['INVALID_PARAMETER_VALUE'],
  SX_MODEL_EXISTS: ['RESOURCE_ALREADY_EXISTS', 400],
  SX_TRACKING_EXISTS: ['RESOURCE_ALREADY_EXISTS', 400],
  SX_UNKNOWN_MODEL: ['RESOURCE_DOES_NOT_EXIST'],
  SX_UNKNOWN_VERSION: ['RESOURCE_DOES_NOT_EXIST'],
  SX_UNKNOWN_EXPERIMENT: ['RESOURCE_DOES_NOT_EXIST'],
  SX_UNKNOWN_RUN: ['RESOURCE_DOES_NOT_EXIST'],
  SX_UNKNOWN_LOGGED_MODEL: ['RESOURCE_DOES_NOT_EXIST'],
  SX_UNKNOWN_FILE: ['RESOURCE_DOES_NOT_EXIST'],
  SX_UNKNOWN_WEBHOOK: ['RESOURCE_DOES_NOT_EXIST'],
  SX_REGISTRY_CONFLICT: ['RESOURCE_CONFLICT'],
  SX_UNAUTHENTICATED: ['UNAUTHENTICATED'],
  SX_FORBIDDEN: ['PERMISSION_DENIED'],
  SX_ORIGIN_REFUSED: ['PERMISSION_DENIED'],
  SX_NOT_FOUND: ['ENDPOINT_NOT_FOUND'],
  SX_METHOD_NOT_ALLOWED: ['BAD_REQUEST'],
  SX_MEDIA_TYPE: ['BAD_REQUEST', 400],
  SX_NOT_SUPPORTED: ['NOT_IMPLEMENTED'],
  SX_STORAGE_FULL: ['RESOURCE_LIMIT_EXCEEDED'],
  SX_RATE_LIMITED: ['REQUEST_LIMIT_EXCEEDED'],
  SX_IDEMPOTENCY_CONFLICT: ['RESOURCE_CONFLICT'],
  SX_DEADLINE_EXCEEDED: ['DEADLINE_EXCEEDED'],
  SX_OVERLOADED: ['TEMPORARILY_UNAVAILABLE'],
  SX_MODEL_UNREADY: ['TEMPORARILY_UNAVAILABLE'],
  SX_RUNTIME_LOST: ['TEMPORARILY_UNAVAILABLE'],
  SX_REMOTE_UNAVAILABLE: ['TEMPORARILY_UNAVAILABLE'],
  SX_STOPPING: ['TEMPORARILY_UNAVAILABLE'],
  SX_STORE_UNAVAILABLE: ['TEMPORARILY_UNAVAILABLE'],
  SX_ARTIFACT_CONDEMNED: ['TEMPORARILY_UNAVAILABLE'],
}

/** What scripts look for in a message. */
const marks: { readonly [errorCode: string]: string } = {
  RESOURCE_DOES_NOT_EXIST: 'not found',
  RESOURCE_ALREADY_EXISTS: 'already exists',
}

export function mlflowError(error: unknown): MlflowError {
  const { code, status, detail, fix, retry, details } = toProblem(error)
  const [errorCode, own] = codes[code] ?? [
    status >= 500 ? 'INTERNAL_ERROR' : status === 404 ? 'RESOURCE_DOES_NOT_EXIST' : 'INVALID_PARAMETER_VALUE',
  ]
  const words = Object.hasOwn(marks, errorCode) ? detail.replace(/\.?$/, ` (${marks[errorCode]}).`) : detail
  return { status: own ?? status, body: { error_code: errorCode, message: `${words} ${fix}` }, code, retry, details }
}
