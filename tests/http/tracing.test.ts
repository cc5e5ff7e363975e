/** Spans as a user's own OpenTelemetry SDK gets them, and lines in the log. */
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Services } from '../../src/api/index.ts'
import { stagesOfTime } from '../../src/inference/index.ts'
import { SixfoldError } from '../../src/kernel/errors.ts'
import { serviceOf } from '../../src/server/grpc/definition.ts'
import { inference } from '../../src/server/grpc/protocol.ts'
import { traced } from '../../src/server/tracing.ts'
import { linear } from '../models/graphs.ts'
import type { Service } from './service.ts'
import { question, service } from './service.ts'

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const traceId = '0af7651916cd43dd8448eb211c80319c'
const exporter = new InMemorySpanExporter()
const lines: { readonly [field: string]: unknown }[] = []
const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) })
let server: Service
let version: string

beforeAll(async () => {
  server = await service({ logger })
  version = await server.add('late', linear([0.1], 0))
})
afterAll(async () => {
  await server.close()
  trace.disable()
  propagation.disable()
  context.disable()
})

const msOf = ([seconds, nanos]: readonly [number, number]): number => seconds * 1000 + nanos / 1e6
const about = (message: string) => lines.filter(({ msg }) => msg === message)
const vector = {
  inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [3.5] }],
}

test('without an SDK there is no span, and the line in the log has the trace of the caller', async () => {
  const { headers, json } = await server.post('/v1/models/late/predict', question, { traceparent: parent })
  expect(
    headers
      .get('server-timing')!
      .split(', ')
      .map((part) => part.split(';')[0]),
  ).toEqual([...stagesOfTime])
  const [line] = about('A prediction.')
  expect(line).toMatchObject({ level: 20, traceId, prediction: json.id, model: 'late', version, degraded: [] })
  expect(Object.keys(line!['milliseconds'] as object)).toEqual([...stagesOfTime])
  await server.post('/v1/models/late/predict', question, { traceparent: 'nonsense' })
  expect(about('A prediction.').at(-1)!['traceId']).toBeNull()
  expect(exporter.getFinishedSpans()).toEqual([])
})

test('what is degraded is said at warn, the first time and then once in a while, however often it happens', async () => {
  for (let i = 0; i < 20; i++) await server.post('/v1/models/eta/predict', question)
  expect(about('A prediction was degraded.')).toEqual([
    expect.objectContaining({
      level: 40,
      model: 'eta',
      stage: 'inference',
      by: 'rule',
      reason: 'no version',
      alike: 0,
    }),
  ])
})

test('with an SDK: a span of the request within the trace of the caller, and one of each stage, end to end', async () => {
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  // As an SDK does when the process starts; here the server was there before it, which must do no harm.
  trace.setGlobalTracerProvider(provider)
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())

  const before = Date.now()
  const { json } = await server.post('/v1/models/late/predict', question, { traceparent: parent })
  const spans = exporter.getFinishedSpans()
  const root = spans.find(({ name }) => name === 'predict')!
  expect(root.kind).toBe(SpanKind.SERVER)
  expect(root.spanContext().traceId).toBe(traceId)
  expect(root.parentSpanContext?.spanId).toBe('b7ad6b7169203331')
  expect(root.status.code).toBe(SpanStatusCode.UNSET)
  expect(root.attributes).toEqual({
    'sixfold.model': 'late',
    'sixfold.version': version,
    'sixfold.prediction': json.id,
    'sixfold.degraded': false,
  })
  const stages = spans.filter((span) => span !== root)
  expect(stages.map(({ name }) => name)).toEqual(
    stagesOfTime.filter((stage) => stage !== 'total' && json.milliseconds[stage] > 0),
  )
  let at = msOf(root.startTime)
  expect(Math.abs(at - before)).toBeLessThan(1_000)
  for (const span of stages) {
    expect(span.parentSpanContext?.spanId).toBe(root.spanContext().spanId)
    expect(msOf(span.startTime)).toBeCloseTo(at, 1)
    expect(msOf(span.duration)).toBeCloseTo(json.milliseconds[span.name], 1)
    at = msOf(span.endTime)
  }
  expect(msOf(root.endTime)).toBeCloseTo(at, 1)
  expect(msOf(root.duration)).toBeCloseTo(json.milliseconds.total, 1)
  expect(about('A prediction.').at(-1)!['traceId']).toBe(traceId)
})

