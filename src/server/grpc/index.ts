/**
 * Open Inference over gRPC, and the health check that balancers ask. It decides nothing: what an inference is, and what a model looks
 * like, is shared with HTTP.
 */
import type {
  Metadata as GrpcMetadata,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedHandleCall,
} from '@grpc/grpc-js'
import { Metadata, Server, ServerCredentials, ServerInterceptingCall, status } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import type { Access, Caller, Right, Services } from '../../api/index.ts'
import type { Carrier } from '../../inference/index.ts'
import type { ErrorCode } from '../../kernel/errors.ts'
import { SixfoldError, toProblem } from '../../kernel/errors.ts'
import { demand } from '../access.ts'
import type { RateLimits } from '../gateway/rates.ts'
import { overRate } from '../gateway/rates.ts'
import type { GrpcCounts } from '../metrics/grpc.ts'
import { extensions, versionsIn } from '../open-inference/index.ts'
import { infer } from '../open-inference/infer.ts'
import { allNamed, isReady, metadataOf, named } from '../open-inference/models.ts'
import { configOf, indexOf, statisticsOf } from '../open-inference/statistics.ts'
import { traced } from '../tracing.ts'
import { serviceOf } from './definition.ts'
import type { InferMessage } from './messages.ts'
import { readInfer, writeInfer } from './messages.ts'
import { health, inference } from './protocol.ts'

export interface GrpcOptions {
  readonly services: Services
  readonly access: Access
  /** Those of HTTP: who has asked much there has asked much. */
  readonly rates: RateLimits
  readonly counts: GrpcCounts
  readonly logger: Logger
  /** Of Sixfold. */
  readonly version: string
}

export interface GrpcServer {
  /** Port 0 takes any that is free. Gives the port. Rejects where it is taken. */
  listen(port: number, host: string): Promise<number>
  /** Takes nothing more, answers what is under way. */
  close(): Promise<void>
}

/** How long calls under way may take after that. */
const drainMs = 10_000

const statuses: { readonly [code in ErrorCode]?: status } = {
  SX_MODEL_UNREADY: status.NOT_FOUND,
  SX_DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  SX_UNAUTHENTICATED: status.UNAUTHENTICATED,
  SX_FORBIDDEN: status.PERMISSION_DENIED,
  SX_ORIGIN_REFUSED: status.PERMISSION_DENIED,
  SX_RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  SX_REQUEST_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  SX_NOT_SUPPORTED: status.UNIMPLEMENTED,
}
const byHttp: { readonly [http: number]: status } = {
  404: status.NOT_FOUND,
  409: status.FAILED_PRECONDITION,
  501: status.UNIMPLEMENTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
}

interface Failure {
  readonly code: status
  readonly details: string
  readonly metadata: GrpcMetadata
}

/** The headers of the trace that a call belongs to. */
const carrierOf = (metadata: GrpcMetadata): Carrier =>
  Object.fromEntries(['traceparent', 'tracestate'].map((name) => [name, metadata.get(name)[0]?.toString()]))

