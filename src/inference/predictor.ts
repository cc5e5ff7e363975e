/**
 * One model, answering: keys and request in, features from one read of the online store, the vector, the model, the answer. What
 * fails on the way is replaced and said so; the caller sees an error only for what the caller got wrong.
 */
import { hashOfDefinition } from '../definition/describe.ts'
import type { Model } from '../definition/model.ts'
import { requestOf, viewsOf } from '../definition/model.ts'
import type { Node, Scalar, Value } from '../expression/node.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import type { FeatureReader, RunningViews } from '../features/index.ts'
import { featureReader } from '../features/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { isSixfoldError, SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import { shorten } from '../kernel/shorten.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { LoadedModel } from '../ports/model-runtime.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { Answer, Batcher } from './batcher.ts'
import { batcher } from './batcher.ts'
import type { Fallback } from './fallback.ts'
import { fallbackOf } from './fallback.ts'
import type { Measures } from './measures.ts'
import { measures } from './measures.ts'
import type { Degradation, Prediction, StageTimes } from './prediction.ts'
import type { PredictionSchema, PredictionWriter } from './prediction-log.ts'
import { predictionWriter } from './prediction-log.ts'
import type { FieldsReader } from './question.ts'
import { fieldsReader } from './question.ts'
import type { Priority } from './scheduling/work.ts'
import { signatureOf } from './signature.ts'
import type { TensorAnswer, TensorCall } from './tensor-call.ts'
import { checkedCall } from './tensor-call.ts'
import type { OutputValue } from './tensors.ts'
import { NoValue } from './tensors.ts'

export interface PredictorOptions {
  readonly views: RunningViews
  readonly store: OnlineStore
  readonly log: EventLog
  readonly clock: Clock
  readonly limits: Limits
}

export interface Question {
  readonly keys?: unknown
  readonly request?: unknown
  /** The instant asked about, in milliseconds; by default now. */
  readonly at?: number | undefined
  /** How much time the caller gives, in milliseconds from the arrival; by default the model's budget. */
  readonly timeoutMs?: number | undefined
  /** When the request came in, on the monotonic clock; by default now. */
  readonly arrived?: number | undefined
  readonly priority?: Priority | undefined
}

export interface Predictor {
  readonly model: Model
  /** What its entries in the log mean: to be kept before the first of them is written. */
  readonly schema: PredictionSchema
  /** Throws SX_REQUEST_INVALID, and SX_INSTANT_PAST for an instant that the state has moved past. */
  predict(question: Question): Promise<Prediction>
  /** The version that answers from now on; requests under way are answered by the one before. */
  serve(version: string, loaded: LoadedModel): void
  /** No version answers from now on; the fallback does. */
  rest(): void
  readonly version: string | null
  /** Rows of the file's own inputs. Throws SX_UNKNOWN_VERSION, SX_MODEL_UNREADY, SX_TENSOR_INVALID. */
  infer(version: string | null, call: TensorCall): Promise<TensorAnswer>
  readonly measures: Measures
  readonly waiting: number
  close(): Promise<void>
}

interface Serving {
  readonly version: string
  readonly loaded: LoadedModel
  readonly batcher: Batcher
}

/** What a request has gathered on its way. */
interface Passage {
  readonly row: Value[]
  readonly newest: Float64Array
  readonly moment: number
  readonly began: number
  degraded: Degradation[]
}

const nothingDegraded: Degradation[] = []

