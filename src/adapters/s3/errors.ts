/** What S3 answers when it does not do what was asked, and what keeps a file of ours from being written, in the catalogue's terms. */
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { storageError } from '../../kernel/files.ts'
import { reasonOf as reason } from '../unavailable.ts'

export interface Asked {
  /** The permission it takes: 's3:PutObject'. */
  readonly action: string
  /** 's3://bucket/key' */
  readonly where: string
  /** The folder of this machine that takes part; null where none does. */
  readonly folder?: string
}

interface Service {
  readonly endpoint: string | null
  readonly patienceMs: number
}

interface ServiceError {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

export const statusOf = (error: unknown): number | null =>
  (error as ServiceError | null)?.$metadata?.httpStatusCode ?? null
export const nameOf = (error: unknown): string => (error as ServiceError | null)?.name ?? ''

/** No such object; or no such bucket, where it was asked with HEAD: without a body S3 does not say which. */
export const isMissing = (error: unknown): boolean =>
  statusOf(error) === 404 && ['NotFound', 'NoSuchKey', '404', ''].includes(nameOf(error))

/** The object is not, or no longer, as the request said it must be. */
export const isConditionFailed = (error: unknown): boolean => statusOf(error) === 412

/** The connection broke, or was never made; also in the midst of an answer. */
export function isConnectionLost(error: unknown): boolean {
  const { name, code } = error as ServiceError
  return name === 'TimeoutError' || (code !== undefined && lostCodes.has(code))
}
const lostCodes = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_SOCKET_CLOSED', 'HPE_INVALID_EOF_STATE'],
])

export function failureOf(
  error: unknown,
  { action, where, folder }: Asked,
  { endpoint, patienceMs }: Service,
): unknown {
  if (isSixfoldError(error)) return error
  const [status, name] = [statusOf(error), nameOf(error)]
  const at = endpoint === null ? '' : ` at ${endpoint}`
  const why = reasonOf(error)
  const denied = (problem: string, fix: string): SixfoldError =>
    new SixfoldError('SX_STORE_DENIED', `${where}${at}: ${problem}`, { fix, cause: causeOf(error) })

  if (name === 'CredentialsProviderError')
    return denied(`there are no credentials for ${action}.`, `Set ${credentials}, or give the machine a role. (${why})`)
  if (['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'XAdminUserNotFound'].includes(name))
    return denied(`the credentials are refused: ${why}`, `Correct ${credentials}.`)
  if (name === 'ExpiredToken' || name === 'InvalidToken' || name === 'TokenRefreshRequired')
    return denied(`the credentials have expired: ${why}`, `Renew ${credentials} and AWS_SESSION_TOKEN.`)
  if (name === 'RequestTimeTooSkewed' || name === 'RequestExpired')
    return denied('this machine and S3 do not agree on the time.', 'Set the clock of this machine.')
  if (name === 'NoSuchBucket') return denied('there is no such bucket.', 'Create the bucket, or correct its name.')
  if (status === 301 || status === 307 || name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed')
    return denied(`the bucket is in another region. ${why}`, 'Name its region: ?region=… in the URL, or AWS_REGION.')
  if (/^Region is missing/.test(why))
    return denied('no region is named.', 'Name the region: ?region=… in the URL, or AWS_REGION.')
  if (status === 401 || status === 403 || name === 'AccessDenied')
    return denied(
      `${action} is refused: ${why}`,
      `Grant ${action} to the user of the credentials. Without s3:ListBucket S3 also refuses to say that an object is missing.`,
    )
  if (status === 507)
    return new SixfoldError('SX_STORAGE_FULL', `${where}${at}: no space is left. ${why}`, { cause: causeOf(error) })
  if (isConnectionLost(error) || status === 429 || (status !== null && status >= 500))
    return new SixfoldError(
      'SX_STORE_UNAVAILABLE',
      `${where}${at}: no answer to ${action} in ${patienceMs / 1000} s. ${why}`,
      { cause: causeOf(error) },
    )
  if (status !== null)
    return new SixfoldError(
      'SX_STORE_UNAVAILABLE',
      `${where}${at}: ${action} was answered with ${name} (${status}). ${why}`,
      {
        cause: causeOf(error),
      },
    )
  return folder === undefined ? error : storageError(error, folder)
}

/** The driver's error without the request and the answer that hang on it, which hold signatures and session tokens. */
function causeOf(error: unknown): Error {
  const cause = new Error(reasonOf(error))
  cause.name = nameOf(error) || 'Error'
  if (error instanceof Error && error.stack !== undefined) cause.stack = error.stack
  return cause
}

const credentials = 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'

function reasonOf(error: unknown): string {
  const said = reason(error)
  return /^Unknown(Error)?$/.test(said) ? `It gave no reason (${nameOf(error)}).` : said
}