export function grpcServer({ services: unseen, access, rates, counts, logger, version }: GrpcOptions): GrpcServer {
  const services = traced(unseen, logger)
  const server = new Server({
    'grpc.max_receive_message_length': services.limits.bodyBytes,
    'grpc.max_send_message_length': -1,
    interceptors: [
      ({ path }, call) =>
        new ServerInterceptingCall(call, {
          sendStatus: (ended, next) => {
            counts.add(path, status[ended.code ?? status.OK] ?? String(ended.code))
            next(ended)
          },
        }),
    ],
  })
  let stopping = false
  const watchers = new Set<ServerWritableStream<unknown, unknown>>()

  const failureOf = (error: unknown): Failure => {
    const problem = toProblem(error)
    const metadata = new Metadata()
    metadata.set('sixfold-code', problem.code)
    const retryMs = Number(problem.details?.['retryMs'])
    if (problem.retry)
      metadata.set('grpc-retry-pushback-ms', String(Number.isFinite(retryMs) ? Math.ceil(retryMs) : 1_000))
    if (problem.code === 'SX_INTERNAL') logger.error({ err: error }, 'A call failed.')
    const code =
      statuses[problem.code] ??
      byHttp[problem.status] ??
      (problem.status >= 500 ? status.INTERNAL : status.INVALID_ARGUMENT)
    return { code, details: `${problem.detail.replace(/\.$/, '')}. ${problem.fix}`, metadata }
  }
  /** Throws SX_UNAUTHENTICATED, SX_FORBIDDEN, SX_RATE_LIMITED. */
  const callerOf = (call: Call, right: Right, model: string | null): Caller => {
    const caller = access.identify(call.metadata.get('authorization')[0]?.toString())
    demand(caller, right, model)
    const allowance = rates.ask(caller, addressOf(call.getPeer()))
    if (allowance?.allowed === false) throw overRate(caller, allowance)
    return caller
  }
  const nameOf = (name: string): string => name.replace(/\.pipeline$/, '')
  const versionOf = (given: string): string | null => (given === '' ? null : given)

  type Handler = (asked: never, caller: Caller, call: ServerUnaryCall<never, unknown>) => unknown
  const unary = (right: Right | null, answer: Handler): UntypedHandleCall =>
    ((call: ServerUnaryCall<never, unknown>, reply: sendUnaryData<unknown>): void => {
      const asked = call.request as { readonly name?: string; readonly model_name?: string }
      const model = asked.name ?? asked.model_name
      const run = async (): Promise<unknown> => {
        if (right === null) return answer(call.request, null as unknown as Caller, call)
        return answer(call.request, callerOf(call, right, model === undefined ? null : nameOf(model)), call)
      }
      run().then(
        (value) => reply(null, value),
        (error: unknown) => reply(failureOf(error)),
      )
    }) as UntypedHandleCall
  const timeoutOf = (deadline: Date | number): number | undefined => {
    const at = Number(deadline)
    return Number.isFinite(at) ? Math.max(0.001, at - performance.timeOrigin - performance.now()) : undefined
  }
  const inferOne = async (
    message: InferMessage,
    call: Pick<ServerUnaryCall<never, unknown>, 'metadata' | 'getDeadline'>,
  ): Promise<object> => {
    if (stopping) throw new SixfoldError('SX_STOPPING', 'The server is stopping')
    const arrived = performance.now()
    const one = named(services, message.model_name)
    const asked = readInfer(message)
    const response = await infer(services, one, asked, {
      version: versionOf(message.model_version),
      arrived,
      timeoutMs: timeoutOf(call.getDeadline()),
      carrier: carrierOf(call.metadata),
    })
    return writeInfer(response, message.id)
  }
  const ready = (): boolean => !stopping && services.inference.ready()

  type OfModel = { readonly name: string; readonly version: string }
  server.addService(serviceOf(inference, 'inference.GRPCInferenceService'), {
    ServerLive: unary(null, () => ({ live: true })),
    ServerReady: unary(null, () => ({ ready: ready() })),
    ModelReady: unary('predict', ({ name, version: wanted }: OfModel) => {
      const known = allNamed(services).find((one) => one.name === name)
      return { ready: known !== undefined && isReady(known, versionOf(wanted)) }
    }),
    ServerMetadata: unary('predict', () => ({ name: 'sixfold', version, extensions })),
    ModelMetadata: unary('predict', ({ name, version: wanted }: OfModel) =>
      metadataOf(services, named(services, name), versionOf(wanted)),
    ),
    ModelConfig: unary('predict', ({ name, version: wanted }: OfModel) => ({
      config: configOf(services, named(services, name), versionOf(wanted)),
    })),
    ModelStatistics: unary('predict', ({ name, version: wanted }: OfModel, caller) => ({
      model_stats:
        name === ''
          ? allNamed(services)
              .filter(({ model }) => caller.may('predict', model))
              .flatMap((one) => statisticsOf(services, one, null))
          : statisticsOf(services, named(services, name), versionOf(wanted)),
    })),
    ModelInfer: unary('predict', (message: InferMessage, _, call) => inferOne(message, call)),
    ModelStreamInfer: (call: ServerDuplexStream<InferMessage, object>): void => {
      /** An answer for each question, in their order. */
      let last: Promise<void> = Promise.resolve()
      call.on('data', (message: InferMessage) => {
        const answered = (async () => {
          callerOf(call, 'predict', nameOf(message.model_name))
          return { infer_response: await inferOne(message, call) }
        })().catch((error: unknown) => ({
          error_message: failureOf(error).details,
          infer_response: { id: message.id },
        }))
        last = last.then(async () => {
          const answer = await answered
          if (call.writable) call.write(answer)
        })
      })
      call.on('end', () => void last.then(() => call.end()))
      call.on('error', () => {})
    },
    RepositoryIndex: unary('read', ({ ready: only }: { readonly ready: boolean }, caller) => ({
      models: indexOf(
        allNamed(services).filter(({ model }) => caller.may('read', model)),
        only,
      ),
    })),
    RepositoryModelLoad: unary('admin', async (asked: RepositoryMessage) => {
      const one = named(services, asked.model_name)
      const parameters = Object.entries(asked.parameters).map(([name, value]) => [name, value.string_param ?? ''])
      await services.inference.load(one.model, versionsIn({ parameters: Object.fromEntries(parameters) }))
      return {}
    }),
    RepositoryModelUnload: unary('admin', async (asked: RepositoryMessage) => {
      await services.inference.unload(named(services, asked.model_name).model)
      return {}
    }),
  })

  const serving = (): object => ({ status: ready() ? 'SERVING' : 'NOT_SERVING' })
  const isOurs = (service: string): boolean => service === '' || service === 'inference.GRPCInferenceService'
  server.addService(serviceOf(health, 'grpc.health.v1.Health'), {
    Check: unary(null, ({ service }: { readonly service: string }) => {
      if (isOurs(service)) return serving()
      throw new SixfoldError('SX_NOT_FOUND', `There is no service '${service.slice(0, 100)}'`)
    }),
    Watch: (call: ServerWritableStream<{ readonly service: string }, object>): void => {
      if (!isOurs(call.request.service)) {
        call.write({ status: 'SERVICE_UNKNOWN' })
        return
      }
      watchers.add(call)
      call.on('close', () => watchers.delete(call))
      call.on('cancelled', () => watchers.delete(call))
      call.write(serving())
    },
  })

  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
        server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound)
          else reject(error)
        })
      }),
    close: () =>
      new Promise((resolve) => {
        stopping = true
        for (const call of watchers) {
          call.write({ status: 'NOT_SERVING' })
          call.end()
        }
        const timer = setTimeout(() => {
          server.forceShutdown()
          resolve()
        }, drainMs)
        server.tryShutdown(() => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }
}

type Call = Pick<ServerUnaryCall<never, unknown>, 'metadata' | 'getPeer'>
/** Without its port. */
const addressOf = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

interface RepositoryMessage {
  readonly model_name: string
  readonly parameters: { readonly [name: string]: { readonly string_param?: string } }
}
