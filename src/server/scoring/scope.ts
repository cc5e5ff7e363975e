/** What both of these protocols share: bodies of any type as bytes, unpacked within the limit, and errors in a form of their own. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Services } from '../../api/index.ts'
import type { Problem } from '../../kernel/errors.ts'
import { SixfoldError, toProblem } from '../../kernel/errors.ts'
import { unpacked } from '../gateway/encoding.ts'
import { retryAfter } from '../open-inference/index.ts'

export interface ScoringOptions {
  readonly services: Services
  readonly logger: Logger
  /** Wraps what is to be answered before the server ends. */
  readonly during: <T>(work: () => Promise<T>) => Promise<T>
  /** An error of the HTTP library as one of ours. */
  readonly known: (error: unknown) => unknown
}

export function takeBytes(
  scope: FastifyInstance,
  { services, logger, known }: ScoringOptions,
  written: (problem: Problem, request: FastifyRequest) => { readonly status: number; readonly body: object },
): void {
  scope.setErrorHandler((given, request: FastifyRequest, reply: FastifyReply) => {
    const error = known(given)
    const problem = toProblem(error)
    if (problem.code === 'SX_INTERNAL')
      logger.error({ err: error, method: request.method, url: request.url }, 'A request failed.')
    if (problem.retry) reply.header('retry-after', retryAfter(problem.details))
    if (!request.raw.complete) reply.header('connection', 'close')
    const { status, body } = written(problem, request)
    void reply.code(status).type('application/json').send(JSON.stringify(body))
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    unpacked(body as Buffer, request.headers['content-encoding'], services.limits.bodyBytes).then(
      (bytes) => done(null, bytes),
      (error: unknown) => done(error as Error),
    )
  })
}

export function bytesOf({ body }: FastifyRequest): Buffer {
  if (Buffer.isBuffer(body)) return body
  throw new SixfoldError('SX_REQUEST_MALFORMED', 'The request has no body.')
}
