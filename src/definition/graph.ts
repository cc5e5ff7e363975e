/** The graph of all definitions: what a platform is, and how to find one's way in it. */
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { Batch } from './batch.ts'
import type { Entity } from './entity.ts'
import type { Gate } from './gate.ts'
import { gate } from './gate.ts'
import type { Model } from './model.ts'
import { isView } from './model.ts'
import type { Source } from './source.ts'
import type { Training } from './training.ts'
import type { AnyView } from './view.ts'

export type Definition = Entity | Source | AnyView | Model | Gate | Training | Batch
export interface Definitions {
  readonly [name: string]: Definition
}
export interface Platform<D extends Definitions = Definitions> {
  readonly kind: 'platform'
  readonly definitions: D
  /** SHA-256 of the canonical form of all definitions. */
  readonly hash: string
}

const ofKind =
  <T extends Definition>(kind: T['kind']) =>
  (platform: Platform): readonly T[] =>
    Object.values(platform.definitions).filter((definition): definition is T => definition.kind === kind)

export const sourcesOf: (platform: Platform) => readonly Source[] = ofKind<Source>('source')
export const allViewsOf: (platform: Platform) => readonly AnyView[] = ofKind<AnyView>('view')
export const modelsOf: (platform: Platform) => readonly Model[] = ofKind<Model>('model')

export const batchesOf: (platform: Platform) => readonly Batch[] = ofKind<Batch>('batch')

const gatesOf = ofKind<Gate>('gate')
const trainingsOf = ofKind<Training>('training')
/** Where a model has no gate of its own, the one that asks what can be asked of every model. */
export const gateOf = (platform: Platform, model: Model): Gate =>
  gatesOf(platform).find(({ name }) => name === model.name) ?? gate(model)
export const trainingOf = (platform: Platform, model: Model): Training | null =>
  trainingsOf(platform).find(({ name }) => name === model.name) ?? null

const named =
  <T extends Definition>(
    all: (platform: Platform) => readonly T[],
    code: 'SX_UNKNOWN_MODEL' | 'SX_UNKNOWN_VIEW' | 'SX_UNKNOWN_SOURCE' | 'SX_UNKNOWN_BATCH',
    kind: string,
  ) =>
  (platform: Platform, name: string): T => {
    const found = all(platform).find((definition) => definition.name === name)
    if (found) return found
    const names = all(platform).map((definition) => definition.name)
    const wanted = shorten(name)
    throw new SixfoldError(code, `There is no ${kind} '${wanted}'. ${suggestion(wanted, names)}`, {
      details: { name: wanted, defined: names },
    })
  }

export const modelNamed: (platform: Platform, name: string) => Model = named(modelsOf, 'SX_UNKNOWN_MODEL', 'model')
export const viewNamed: (platform: Platform, name: string) => AnyView = named(allViewsOf, 'SX_UNKNOWN_VIEW', 'view')
export const batchNamed: (platform: Platform, name: string) => Batch = named(batchesOf, 'SX_UNKNOWN_BATCH', 'batch')
/** The paths that sources name. */
export const historiesOf = (platform: Platform): readonly string[] =>
  sourcesOf(platform).flatMap(({ history }) => (history === null ? [] : [history.path]))

export const sourceNamed: (platform: Platform, name: string) => Source = named(sourcesOf, 'SX_UNKNOWN_SOURCE', 'source')

/** What a definition is made of directly. */
export function dependenciesOf(definition: Definition): readonly Definition[] {
  switch (definition.kind) {
    case 'view':
      return [definition.basis.entity, definition.basis.source]
    case 'model':
      return Object.values(definition.inputs).filter(isView)
    case 'gate':
    case 'training':
      return [definition.model]
    case 'batch':
      return [definition.model, ...(definition.rows.kind === 'entities' ? [definition.rows.view] : [])]
    default:
      return []
  }
}