test('what was replaced is an event of the span, and what the caller got wrong no error of the server', async () => {
  exporter.reset()
  await server.post('/v1/models/eta/predict', question)
  const [degraded] = rootsOf(exporter)
  expect(degraded!.attributes['sixfold.degraded']).toBe(true)
  expect(degraded!.events.map(({ name, attributes }) => ({ name, ...attributes }))).toEqual([
    { name: 'degraded', 'sixfold.stage': 'inference', 'sixfold.by': 'rule', 'sixfold.reason': 'no version' },
  ])
  exporter.reset()
  await server.post('/v1/models/eta/predict', { keys: {} })
  const [refused] = rootsOf(exporter)
  expect(refused!.attributes['error.type']).toBe('SX_REQUEST_INVALID')
  expect(refused!.status.code).toBe(SpanStatusCode.UNSET)
  expect(refused!.ended).toBe(true)
})

test('tensors have a span with the wait and the call', async () => {
  exporter.reset()
  const { status } = await server.post('/v2/models/late/infer', vector, { traceparent: parent })
  expect(status).toBe(200)
  const [root] = rootsOf(exporter)
  expect(root!.name).toBe('infer')
  expect(root!.spanContext().traceId).toBe(traceId)
  expect(root!.attributes).toEqual({ 'sixfold.model': 'late', 'sixfold.version': version })
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toContain('inference')
})

test('a call over gRPC is in the trace of its caller as well', async () => {
  exporter.reset()
  const { grpc, close } = await server.app.listen({ port: 0, grpcPort: 0 })
  const client = new Client(grpc!, credentials.createInsecure())
  const { path, requestSerialize, responseDeserialize } = serviceOf(inference, 'inference.GRPCInferenceService')[
    'ModelInfer'
  ]!
  const metadata = new Metadata()
  metadata.set('traceparent', parent)
  const asked = {
    model_name: 'late',
    inputs: [{ ...vector.inputs[0], contents: { fp32_contents: [3.5] } }],
  }
  const answer = await new Promise<{ readonly model_version: string }>((resolve, reject) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, asked, metadata, (error, value) =>
      error === null ? resolve(value as { readonly model_version: string }) : reject(error),
    ),
  )
  expect(answer.model_version).toBe(version)
  client.close()
  await close()
  const [root] = rootsOf(exporter)
  expect(root!.spanContext().traceId).toBe(traceId)
  expect(root!.kind).toBe(SpanKind.SERVER)
})

test('what finds no room is an error of the server, and said at warn with how many there were', async () => {
  exporter.reset()
  const full = async (): Promise<never> => {
    throw new SixfoldError('SX_OVERLOADED', 'No room.')
  }
  const services = traced({ ...server.app, inference: { infer: full } } as unknown as Services, logger)
  for (let i = 0; i < 3; i++)
    await expect(services.inference.infer('late', null, { inputs: {}, outputs: null })).rejects.toThrow('No room.')
  const roots = rootsOf(exporter)
  expect(roots.map(({ status, attributes }) => [status.code, attributes['error.type']])).toEqual(
    new Array(3).fill([SpanStatusCode.ERROR, 'SX_OVERLOADED']),
  )
  expect(roots[0]!.kind).toBe(SpanKind.INTERNAL)
  expect(about('A request was not answered.')).toEqual([
    expect.objectContaining({ level: 40, asked: 'infer', model: 'late', code: 'SX_OVERLOADED', alike: 0 }),
  ])
})

const rootsOf = (from: InMemorySpanExporter): readonly ReadableSpan[] =>
  from.getFinishedSpans().filter(({ name }) => name === 'predict' || name === 'infer')
