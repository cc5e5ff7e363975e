/** A view: features of an entity, computed from one source. */
import { express } from '../expression/builder.ts'
import type { AnyExpression, Grain, ValueOf } from '../expression/faces.ts'
import type { Node } from '../expression/node.ts'
import type { Duration } from '../kernel/duration.ts'
import type { Entity, KeyFields } from './entity.ts'
import type { Columns, Fields, Holding, Unmatched } from './field.ts'
import { shapeOf } from './field.ts'
import type { Source } from './source.ts'

export interface Features {
  readonly [name: string]: AnyExpression<'moment'>
}
export type FeatureValues<R extends Features> = { readonly [K in keyof R]: ValueOf<R[K]> } & {}

/** What is the same for a view and for every selection of it. */
export interface ViewBasis {
  readonly entity: Entity
  readonly source: Source
  /** Which column of the source holds each part of the entity's key. */
  readonly on: { readonly [part: string]: string }
  /** How long first, last, firstN and lastN without a window of their own go on answering; null: for ever. */
  readonly ttl: Duration | null
  /** All features of the view, also those that a selection leaves out. */
  readonly features: Features
  readonly description: string | null
}

export interface AnyView {
  readonly kind: 'view'
  readonly name: string
  readonly key: KeyFields
  readonly features: Features
  readonly basis: ViewBasis
  /** The name under which each part of the entity's key is asked for. */
  readonly role: { readonly [part: string]: string }
}
export interface View<Name extends string, K extends KeyFields, R extends Features> extends AnyView {
  readonly name: Name
  readonly key: K
  readonly features: R
  pick<const P extends keyof R & string>(...features: readonly P[]): View<Name, K, Pick<R, P>>
  /** The same view in another role: `airport.as({ airport: 'dest' })` is asked for by `dest`. */
  as<const M extends { readonly [P in keyof K]?: string }>(role: M): View<Name, Renamed<K, M>, R>
}
type Renamed<K extends KeyFields, M> = { readonly [P in keyof K as P extends keyof M ? M[P] & string : P]: K[P] }

/** Which column holds each part of the key; to be said only where the names differ. */
type On<K extends KeyFields, F extends Fields> = [Unmatched<K, F>] extends [never]
  ? { readonly on?: { readonly [P in keyof K]?: Holding<F, K[P]> } }
  : { readonly on: { readonly [P in Unmatched<K, F>]: Holding<F, K[P]> } }

export function view<const Name extends string, const K extends KeyFields, F extends Fields, R extends Features>(
  name: Name,
  options: {
    readonly entity: Entity<string, K>
    readonly source: Source<string, F>
    readonly features: (columns: Columns<F, 'event'>) => R
    readonly ttl?: Duration
    readonly description?: string
  } & On<K, F>,
): View<Name, K, R> {
  const { entity, source } = options
  const on: { readonly [part: string]: string | undefined } = options.on ?? {}
  const features = Object.freeze(options.features(columns<F, 'event'>(source.fields, null)))
  return select<Name, K, R>(name, entity.key, features, identity(entity.key), {
    entity,
    source,
    on: Object.freeze(Object.fromEntries(Object.keys(entity.key).map((part) => [part, on[part] ?? part]))),
    ttl: options.ttl ?? null,
    features,
    description: options.description ?? null,
  })
}

function select<Name extends string, K extends KeyFields, R extends Features>(
  name: Name,
  key: K,
  features: R,
  role: { readonly [part: string]: string },
  basis: ViewBasis,
): View<Name, K, R> {
  return Object.freeze({
    kind: 'view',
    name,
    key: Object.freeze(key),
    features,
    basis: Object.freeze(basis),
    role: Object.freeze(role),
    pick: <P extends keyof R & string>(...names: readonly P[]) =>
      select(
        name,
        key,
        Object.freeze(Object.fromEntries(names.map((feature) => [feature, features[feature]]))) as unknown as Pick<
          R,
          P
        >,
        role,
        basis,
      ),
    as: <M extends { readonly [P in keyof K]?: string }>(names: M) => {
      const renamed = Object.fromEntries(Object.entries(role).map(([part, asked]) => [part, names[asked] ?? asked]))
      const keys = Object.fromEntries(Object.entries(key).map(([asked, type]) => [names[asked] ?? asked, type]))
      return select(name, keys as Renamed<K, M>, features, renamed, basis)
    },
  })
}

const identity = (key: KeyFields): { readonly [part: string]: string } =>
  Object.fromEntries(Object.keys(key).map((part) => [part, part]))

/** Faces for fields: of a source's events, or of a group of values known at the moment asked about. */
export function columns<F extends Fields, G extends Grain>(fields: F, group: string | null): Columns<F, G> {
  const face = (name: string): AnyExpression<G> => {
    const { type, nullable } = shapeOf(name, fields[name]!)
    const node: Node =
      group === null ? { kind: 'column', name, type, nullable } : { kind: 'input', group, name, type, nullable }
    return express(node)
  }
  return Object.freeze(Object.fromEntries(Object.keys(fields).map((name) => [name, face(name)]))) as Columns<F, G>
}
