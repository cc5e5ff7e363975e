/**
 * A client typed by the platform's type alone: nothing is generated, and no definition is loaded at run time.
 * `connect<typeof platform>('http://localhost:6006')`
 */

import type { BatchAnswer } from '../batch/index.ts'
import type { Batch } from '../definition/batch.ts'
import type { KeyFields } from '../definition/entity.ts'
import type { FieldValues } from '../definition/field.ts'
import type { Definition, Platform } from '../definition/graph.ts'
import type { KeysOf, Model, OutputValue, RequestOf } from '../definition/model.ts'
import type { Source } from '../definition/source.ts'
import type { AnyView, FeatureValues } from '../definition/view.ts'
import type { Degradation, Priority, StageTimes } from '../inference/index.ts'
import type { ErrorCode, Problem } from '../kernel/errors.ts'
import { catalogue, SixfoldError } from '../kernel/errors.ts'

/** What was decided, and how: enough to ask later "why did it answer that?". */
export interface PredictionRecord {
  readonly id: string | null
  readonly version: string | null
  /** The instant asked about. */
  readonly at: Date
  readonly degraded: readonly Degradation[]
  readonly milliseconds: StageTimes
}

/** `& {}` makes messages show the fields themselves, not the alias and the model behind it. */
export type KeyValues<K extends KeyFields> = FieldValues<K> & {}
export type PredictionOf<M extends Model> = { readonly [K in keyof M['output']]: OutputValue<M['output'][K]> } & {
  readonly record: PredictionRecord
}
export interface ReadOptions {
  /** The instant asked about; by default now. */
  readonly at?: Date
}
export interface AskOptions extends ReadOptions {
  /** By when the answer is wanted, in milliseconds: what cannot be had by then is replaced. By default the model's budget. */
  readonly timeoutMs?: number
  /** Live questions go before those of a shadow, and those before a backfill. By default 'live'. */
  readonly priority?: Priority
  /** The same for the same question asked again: it is answered as it was, and predicted once. */
  readonly idempotencyKey?: string
}
/** The request is asked for only where the model has one. */
export type Asked<M extends Model> = keyof RequestOf<M['inputs']> extends never
  ? [keys: KeyValues<KeysOf<M['inputs']>>, request?: {}, options?: AskOptions]
  : [keys: KeyValues<KeysOf<M['inputs']>>, request: FieldValues<RequestOf<M['inputs']>>, options?: AskOptions]

export interface ModelClient<M extends Model> {
  predict(...asked: Asked<M>): Promise<PredictionOf<M>>
}
/** What a batch said of a key; `outputs` is null where nothing answers. */
export type BatchAnswerOf<B extends Batch> = Omit<BatchAnswer, 'outputs' | 'asOf'> & {
  readonly outputs: { readonly [K in keyof B['model']['output']]: OutputValue<B['model']['output'][K]> } | null
  /** The instant as of which it was predicted. */
  readonly asOf: Date | null
}
export interface BatchClient<B extends Batch> {
  lookup(keys: KeyValues<B['key']>): Promise<BatchAnswerOf<B>>
  /** All by one version, in their order. */
  lookupMany(keys: readonly KeyValues<B['key']>[]): Promise<readonly BatchAnswerOf<B>[]>
}
export interface ViewClient<V extends AnyView> {
  read(keys: KeyValues<V['key']>, options?: ReadOptions): Promise<FeatureValues<V['features']>>
}
export interface SourceClient<S extends Source> {
  push(events: readonly FieldValues<S['fields']>[]): Promise<PushAnswer>
}
export interface PushAnswer {
  readonly accepted: number
  readonly duplicates: number
  readonly covered: number
  readonly refused: { readonly [reason: string]: number }
}
type OutcomeOf<M extends Model> = {
  readonly [K in keyof M['output']]?: M['output'][K] extends 'probability' ? boolean : OutputValue<M['output'][K]>
}

