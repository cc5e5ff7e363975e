/**
 * A platform inside a user's own Node process: `await sixfold(platform).predict('late', { carrier: 'UA' })`. Opens its data folder
 * with the first call, and is typed by the platform like the client over HTTP.
 */

import { isAbsolute, join } from 'node:path'
import type { ExplainWanted, Explanation, Status } from '../api/index.ts'
import { askerOf } from '../cli/asker.ts'
import type {
  Asked,
  AskOptions,
  BatchAnswerOf,
  KeyValues,
  Named,
  PredictionOf,
  PushAnswer,
  ReadOptions,
} from '../client/connect.ts'
import type { Batch } from '../definition/batch.ts'
import type { FieldValues } from '../definition/field.ts'
import type { Platform } from '../definition/graph.ts'
import { modelNamed } from '../definition/graph.ts'
import type { Model } from '../definition/model.ts'
import { requestOf } from '../definition/model.ts'
import type { Source } from '../definition/source.ts'
import type { AnyView, FeatureValues } from '../definition/view.ts'
import type { OutcomeResult } from '../monitoring/index.ts'
import { refused } from '../registry/index.ts'
import type { Listening, ListenOptions } from './listen.ts'
import { listen } from './listen.ts'
import type { Opened, OpenOptions } from './open.ts'
import { open } from './open.ts'

type ModelOf<P extends Platform, N> = Extract<Named<P, Model>, { readonly name: N }>
type ViewOf<P extends Platform, N> = Extract<Named<P, AnyView>, { readonly name: N }>
type BatchOf<P extends Platform, N> = Extract<Named<P, Batch>, { readonly name: N }>
type SourceOf<P extends Platform, N> = Extract<Named<P, Source>, { readonly name: N }>

export interface Sixfold<P extends Platform> {
  predict<const N extends Named<P, Model>['name']>(
    model: N,
    ...asked: Asked<ModelOf<P, N>>
  ): Promise<PredictionOf<ModelOf<P, N>>>
  features<const N extends Named<P, AnyView>['name']>(
    view: N,
    keys: KeyValues<ViewOf<P, N>['key']>,
    options?: ReadOptions,
  ): Promise<FeatureValues<ViewOf<P, N>['features']>>
  /** What a batch predicted for these keys, all by the version that is live. */
  lookup<const N extends Named<P, Batch>['name']>(
    batch: N,
    keys: readonly KeyValues<BatchOf<P, N>['key']>[],
  ): Promise<readonly BatchAnswerOf<BatchOf<P, N>>[]>
  push<const N extends Named<P, Source>['name']>(
    source: N,
    events: readonly FieldValues<SourceOf<P, N>['fields']>[],
  ): Promise<PushAnswer>
  /** What came of predictions. */
  outcomes(
    list: readonly {
      readonly id: string
      readonly outcome: { readonly [output: string]: boolean | number | string }
    }[],
  ): Promise<OutcomeResult>
  explain(id: string, wanted?: ExplainWanted): Promise<Explanation>
  status(): Promise<Status>
  /** Adds a model file as a version, which answers from then on. */
  addModel(model: Named<P, Model>['name'], path: string, note?: string): Promise<{ readonly version: string }>
  /** Serves all this over HTTP as well. */
  listen(options?: ListenOptions): Promise<Listening>
  close(): Promise<void>
}

export function sixfold<P extends Platform>(platform: P, options: OpenOptions = {}): Sixfold<P> {
  let opening: Promise<Opened> | null = null
  const opened = (): Promise<Opened> => {
    // A failure to open is told to whoever asked; the next call tries again.
    opening ??= open(platform, options).catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }
  const face = {
    predict: async (model: string, keys: unknown, second?: unknown, third?: AskOptions) => {
      const { outputs, id, version, at, degraded, milliseconds } = await (await opened()).predict(model, {
        keys,
        request: requestFor(platform, model, second),
        at: third?.at?.getTime(),
        timeoutMs: third?.timeoutMs,
        priority: third?.priority,
      })
      return { ...outputs, record: { id, version, at: new Date(at), degraded, milliseconds } }
    },
    features: async (view: string, keys: unknown, asked?: ReadOptions) =>
      (await (await opened()).readFeatures(view, keys, asked?.at?.getTime())).features,
    lookup: async (batch: string, keys: readonly unknown[]) =>
      (await (await opened()).batches.lookup(batch, keys)).map((answer) => ({
        ...answer,
        asOf: answer.asOf === null ? null : new Date(answer.asOf),
      })),
    push: async (source: string, events: readonly unknown[]) => (await opened()).push(source, events),
    outcomes: async (list: readonly unknown[]) => (await opened()).recordOutcomes(list),
    explain: async (id: string, wanted?: ExplainWanted) => (await opened()).explain(id, wanted),
    status: async () => (await opened()).status(),
    addModel: async (model: string, path: string, note?: string) => {
      const { registry, refresh, project } = await opened()
      const file = isAbsolute(path) ? path : join(project, path)
      const options = { description: note ?? null, to: 'production', facts: null, golden: null } as const
      const { version, stopped } = await registry.add(model, file, options, askerOf({}))
      if (stopped !== null) throw refused(stopped)
      await refresh()
      return { version: String(version.version) }
    },
    listen: async (where?: ListenOptions) => listen(await opened(), where),
    close: async () => {
      if (opening === null) return
      const closing = opening
      opening = null
      await (await closing).close()
    },
  }
  return face as unknown as Sixfold<P>
}

/** A model without request fields may be asked without a request. */
const requestFor = (platform: Platform, model: string, given: unknown): unknown =>
  given === undefined && Object.keys(requestOf(modelNamed(platform, model).inputs)).length === 0 ? undefined : given
