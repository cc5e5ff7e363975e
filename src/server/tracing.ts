/**
 * What a request leaves behind for those who look on: a span with its stages, for whatever OpenTelemetry SDK the process has set up, and
 * lines in the log. Without an SDK the API makes nothing, and lines that nobody reads are not made.
 */
import type { Context, Span } from '@opentelemetry/api'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Logger } from 'pino'
import type { Services } from '../api/index.ts'
import type { Carrier, Prediction, TensorAnswer } from '../inference/index.ts'
import { stagesOfTime } from '../inference/index.ts'
import { toProblem } from '../kernel/errors.ts'
import { requestLog } from './request-log.ts'

/** The same services, seen. What they answer and throw stays as it is. */
export function traced(services: Services, logger: Logger): Services {
  const log = requestLog(logger)
  return {
    ...services,
    predict: (model, question) => {
      const began = question.arrived ?? performance.now()
      const begun = begin('predict', model, question.carrier, began)
      const traceId = (): string | null => idOf(begun, question.carrier)
      return within(begun, () => services.predict(model, question)).then(
        (prediction) => {
          if (begun !== null) endOfPrediction(begun.span, prediction, began)
          log.predicted(prediction, traceId)
          return prediction
        },
        (error: unknown) => {
          if (begun !== null) endOfError(begun.span, error)
          log.failed('predict', model, error, traceId)
          throw error
        },
      )
    },
    inference: {
      ...services.inference,
      infer: (model, version, call) => {
        const begun = begin('infer', model, call.carrier, call.arrived ?? performance.now())
        const traceId = (): string | null => idOf(begun, call.carrier)
        return within(begun, () => services.inference.infer(model, version, call)).then(
          (answer) => {
            if (begun !== null) endOfTensors(begun.span, answer)
            log.inferred(model, answer, traceId)
            return answer
          },
          (error: unknown) => {
            if (begun !== null) endOfError(begun.span, error)
            log.failed('infer', model, error, traceId)
            throw error
          },
        )
      },
    },
  }
}

interface Begun {
  readonly span: Span
  readonly inside: Context
}

const tracer = trace.getTracer('sixfold')
/** An instant of the monotonic clock as one of the calendar. */
const instantOf = (monotonic: number): number => performance.timeOrigin + monotonic

/** Null where nobody records it. */
function begin(asked: 'predict' | 'infer', model: string, carrier: Carrier | undefined, began: number): Begun | null {
  const around = context.active()
  // Instrumentation of HTTP has seen the request before: its span is of the caller's trace already.
  const seen = carrier === undefined || trace.getSpan(around) !== undefined
  const parent = seen ? around : propagation.extract(around, carrier)
  const kind = seen ? SpanKind.INTERNAL : SpanKind.SERVER
  const span = tracer.startSpan(asked, { kind, startTime: instantOf(began) }, parent)
  if (!span.isRecording()) return null
  span.setAttribute('sixfold.model', model)
  return { span, inside: trace.setSpan(parent, span) }
}

const within = <T>(begun: Begun | null, ask: () => Promise<T>): Promise<T> =>
  begun === null ? ask() : context.with(begun.inside, ask)

function endOfPrediction(span: Span, { id, version, degraded, milliseconds }: Prediction, began: number): void {
  if (version !== null) span.setAttribute('sixfold.version', version)
  if (id !== null) span.setAttribute('sixfold.prediction', id)
  span.setAttribute('sixfold.degraded', degraded.length > 0)
  for (const { stage, by, reason } of degraded)
    span.addEvent('degraded', { 'sixfold.stage': stage, 'sixfold.by': by, 'sixfold.reason': reason })
  let at = began
  for (const stage of stagesOfTime) {
    if (stage === 'total') continue
    child(span, stage, at, at + milliseconds[stage])
    at += milliseconds[stage]
  }
  span.end(instantOf(at))
}

/** The call ended just now. */
function endOfTensors(span: Span, { version, queued, computed }: TensorAnswer): void {
  const ended = performance.now()
  span.setAttribute('sixfold.version', version)
  child(span, 'queue', ended - computed - queued, ended - computed)
  child(span, 'inference', ended - computed, ended)
  span.end(instantOf(ended))
}

function child(of: Span, stage: string, from: number, to: number): void {
  if (to > from)
    tracer.startSpan(stage, { startTime: instantOf(from) }, trace.setSpan(context.active(), of)).end(instantOf(to))
}

/** What the caller got wrong is no error of the server's. */
function endOfError(span: Span, error: unknown): void {
  const { status, code, detail } = toProblem(error)
  span.setAttribute('error.type', code)
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: detail })
  span.end()
}

/** Of the caller's trace also where nobody records it: lines in the log are found by it. */
function idOf(begun: Begun | null, carrier: Carrier | undefined): string | null {
  if (begun !== null) return begun.span.spanContext().traceId
  const parent = carrier?.['traceparent']
  return typeof parent === 'string' ? (/^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(parent)?.[1] ?? null) : null
}
