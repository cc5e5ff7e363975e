/** A row of values: keys, request, the features of all groups, and the moment. What stands where, and how the log tells of it. */
import { hashOfDefinition } from '../definition/describe.ts'
import type { Model } from '../definition/model.ts'
import type { Node, Scalar } from '../expression/node.ts'
import type { FeatureReader } from '../features/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { PredictionSchema } from './prediction-log.ts'
import type { FieldsReader } from './question.ts'

export interface Places {
  readonly width: number
  readonly requestAt: number
  readonly featuresAt: number
  readonly momentAt: number
  locate(leaf: Node): number
}

export function placesIn(model: Model, keys: FieldsReader, request: FieldsReader, features: FeatureReader): Places {
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

export function schemaOf(
  model: Model,
  keys: FieldsReader,
  request: FieldsReader,
  features: FeatureReader,
): PredictionSchema {
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
