/** What is wrong, as RFC 9457 has it: errors of ours, of the HTTP library, and bytes that are no request. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { ErrorCode } from '../kernel/errors.ts'
import { isSixfoldError, SixfoldError, toProblem } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { Answer } from './answer.ts'
import { sendAnswer } from './answer.ts'
import { retryAfter } from './open-inference/index.ts'

/** Of a path. Names of models and aliases have up to 256 characters, each of which may come as several. */
export const longestPart = 2_000

/** What is no HTTP request at all never reaches a handler. */
export function refuseBytes({ code }: NodeJS.ErrnoException, socket: Socket): void {
  // An answer is still to come on this connection: another before it would be taken for it.
  const underWay = (socket as { readonly _httpMessage?: unknown })._httpMessage
  if (code === 'ECONNRESET' || !socket.writable || underWay) return void socket.destroy()
  const problem = toProblem(
    code === 'HPE_HEADER_OVERFLOW'
      ? new SixfoldError('SX_REQUEST_TOO_LARGE', 'The path and the headers are larger than 16384 bytes.')
      : new SixfoldError(
          'SX_REQUEST_MALFORMED',
          code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'The request took too long to arrive.' : 'This is no HTTP request.',
          { fix: 'Send a whole HTTP/1.1 request.' },
        ),
  )
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** Errors of Fastify's own, as ours. */
export function known(error: unknown, bodyBytes: number): unknown {
  if (isSixfoldError(error)) return error
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message: string }
  if (code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new SixfoldError('SX_NOT_FOUND', `Nothing is at a path with a part longer than ${longestPart}.`)
  if (code === 'FST_ERR_BAD_URL')
    return new SixfoldError(
      'SX_REQUEST_MALFORMED',
      `The path is not encoded as it should be: ${shorten(message, 200)}`,
      {
        fix: 'Write % as %25, and other characters as the % and two digits of each byte of their UTF-8.',
      },
    )
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new SixfoldError('SX_REQUEST_TOO_LARGE', `The body is larger than ${bodyBytes} bytes.`)
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new SixfoldError('SX_MEDIA_TYPE', 'The body is not declared as JSON.')
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new SixfoldError('SX_REQUEST_MALFORMED', `The request cannot be read: ${shorten(message, 200)}`, {
      cause: error,
    })
  return error
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  void sendAnswer(reply, problemAnswer(error, request, logger))
}

export function problemAnswer(
  error: unknown,
  { method, url }: { readonly method: string; readonly url: string },
  logger: Logger,
): Answer {
  const problem = toProblem(error)
  if (problem.status >= 500 && problem.code === ('SX_INTERNAL' satisfies ErrorCode))
    logger.error({ err: error, method, url }, 'A request failed.')
  return {
    status: problem.status,
    headers: [...(problem.retry ? ['retry-after', retryAfter(problem.details)] : []), ...problemType],
    body: JSON.stringify(problem),
  }
}
const problemType = ['content-type', 'application/problem+json; charset=utf-8']