export function predictor(model: Model, { views, store, log, clock, limits }: PredictorOptions): Predictor {
  const groups = viewsOf(model.inputs).map(([group, view]) => ({ group, view }))
  const keys = fieldsReader(model.key, 'keys', `model '${model.name}'`)
  const request = fieldsReader(requestOf(model.inputs), 'request', `model '${model.name}'`)
  const features = featureReader(groups, keys.names, views, store)
  const places = placesIn(model, keys, request, features)
  const entries = Object.values(model.vector).map((node) => compile(node, places.locate))
  const outputNames = Object.keys(model.output)
  const fallback = fallbackOf(model, places.locate)
  const schema = schemaOf(model, keys, request, features)
  const writer = predictionWriter(log, schema)
  const measured = measures(clock.monotonic)
  let serving: Serving | null = null
  const retiring = new Set<Promise<void>>()

  const predict = ({ keys: keyInput, request: requestInput, at }: Question): Promise<Prediction> => {
    const began = clock.monotonic()
    const now = clock.now()
    const moment = at ?? now
    // Not the other way round: a date that is none is NaN, and not before anything.
    if (!(moment <= now + limits.futureMs)) return refuse(tooLate(model, moment, now))
    const row: Value[] = new Array<Value>(places.width).fill(null)
    try {
      keys.read(keyInput, row, 0)
      request.read(requestInput, row, places.requestAt)
    } catch (error) {
      return refuse(error)
    }
    row[places.momentAt] = moment
    const passage: Passage = {
      row,
      newest: new Float64Array(groups.length).fill(Number.NaN),
      moment,
      began,
      degraded: nothingDegraded,
    }
    try {
      const reading = features.read(row, moment, row, places.featuresAt, passage.newest)
      // An embedded store has answered: going on at once saves a turn.
      if (reading === undefined) return infer(passage)
      return reading.then(
        () => infer(passage),
        (error: unknown) => withoutFeatures(passage, error, at),
      )
    } catch (error) {
      return withoutFeatures(passage, error, at)
    }
  }

  const refuse = (error: unknown): Promise<never> => {
    measured.refuse(isSixfoldError(error) ? error.code : 'SX_INTERNAL')
    return Promise.reject(error)
  }

  const withoutFeatures = (passage: Passage, error: unknown, at: number | undefined): Promise<Prediction> => {
    if (isSixfoldError(error) && error.code === 'SX_INSTANT_PAST' && at !== undefined) return refuse(error)
    passage.row.fill(null, places.featuresAt, places.momentAt)
    passage.newest.fill(Number.NaN)
    passage.degraded = [{ stage: 'features', by: 'missing', reason: reasonOf(error) }]
    return infer(passage)
  }

  const infer = (passage: Passage): Promise<Prediction> => {
    const read = clock.monotonic()
    if (serving === null) return Promise.resolve(conclude(passage, read, read, null, null, noVersion))
    const { batcher, version } = serving
    const submitted = batcher.submit(passage.row)
    const assembled = clock.monotonic()
    return submitted.then(
      (answer) => conclude(passage, read, assembled, answer, version, null),
      (error: unknown) => conclude(passage, read, assembled, null, version, failureOf(error)),
    )
  }

  const conclude = (
    passage: Passage,
    read: number,
    assembled: number,
    answer: Answer | null,
    version: string | null,
    failure: Degradation | null,
  ): Prediction => {
    const inferred = clock.monotonic()
    const { row, moment, began } = passage
    let { degraded } = passage
    if (failure !== null) degraded = [...degraded, failure]
    const values = answered(answer, row, fallback, outputNames.length)
    if (answer !== null && values !== answer.outputs)
      degraded = [...degraded, { stage: 'post', by: 'rule', reason: 'the model gave no usable number' }]
    const outputs: { [output: string]: OutputValue } = {}
    for (let i = 0; i < outputNames.length; i++) outputs[outputNames[i]!] = values[i]!
    const ended = clock.monotonic()
    const milliseconds: StageTimes = {
      gateway: 0,
      features: read - began,
      assembly: assembled - read,
      queue: 0,
      inference: inferred - assembled,
      post: ended - inferred,
      total: ended - began,
    }
    const id = logged(writer, passage, version, values, degraded, milliseconds)
    if (id === null) degraded = [...degraded, { stage: 'log', by: 'unlogged', reason: 'the log cannot keep up' }]
    measured.add(milliseconds, answer === null ? 0 : answer.rows, degraded)
    return { id, model: model.name, version, at: moment, outputs, degraded, milliseconds }
  }

  const retire = async (old: Serving): Promise<void> => {
    await old.batcher.idle()
    await old.loaded.close()
  }

  const replace = (next: Serving | null): void => {
    const old = serving
    serving = next
    if (old === null) return
    const gone = retire(old).finally(() => retiring.delete(gone))
    retiring.add(gone)
  }

  return {
    model,
    schema,
    predict,
    serve: (version, loaded) => {
      const signature = signatureOf(model, loaded)
      const next: Serving = {
        version,
        loaded,
        batcher: batcher(loaded, signature, entries, { ...limits, monotonic: clock.monotonic }),
      }
      replace(next)
    },
    rest: () => replace(null),
    get version() {
      return serving?.version ?? null
    },
    infer: async (version, call) => {
      if (version !== null && version !== serving?.version)
        throw new SixfoldError('SX_UNKNOWN_VERSION', `Version ${shorten(version)} of '${model.name}' is not loaded.`)
      if (serving === null) throw new SixfoldError('SX_MODEL_UNREADY', `No version of '${model.name}' is loaded.`)
      const { loaded } = serving
      const { outputs } = checkedCall(model.name, loaded, limits.requestRows, call)
      const began = clock.monotonic()
      const answer = await loaded.run(call.inputs, outputs)
      return { version: serving.version, outputs: answer, queued: 0, computed: clock.monotonic() - began }
    },
    measures: measured,
    get waiting() {
      return serving?.batcher.waiting ?? 0
    },
    close: async () => {
      if (serving !== null) await retire(serving)
      serving = null
      await Promise.all(retiring)
    },
  }
}

