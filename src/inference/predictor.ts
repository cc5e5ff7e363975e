/**
 * One model, answering: keys and request in, features from one read of the online store, the vector, the model, the answer, each by its
 * deadline. What fails on the way, or is late, is replaced and said so; the caller sees an error only for what the caller got wrong.
 */
import type { Model } from '../definition/model.ts'
import { requestOf, viewsOf } from '../definition/model.ts'
import type { Value } from '../expression/node.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import type { RunningViews } from '../features/index.ts'
import { featureReader } from '../features/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { durationMs } from '../kernel/duration.ts'
import { isSixfoldError, SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { Limits } from '../kernel/limits.ts'
import { shorten } from '../kernel/shorten.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { ModelRuntime } from '../ports/model-runtime.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import { deadlinesOf, lateness } from './deadline.ts'
import type { Compute, Endpoint } from './endpoint.ts'
import { endpoint } from './endpoint.ts'
import { fallbackOf } from './fallback.ts'
import { kept } from './kept.ts'
import type { Measures } from './measures.ts'
import { measures } from './measures.ts'
import { postProcessOf } from './post.ts'
import type { Carrier, Degradation, Prediction, StageTimes } from './prediction.ts'
import type { PredictionSchema, PredictionWriter } from './prediction-log.ts'
import { predictionWriter } from './prediction-log.ts'
import { fieldsReader } from './question.ts'
import { placesIn, schemaOf } from './row.ts'
import type { Priority, RowAnswer } from './scheduling/work.ts'
import type { ServedModel, TensorAnswer, TensorCall } from './tensor-call.ts'
import { checkedCall } from './tensor-call.ts'
import type { OutputValue } from './tensors.ts'
import { NoValue } from './tensors.ts'

export interface PredictorOptions {
  readonly views: RunningViews
  readonly store: OnlineStore
  readonly log: EventLog
  readonly clock: Clock
  readonly limits: Limits
  readonly runtime: ModelRuntime
  readonly compute: Compute
  /** Null: no batch stands in for the model. */
  readonly standIn: StandIn | null
}

/** A batch that stands in for a model which does not answer. */
export interface StandIn {
  /** The parts of its key: of the model's keys, or of its request. */
  readonly key: readonly string[]
  /** What it said of a key, and the version of the model that said it; null where it said nothing, or too long ago. */
  ask(key: { readonly [part: string]: Value }): Promise<StoodIn | null>
}
export interface StoodIn {
  readonly outputs: { readonly [output: string]: OutputValue }
  readonly version: string
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
  /** The trace that it belongs to. */
  readonly carrier?: Carrier | undefined
}

export interface Predictor {
  readonly model: Model
  /** What its entries in the log mean: to be kept before the first of them is written. */
  readonly schema: PredictionSchema
  /** Throws SX_REQUEST_INVALID, and SX_INSTANT_PAST for an instant that the state has moved past. */
  predict(question: Question): Promise<Prediction>
  /** Rows of the file's own inputs, by the version that answers or one that is loaded beside it. Throws SX_UNKNOWN_VERSION, SX_MODEL_UNREADY, SX_TENSOR_INVALID, and what a scheduler rejects with. */
  infer(version: string | null, call: TensorCall): Promise<TensorAnswer>
  /** Predicts nothing: throws SX_REQUEST_INVALID as `predict` rejects with it. */
  check(question: Question): void
  /** Loads a version and warms it. Nothing asks it before `serve` or `beside`. Throws as `ModelRuntime.load` does, and SX_SIGNATURE_MISMATCH. */
  prepare(version: string, path: string): Promise<Endpoint>
  /**
   * How versions are computed from now on. The number of workers changes at once; for anything else the version that answers is to be
   * prepared anew: `stale` says so until one is served.
   */
  reconfigure(next: Compute): void
  readonly stale: boolean
  /** The version that answers from now on; requests under way are answered by the one before. */
  serve(next: Endpoint): void
  /** Versions that answer those who name them, beside the one that answers; what is no longer among them ends. */
  beside(versions: readonly Endpoint[]): void
  /** No version answers from now on; the fallback does. */
  rest(): void
  readonly version: string | null
  readonly serving: Endpoint | null
  served(): ServedModel
  readonly measures: Measures
  readonly waiting: number
  close(): Promise<void>
}

/** What a request has gathered on its way. */
interface Passage {
  row: Value[]
  newest: Float64Array
  readonly moment: number
  readonly arrived: number
  readonly began: number
  /** By when the answer must leave. */
  readonly leave: number
  readonly priority: Priority
  /** When the features were had, and when the row was handed over. */
  read: number
  assembled: number
  degraded: Degradation[]
}

/** The features that an entity last had. */
interface LastKnown {
  readonly values: readonly Value[]
  readonly newest: Float64Array
  readonly at: number
}

/** An answer that was given, and until when it is good. */
interface GivenAnswer {
  readonly version: string
  readonly outputs: readonly OutputValue[]
  readonly at: number
}

const nothingDegraded: Degradation[] = []

export function predictor(
  model: Model,
  { views, store, log, clock, limits, runtime, compute: atFirst, standIn }: PredictorOptions,
): Predictor {
  const groups = viewsOf(model.inputs).map(([group, view]) => ({ group, view }))
  const keys = fieldsReader(model.key, 'keys', `model '${model.name}'`)
  const request = fieldsReader(requestOf(model.inputs), 'request', `model '${model.name}'`)
  const features = featureReader(groups, keys.names, views, store)
  const places = placesIn(model, keys, request, features)
  const { featuresAt, momentAt } = places
  const entries = Object.values(model.vector).map((node) => compile(node, places.locate))
  const outputNames = Object.keys(model.output)
  const standInKey = (standIn?.key ?? []).map((part): readonly [part: string, place: number] => {
    const place = keys.names.indexOf(part)
    return [part, place >= 0 ? place : places.requestAt + request.names.indexOf(part)]
  })
  const post = postProcessOf(model)
  const fallback = fallbackOf(model, places.locate)
  const schema = schemaOf(model, keys, request, features)
  const writer = predictionWriter(log, schema)
  const measured = measures(clock.monotonic)
  const deadlines = deadlinesOf(model.budget)
  const late = lateness(clock.monotonic)
  const lastKnownMs = msOf(model.degrade.lastKnown)
  const cachedMs = msOf(model.degrade.cached)
  const reuseMs = msOf(model.reuse)
  const lastKnown = kept<LastKnown>(limits.keptAnswers, 0, places.requestAt)
  /** By the question, for when the model does not answer; and by the vector, to be given again. */
  const givenTo = kept<GivenAnswer>(limits.keptAnswers, 0, featuresAt)
  const reusable = kept<GivenAnswer>(limits.keptAnswers, 0, entries.length + 1)
  let compute = atFirst
  let serving: Endpoint | null = null
  let besides: readonly Endpoint[] = []
  const retiring = new Set<Promise<void>>()

  /** Keys, request and moment; of the features there is room. Throws SX_REQUEST_INVALID. */
  const rowOf = ({ keys: keyInput, request: requestInput, at }: Question): Value[] => {
    const now = clock.now()
    const moment = at ?? now
    // Not the other way round: a date that is none is NaN, and not before anything.
    if (!(moment <= now + limits.futureMs)) throw tooLate(model, moment, now)
    const row: Value[] = new Array<Value>(places.width).fill(null)
    keys.read(keyInput, row, 0)
    request.read(requestInput, row, places.requestAt)
    row[momentAt] = moment
    return row
  }

  const predict = (question: Question): Promise<Prediction> => {
    const { at } = question
    const began = clock.monotonic()
    let row: Value[]
    try {
      row = rowOf(question)
    } catch (error) {
      return refuse(error)
    }
    const moment = row[momentAt] as number
    const arrived = question.arrived ?? began
    const passage: Passage = {
      row,
      newest: new Float64Array(groups.length).fill(Number.NaN),
      moment,
      arrived,
      began,
      leave: deadlines.leave(arrived, Math.min(question.timeoutMs ?? model.budget.total, limits.timeoutMs)),
      priority: question.priority ?? 'live',
      read: began,
      assembled: began,
      degraded: nothingDegraded,
    }
    try {
      const reading = features.read(row, moment, row, featuresAt, passage.newest)
      // An embedded store has answered: going on at once saves a turn.
      if (reading === undefined) return infer(passage)
      return awaitFeatures(passage, reading, at)
    } catch (error) {
      return withoutFeatures(passage, error, at)
    }
  }

  const refuse = (error: unknown): Promise<never> => {
    measured.refuse(isSixfoldError(error) ? error.code : 'SX_INTERNAL')
    return Promise.reject(error)
  }

  /** Of a store that is a round trip away: until the share of the features is over. */
  const awaitFeatures = (passage: Passage, reading: Promise<void>, at: number | undefined): Promise<Prediction> =>
    new Promise((resolve, reject) => {
      const { row, newest } = passage
      let over = false
      const watched = late.watch(deadlines.features(passage.began, passage.leave), () => {
        over = true
        // What comes now is written to the row that was asked with: this request goes on with another.
        passage.row = row.slice()
        passage.newest = newest.slice()
        withoutFeatures(passage, lateFeatures, undefined).then(resolve, reject)
      })
      reading.then(
        () => {
          watched.done()
          if (lastKnownMs !== null)
            lastKnown.set(row, {
              values: row.slice(featuresAt, momentAt),
              newest,
              at: clock.monotonic(),
            })
          if (!over) infer(passage).then(resolve, reject)
        },
        (error: unknown) => {
          watched.done()
          if (!over) withoutFeatures(passage, error, at).then(resolve, reject)
        },
      )
    })

  const withoutFeatures = (passage: Passage, error: unknown, at: number | undefined): Promise<Prediction> => {
    if (isSixfoldError(error) && error.code === 'SX_INSTANT_PAST' && at !== undefined) return refuse(error)
    const { row, newest } = passage
    const known = lastKnownMs === null ? undefined : lastKnown.get(row)
    if (known !== undefined && clock.monotonic() - known.at <= lastKnownMs!) {
      for (let i = 0; i < known.values.length; i++) row[featuresAt + i] = known.values[i]!
      newest.set(known.newest)
      passage.degraded = [{ stage: 'features', by: 'last known', reason: reasonOf(error) }]
    } else {
      row.fill(null, featuresAt, momentAt)
      newest.fill(Number.NaN)
      passage.degraded = [{ stage: 'features', by: 'missing', reason: reasonOf(error) }]
    }
    return infer(passage)
  }

  const infer = (passage: Passage): Promise<Prediction> => {
    const read = clock.monotonic()
    passage.read = read
    passage.assembled = read
    if (serving === null) return Promise.resolve(withoutModel(passage, null, noVersion))
    const used = serving
    const due = deadlines.inference(read, passage.leave)
    if (reuseMs !== null) return reuse(passage, used, due)
    return ask(passage, used, due, null)
  }

  /** Asks the model, and waits no longer than until it is due. */
  const ask = (passage: Passage, used: Endpoint, due: number, vector: readonly Value[] | null): Promise<Prediction> => {
    const submitted = used.scheduler.row(passage.row, {
      deadline: due,
      priority: passage.priority,
      arrived: passage.arrived,
    })
    passage.assembled = clock.monotonic()
    const answered = (answer: RowAnswer): Prediction => {
      used.lastAnswer = passage.moment
      return conclude(passage, used.version, answer, vector)
    }
    // What computes on this thread has answered before a timer could say that it is late.
    if (used.place === 'inline')
      return submitted.then(answered, (error: unknown) => withoutModel(passage, used.version, failureOf(error)))
    return new Promise((resolve, reject) => {
      let over = false
      const watched = late.watch(deadlines.patience(passage.read, passage.leave), () => {
        over = true
        settle(resolve, reject, () => withoutModel(passage, used.version, lateModel))
      })
      submitted.then(
        (answer) => {
          watched.done()
          if (!over) settle(resolve, reject, () => answered(answer))
        },
        (error: unknown) => {
          watched.done()
          if (!over) settle(resolve, reject, () => withoutModel(passage, used.version, failureOf(error)))
        },
      )
    })
  }

  /** What the version answered to the same vector not long ago; or asks it. */
  const reuse = (passage: Passage, used: Endpoint, due: number): Promise<Prediction> => {
    const { row } = passage
    const vector: readonly Value[] = [...entries.map((entry) => entry(row)), used.version]
    const given = reusable.get(vector)
    if (given === undefined || clock.monotonic() - given.at > reuseMs!) return ask(passage, used, due, vector)
    passage.assembled = clock.monotonic()
    return Promise.resolve(finish(passage, used.version, given.outputs, nothingQueued))
  }

  const conclude = (
    passage: Passage,
    version: string,
    answer: RowAnswer,
    vector: readonly Value[] | null,
  ): Prediction => {
    const { row } = passage
    const answered = post === null ? answer.outputs : post(answer.outputs, (position) => entries[position]!(row))
    if (answered.includes(null)) {
      passage.degraded = [...passage.degraded, unusable(fallback.constant)]
      const values = outputNames.map((_, i) => answered[i] ?? fallback.answer(row, i))
      return finish(passage, version, values, answer)
    }
    const outputs = answered as readonly OutputValue[]
    if (passage.degraded.length === 0) {
      const given = { version, outputs, at: clock.monotonic() }
      if (cachedMs !== null) givenTo.set(row, given)
      if (vector !== null) reusable.set(vector, given)
    }
    return finish(passage, version, outputs, answer)
  }

  /** The model gave no answer: what was answered to the same question before, what a batch said, or the fallback. */
  const withoutModel = (
    passage: Passage,
    version: string | null,
    failure: Failure,
  ): Prediction | Promise<Prediction> => {
    const given = cachedMs === null ? undefined : givenTo.get(passage.row)
    if (given !== undefined && clock.monotonic() - given.at <= cachedMs!)
      return instead(passage, failure, 'cache', given)
    if (standIn === null) return byFallback(passage, version, failure)
    // What is left of the time is what the answer's way out does not take.
    return new Promise((resolve, reject) => {
      let over = false
      const conclude = (said: StoodIn | null): void => {
        if (over) return
        over = true
        watched.done()
        settle(resolve, reject, () =>
          said === null
            ? byFallback(passage, version, failure)
            : instead(passage, failure, 'batch', {
                version: said.version,
                outputs: outputNames.map((name) => said.outputs[name]!),
              }),
        )
      }
      const watched = late.watch(passage.leave, () => conclude(null))
      const asked = Object.fromEntries(standInKey.map(([part, place]) => [part, passage.row[place] ?? null]))
      standIn.ask(asked).then(conclude, () => conclude(null))
    })
  }

  const instead = (
    passage: Passage,
    { stage, reason }: Failure,
    by: 'cache' | 'batch',
    { version, outputs }: Omit<GivenAnswer, 'at'>,
  ): Prediction => {
    passage.degraded = [...passage.degraded, { stage, by, reason }]
    return finish(passage, version, outputs, nothingQueued)
  }

  const byFallback = (passage: Passage, version: string | null, failure: Failure): Prediction => {
    const { row } = passage
    passage.degraded = [
      ...passage.degraded,
      { stage: failure.stage, by: fallback.constant ? 'default' : 'rule', reason: failure.reason },
    ]
    const values = outputNames.map((_, i) => fallback.answer(row, i))
    return finish(passage, version, values, nothingQueued)
  }

  const finish = (
    passage: Passage,
    version: string | null,
    values: readonly OutputValue[],
    { queued, rows }: { readonly queued: number; readonly rows: number },
  ): Prediction => {
    const inferred = clock.monotonic()
    const { moment, arrived, began, read, assembled } = passage
    const outputs: { [output: string]: OutputValue } = {}
    for (let i = 0; i < outputNames.length; i++) outputs[outputNames[i]!] = values[i]!
    const ended = clock.monotonic()
    const waited = Math.min(queued, inferred - assembled)
    const milliseconds: StageTimes = {
      gateway: began - arrived,
      features: read - began,
      assembly: assembled - read,
      queue: waited,
      inference: inferred - assembled - waited,
      post: ended - inferred,
      total: ended - arrived,
    }
    let { degraded } = passage
    const id = logged(writer, passage, version, values, degraded, milliseconds)
    if (id === null) degraded = [...degraded, { stage: 'log', by: 'unlogged', reason: 'the log cannot keep up' }]
    measured.add(milliseconds, { version, rows, degraded, id, at: moment })
    return { id, model: model.name, version, at: moment, outputs, degraded, milliseconds }
  }

  const retire = (old: Endpoint): void => {
    const gone = old.close().finally(() => retiring.delete(gone))
    retiring.add(gone)
  }

  const replace = (next: Endpoint | null): void => {
    const old = serving
    serving = next
    if (old !== null && old !== next && !besides.includes(old)) retire(old)
  }

  const loaded = (): readonly Endpoint[] =>
    serving === null || besides.includes(serving) ? besides : [...besides, serving]

  return {
    model,
    schema,
    predict,
    check: (question) => {
      try {
        rowOf(question)
      } catch (error) {
        measured.refuse(isSixfoldError(error) ? error.code : 'SX_INTERNAL')
        throw error
      }
    },
    infer: async (version, call) => {
      const used = version === null ? serving : loaded().find((one) => one.version === version)
      if (used === undefined)
        throw new SixfoldError('SX_UNKNOWN_VERSION', `Version ${shorten(version!)} of '${model.name}' is not loaded.`)
      if (used === null) throw new SixfoldError('SX_MODEL_UNREADY', `No version of '${model.name}' answers here.`)
      const { rows, outputs } = checkedCall(model.name, used.file, used.signature.rows ?? limits.requestRows, call)
      const now = clock.monotonic()
      const timeoutMs = Math.min(call.timeoutMs ?? model.budget.total, limits.timeoutMs)
      const arrived = call.arrived ?? now
      const deadline = arrived + timeoutMs
      const answer = await used.scheduler.tensors(call.inputs, outputs, rows, {
        deadline,
        arrived,
        priority: call.priority ?? 'live',
      })
      used.lastAnswer = clock.now()
      return { version: used.version, outputs: answer.outputs, queued: answer.queued, computed: answer.computed }
    },
    prepare: (version, path) => endpoint({ model, version, path, runtime, entries, compute, limits, clock }),
    reconfigure: (next) => {
      compute = next
      for (const one of loaded())
        if (one.place !== 'inline' && one.place !== 'remote') one.scheduler.resize(next.workers)
    },
    get stale() {
      return serving !== null && !isAlike(serving.compute, compute)
    },
    serve: replace,
    beside: (versions) => {
      const before = besides
      besides = versions
      for (const old of before) if (!versions.includes(old) && old !== serving) retire(old)
    },
    rest: () => replace(null),
    get version() {
      return serving?.version ?? null
    },
    get serving() {
      return serving
    },
    served: () => ({
      model: model.name,
      answering: serving?.version ?? null,
      versions: loaded().map((one) => one.describe()),
    }),
    measures: measured,
    get waiting() {
      if (serving === null) return 0
      const { queuedRows, runningRows } = serving.scheduler.snapshot()
      return queuedRows + runningRows
    },
    close: async () => {
      for (const one of loaded()) retire(one)
      serving = null
      besides = []
      await Promise.all(retiring)
    },
  }
}

/** But for the number of workers. */
const isAlike = ({ workers: _, ...a }: Compute, { workers: __, ...b }: Compute): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

const msOf = (duration: string | null): number | null => (duration === null ? null : durationMs(duration))
const nothingQueued = { queued: 0, rows: 0 }

function settle<T>(
  resolve: (value: T | Promise<T>) => void,
  reject: (error: unknown) => void,
  make: () => T | Promise<T>,
): void {
  try {
    resolve(make())
  } catch (error) {
    reject(error)
  }
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

/** What kept the model from answering. */
type Failure = Omit<Degradation, 'by'>

const noVersion: Failure = { stage: 'inference', reason: 'no version' }
const lateModel: Failure = { stage: 'inference', reason: 'SX_DEADLINE_EXCEEDED' }
const lateFeatures = new SixfoldError('SX_DEADLINE_EXCEEDED', 'The features were not there in time.')
const unusable = (constant: boolean): Degradation => ({
  stage: 'post',
  by: constant ? 'default' : 'rule',
  reason: 'the model gave no usable number',
})
const failureOf = (error: unknown): Failure =>
  error instanceof NoValue
    ? { stage: 'assembly', reason: 'an entry of the vector has no value' }
    : { stage: 'inference', reason: reasonOf(error) }
const reasonOf = (error: unknown): string => (isSixfoldError(error) ? error.code : 'failed')

const tooLate = (model: Model, moment: number, now: number): SixfoldError =>
  new SixfoldError(
    'SX_REQUEST_INVALID',
    `model '${model.name}': 'at' is ${Number.isNaN(moment) ? 'no date' : `${formatInstant(moment)}, after now, ${formatInstant(now)}`}.`,
    { fix: "Leave 'at' out to ask about now.", details: { part: 'at' } },
  )
