/** What reads what, by the expressions of the definitions: columns by features, features by entries, entries by gates. */
import type { Platform } from '../../definition/graph.ts'
import { allViewsOf, gateOf } from '../../definition/graph.ts'
import type { Model } from '../../definition/model.ts'
import { viewsOf } from '../../definition/model.ts'
import type { Source } from '../../definition/source.ts'
import type { AnyView } from '../../definition/view.ts'
import type { Node } from '../../expression/node.ts'
import { walk } from '../../expression/node.ts'

/** What a column is to a feature. */
export type Part = 'value' | 'key' | 'time' | 'arrival' | 'order' | 'id'

export interface ColumnRead {
  readonly column: string
  readonly part: Part
}

/** A view as far as reading goes; of one that was applied once, from its plain form. */
export interface ViewForm {
  readonly name: string
  readonly source: Pick<Source, 'name' | 'time' | 'known' | 'sequence' | 'id'>
  readonly on: { readonly [part: string]: string }
  readonly features: { readonly [feature: string]: Node }
}

/** All of its features, also those that a selection leaves out. */
export const formOf = ({ name, basis }: AnyView): ViewForm => ({
  name,
  source: basis.source,
  on: basis.on,
  features: Object.fromEntries(Object.entries(basis.features).map(([feature, { node }]) => [feature, node])),
})

/** What all features of a view read: without one of these an event has no entity, no time, or no place among the others. */
export function readsOfView({ source, on }: ViewForm): readonly ColumnRead[] {
  const { time, known, sequence, id } = source
  return [
    ...Object.values(on).map((column): ColumnRead => ({ column, part: 'key' })),
    { column: time, part: 'time' },
    ...(known !== null && 'at' in known ? [{ column: known.at, part: 'arrival' } as const] : []),
    ...(sequence === null ? [] : [{ column: sequence, part: 'order' } as const]),
    ...(id === null ? [] : [{ column: id, part: 'id' } as const]),
  ]
}

export function readsOfFeature(view: ViewForm, feature: string): readonly ColumnRead[] {
  const node = Object.hasOwn(view.features, feature) ? view.features[feature] : undefined
  if (node === undefined) return []
  const columns = new Set([...walk(node)].flatMap((part) => (part.kind === 'column' ? [part.name] : [])))
  return [...[...columns].map((column): ColumnRead => ({ column, part: 'value' })), ...readsOfView(view)]
}

/** 'view.feature', as versions record it too. */
export type FeatureName = `${string}.${string}`

export const nameOfFeature = (view: string, feature: string): FeatureName => `${view}.${feature}`

/** A view's name has no dot in it. */
export function splitName(name: string): readonly [before: string, after: string] {
  const dot = name.indexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}

/** Features that an expression of a model reads. */
export function featuresIn(model: Model, node: Node): readonly FeatureName[] {
  const views = new Map(viewsOf(model.inputs))
  const found = [...walk(node)].flatMap((part) => {
    const view = part.kind === 'input' ? views.get(part.group) : undefined
    return part.kind === 'input' && view !== undefined ? [nameOfFeature(view.name, part.name)] : []
  })
  return [...new Set(found)]
}

export interface ModelReads {
  readonly model: Model
  readonly entries: { readonly [entry: string]: readonly FeatureName[] }
  readonly fallback: { readonly [output: string]: readonly FeatureName[] }
  /** 'slice night', 'invariant monotone': the entries of the vector that each reads. */
  readonly gate: { readonly [part: string]: readonly string[] }
}

export function readsOfModel(platform: Platform, model: Model): ModelReads {
  const { slices, invariants } = gateOf(platform, model)
  const entriesIn = (nodes: readonly Node[]): readonly string[] => [
    ...new Set(
      nodes.flatMap((node) =>
        [...walk(node)].flatMap((part) => (part.kind === 'input' && part.group === 'vector' ? [part.name] : [])),
      ),
    ),
  ]
  return {
    model,
    entries: mapped(model.vector, (node) => featuresIn(model, node)),
    fallback: mapped(model.fallback as { readonly [output: string]: Node | readonly number[] }, (node) =>
      'kind' in node ? featuresIn(model, node) : [],
    ),
    gate: {
      ...named('slice', slices, ({ of }) => entriesIn([of])),
      ...named('invariant', invariants, ({ changes, holds }) => [
        ...new Set([...entriesIn([holds, ...changes.flatMap(Object.values<Node>)]), ...changes.flatMap(Object.keys)]),
      ]),
    },
  }
}

const mapped = <A, B>(given: { readonly [name: string]: A }, map: (value: A) => B): { readonly [name: string]: B } =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, map(value)]))

const named = <A, B>(
  kind: string,
  given: { readonly [name: string]: A },
  map: (value: A) => B,
): { readonly [name: string]: B } =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [`${kind} ${name}`, map(value)]))

/** Features of all views that read the column of the source, and what it is to them. */
export function readersOfColumn(
  platform: Platform,
  source: string,
  column: string,
): ReadonlyMap<FeatureName, readonly Part[]> {
  const readers = new Map<FeatureName, readonly Part[]>()
  for (const view of allViewsOf(platform)) {
    if (view.basis.source.name !== source) continue
    const form = formOf(view)
    for (const feature of Object.keys(form.features)) {
      const parts = readsOfFeature(form, feature).flatMap((read) => (read.column === column ? [read.part] : []))
      if (parts.length > 0) readers.set(nameOfFeature(view.name, feature), parts)
    }
  }
  return readers
}
