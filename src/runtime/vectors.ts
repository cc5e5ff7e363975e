/** The vectors of predictions, computed again from the values that were logged with them. */
import { hashOfDefinition } from '../definition/describe.ts'
import type { Platform } from '../definition/graph.ts'
import { modelsOf } from '../definition/graph.ts'
import type { Node, Value } from '../expression/node.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import type { LoggedPrediction } from '../inference/index.ts'

export type Vector = { readonly [entry: string]: Value }

/** Of all predictions with a schema. Null when the model is defined otherwise by now. */
export function vectorReader(
  schema: LoggedPrediction['schema'],
  platform: Platform,
): ((logged: Omit<LoggedPrediction, 'id'>) => Vector) | null {
  const model = modelsOf(platform).find(({ name }) => name === schema.model)
  if (model === undefined || hashOfDefinition(model) !== schema.definition) return null
  const places = [
    ...schema.keys.map(({ name }) => `keys ${name}`),
    ...schema.request.map(({ name }) => `request ${name}`),
    ...schema.groups.flatMap(({ group, features }) => features.map(({ name }) => `${group} ${name}`)),
  ]
  const locate = (leaf: Node): number =>
    leaf.kind === 'input' ? places.indexOf(`${leaf.group} ${leaf.name}`) : places.length
  const entries = Object.entries(model.vector).map(([entry, node]) => [entry, compile(node, locate)] as const)
  return ({ keys, request, groups, at }) => {
    const row: readonly Value[] = [...keys, ...request, ...groups.flatMap(({ values }) => values), at]
    return Object.fromEntries(entries.map(([entry, evaluate]) => [entry, evaluate(row)]))
  }
}
