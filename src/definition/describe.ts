/**
 * A definition as plain data: what it means, without where it came from or what was said about it. Its hash is the definition's
 * identity: of a view, the identity of the state that is kept for it; of a model, of what a version must fit.
 */
import type { Node } from '../expression/node.ts'
import { hashOf } from '../kernel/hash.ts'
import type { Batch } from './batch.ts'
import type { Entity } from './entity.ts'
import type { Field } from './field.ts'
import { shapeOf } from './field.ts'
import type { Gate } from './gate.ts'
import type { Definition } from './graph.ts'
import type { Model } from './model.ts'
import { isView } from './model.ts'
import type { Source } from './source.ts'
import type { Training } from './training.ts'
import type { AnyView } from './view.ts'

export interface Described {
  readonly kind: Definition['kind']
  readonly name: string
  readonly [member: string]: unknown
}

export function describe(definition: Definition): Described {
  switch (definition.kind) {
    case 'entity':
      return describeEntity(definition)
    case 'source':
      return { ...describeEvents(definition), history: definition.history, stream: definition.stream }
    case 'view':
      return describeView(definition)
    case 'model':
      return describeModel(definition)
    case 'gate':
    case 'training':
      return describeOfModel(definition)
    case 'batch':
      return describeBatch(definition)
  }
}

const describeEntity = ({ kind, name, key }: Entity): Described => ({ kind, name, key })

const describeFields = (fields: { readonly [name: string]: Field }): unknown[] =>
  Object.entries(fields).map(([name, field]) => ({ ...shapeOf(name, field) }))

/** A source's events, wherever they lie. The order of the fields counts: it decides between events that tie. */
const describeEvents = (source: Source): Described => ({
  kind: source.kind,
  name: source.name,
  fields: describeFields(source.fields),
  time: source.time,
  known: source.known,
  sequence: source.sequence,
  id: source.id,
  remember: source.id === null ? null : source.remember,
  asOf: source.asOf,
  zone: source.zone,
})

const nodesOf = (features: { readonly [name: string]: { readonly node: Node } }): { [name: string]: Node } =>
  Object.fromEntries(Object.entries(features).map(([name, { node }]) => [name, node]))

/** The whole view, also where only a selection of it is at hand. */
const describeView = ({ kind, name, basis }: AnyView): Described => ({
  kind,
  name,
  entity: describeEntity(basis.entity),
  source: describeEvents(basis.source),
  on: basis.on,
  ttl: basis.ttl,
  features: nodesOf(basis.features),
})

const describeModel = (model: Model): Described => ({
  kind: model.kind,
  name: model.name,
  inputs: Object.fromEntries(
    Object.entries(model.inputs).map(([group, input]) => [
      group,
      isView(input)
        ? {
            view: input.name,
            hash: hashOf(describeView(input)),
            role: input.role,
            features: Object.keys(input.features),
          }
        : { fields: describeFields(input) },
    ]),
  ),
  // A list, because the order of a vector's entries is part of its meaning.
  vector: Object.entries(model.vector),
  output: model.output,
  fallback: model.fallback,
  budget: model.budget,
  ...(Object.keys(model.post).length > 0 ? { post: model.post } : {}),
  degrade: model.degrade,
  reuse: model.reuse,
})

/** What stands beside a model: it changes with what it says, not with the model. */
const describeOfModel = ({ model: _, description: __, ...rest }: Gate | Training): Described => rest

/** With the model's hash, so that a batch is another when its model is defined otherwise. */
const describeBatch = ({ description: _, model, rows, publish: { table, ...publish }, ...rest }: Batch): Described => ({
  ...rest,
  // One that is no table is what it was before there were any.
  publish: table === null ? publish : { ...publish, table },
  model: { name: model.name, hash: hashOf(describeModel(model)) },
  rows:
    rows.kind === 'entities' ? { kind: rows.kind, view: rows.view.name, hash: hashOf(describeView(rows.view)) } : rows,
})

export const hashOfDefinition = (definition: Definition): string => hashOf(describe(definition))