/** The model's outputs, or the fallback's where the model gave none that can be used. */
function answered(
  answer: Answer | null,
  row: readonly Value[],
  fallback: Fallback,
  count: number,
): readonly OutputValue[] {
  if (answer !== null && !answer.outputs.includes(null)) return answer.outputs as readonly OutputValue[]
  return Array.from({ length: count }, (_, i) => answer?.outputs[i] ?? fallback(row, i))
}

function logged(
  writer: PredictionWriter,
  { row, newest, moment }: Passage,
  version: string | null,
  values: readonly OutputValue[],
  degraded: readonly Degradation[],
  milliseconds: StageTimes,
): string | null {
  try {
    return writer.write(row, newest, moment, version, values, degraded, milliseconds)
  } catch {
    return null
  }
}

const noVersion: Degradation = { stage: 'inference', by: 'rule', reason: 'no version' }
const failureOf = (error: unknown): Degradation =>
  error instanceof NoValue
    ? { stage: 'assembly', by: 'rule', reason: 'an entry of the vector has no value' }
    : { stage: 'inference', by: 'rule', reason: reasonOf(error) }
const reasonOf = (error: unknown): string => (isSixfoldError(error) ? error.code : 'failed')

const tooLate = (model: Model, moment: number, now: number): SixfoldError =>
  new SixfoldError(
    'SX_REQUEST_INVALID',
    `model '${model.name}': 'at' is ${Number.isNaN(moment) ? 'no date' : `${formatInstant(moment)}, after now, ${formatInstant(now)}`}.`,
    { fix: "Leave 'at' out to ask about now.", details: { part: 'at' } },
  )

interface Places {
  readonly width: number
  readonly requestAt: number
  readonly featuresAt: number
  readonly momentAt: number
  locate(leaf: Node): number
}

/** A row of values: keys, request, the features of all groups, and the moment. */
function placesIn(model: Model, keys: FieldsReader, request: FieldsReader, features: FeatureReader): Places {
  const requestAt = keys.names.length
  const featuresAt = requestAt + request.names.length
  const momentAt = featuresAt + features.width
  return {
    width: momentAt + 1,
    requestAt,
    featuresAt,
    momentAt,
    locate: (leaf) => {
      if (leaf.kind === 'moment') return momentAt
      if (leaf.kind !== 'input') throw new SixfoldError('SX_INTERNAL', `Model '${model.name}' reads a ${leaf.kind}.`)
      if (leaf.group === 'keys') return keys.names.indexOf(leaf.name)
      if (leaf.group === 'request') return requestAt + request.names.indexOf(leaf.name)
      const group = features.groups.find(({ group }) => group === leaf.group)!
      return featuresAt + group.at + group.features.findIndex(({ name }) => name === leaf.name)
    },
  }
}

function schemaOf(model: Model, keys: FieldsReader, request: FieldsReader, features: FeatureReader): PredictionSchema {
  const fields = ({ shapes }: FieldsReader): { readonly name: string; readonly type: Scalar }[] =>
    shapes.map(({ name, type }) => ({ name, type }))
  return {
    model: model.name,
    definition: hashOfDefinition(model),
    keys: fields(keys),
    request: fields(request),
    groups: features.groups.map(({ group, view, features }) => ({ group, view: view.name, features })),
    outputs: Object.keys(model.output),
  }
}