export type Named<P extends Platform, Kind extends Definition> = Extract<P['definitions'][keyof P['definitions']], Kind>
export type Client<P extends Platform> = { readonly [M in Named<P, Model> as M['name']]: ModelClient<M> } & {
  readonly features: { readonly [V in Named<P, AnyView> as V['name']]: ViewClient<V> }
  readonly batches: { readonly [B in Named<P, Batch> as B['name']]: BatchClient<B> }
  readonly events: { readonly [S in Named<P, Source> as S['name']]: SourceClient<S> }
  /** What came of a prediction. */
  readonly outcome: <M extends Named<P, Model>['name']>(
    id: string,
    model: M,
    outcome: OutcomeOf<Extract<Named<P, Model>, { readonly name: M }>>,
  ) => Promise<void>
  /** What came of many predictions at once. */
  readonly outcomes: (
    list: readonly {
      readonly id: string
      readonly outcome: { readonly [output: string]: boolean | number | string }
    }[],
  ) => Promise<OutcomesAnswer>
}
export interface OutcomesAnswer {
  readonly accepted: number
  readonly duplicates: number
  readonly unknown: readonly string[]
  readonly conflicts: readonly string[]
}

export interface ConnectOptions {
  /** Of a server that needs one. */
  readonly key?: string
  /** By default the platform's own. */
  readonly fetch?: typeof fetch
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long an answer may take, in milliseconds. By default 10 seconds. */
  readonly timeoutMs?: number
}

/** Errors of the server arrive as SixfoldError with its code. */
export function connect<P extends Platform>(url: string, options: ConnectOptions = {}): Client<P> {
  const post = async (
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, unknown>> => {
    const response = await (options.fetch ?? fetch)(`${url.replace(/\/$/, '')}/v1/${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
        ...options.headers,
        ...headers,
      },
      body: JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
    })
    const answer = (await response.json().catch(() => null)) as Record<string, unknown> | null
    if (!response.ok) throw errorOf(response.status, answer as Problem | null)
    return answer ?? {}
  }
  const instant = (asked?: ReadOptions): { at?: string } =>
    asked?.at === undefined ? {} : { at: asked.at.toISOString() }
  const members = (make: (name: string) => unknown): object =>
    new Proxy({}, { get: (_, name) => (typeof name === 'string' && name !== 'then' ? make(name) : undefined) })

  const own: Record<string, unknown> = {
    features: members((view) => ({
      read: async (keys: unknown, asked?: ReadOptions) =>
        (await post(`views/${view}/read`, { keys, ...instant(asked) }))['features'],
    })),
    batches: members((batch) => {
      const lookupMany = async (keys: readonly unknown[]): Promise<readonly unknown[]> => {
        const { answers } = await post(`batch/${batch}/lookup`, { keys })
        return (answers as readonly { readonly asOf: string | null }[]).map((answer) => ({
          ...answer,
          asOf: answer.asOf === null ? null : new Date(answer.asOf),
        }))
      }
      return { lookup: async (keys: unknown) => (await lookupMany([keys]))[0], lookupMany }
    }),
    events: members((source) => ({ push: (events: unknown) => post(`events/${source}`, { events }) })),
    outcome: async (id: string, _model: string, outcome: unknown) => {
      await post('outcomes', { id, outcome })
    },
    outcomes: (list: unknown) => post('outcomes', { outcomes: list }),
  }
  const models = (model: string): unknown => ({
    predict: async (keys: unknown, request?: unknown, asked?: AskOptions) => {
      const { prediction, id, version, at, degraded, milliseconds } = await post(
        `models/${model}/predict`,
        { keys, request, ...instant(asked) },
        headersOf(asked),
      )
      return { ...(prediction as object), record: { id, version, at: new Date(at as string), degraded, milliseconds } }
    },
  })
  return members((name) => own[name] ?? models(name)) as Client<P>
}

function headersOf({ timeoutMs, priority, idempotencyKey }: AskOptions = {}): Readonly<Record<string, string>> {
  return {
    ...(timeoutMs === undefined ? {} : { 'x-request-timeout-ms': String(timeoutMs) }),
    ...(priority === undefined ? {} : { 'x-priority': priority }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  }
}

function errorOf(status: number, problem: Problem | null): SixfoldError {
  if (problem === null || !(problem.code in catalogue))
    return new SixfoldError('SX_INTERNAL', `The server answered ${status}, and no problem that this client knows.`)
  return new SixfoldError(problem.code as ErrorCode, problem.detail, {
    fix: problem.fix,
    ...(problem.details === undefined ? {} : { details: problem.details }),
  })
}
