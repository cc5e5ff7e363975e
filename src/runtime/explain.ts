/** Why a prediction was what it was: what the log holds of it, and the vector, computed again. */

import type { Explanation } from '../api/index.ts'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Platform } from '../definition/graph.ts'
import { modelsOf } from '../definition/graph.ts'
import type { Node, Value } from '../expression/node.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import type { LoggedPrediction, PredictionReader } from '../inference/index.ts'
import type { Outcomes } from '../monitoring/index.ts'

export async function explain(
  id: string,
  platform: Platform,
  predictions: PredictionReader,
  outcomes: Outcomes,
): Promise<Explanation> {
  const logged = await predictions.find(id)
  const { schema, at } = logged
  const outcome = await outcomes.find(id)
  const named = (
    fields: readonly { readonly name: string }[],
    values: readonly unknown[],
  ): { [name: string]: unknown } => Object.fromEntries(fields.map(({ name }, i) => [name, values[i]]))
  return {
    id,
    model: schema.model,
    version: logged.version,
    at,
    keys: named(schema.keys, logged.keys),
    request: named(schema.request, logged.request),
    groups: schema.groups.map(({ group, view, features }, i) => {
      const { newest, values } = logged.groups[i]!
      return {
        group,
        view,
        entity: newest === null ? 'never seen' : 'known',
        ageMs: newest === null ? null : at - newest,
        features: named(features, values),
      }
    }),
    vector: vectorOf(logged, platform),
    outputs: Object.fromEntries(schema.outputs.map((name, i) => [name, logged.outputs[i]])),
    degraded: logged.degraded,
    milliseconds: logged.milliseconds,
    outcome: outcome === null ? null : { at: outcome.at, values: outcome.outcome },
  }
}

/** Null when the model is defined otherwise by now. */
function vectorOf(
  { schema, keys, request, groups, at }: LoggedPrediction,
  platform: Platform,
): { readonly [entry: string]: Value } | null {
  const model = modelsOf(platform).find(({ name }) => name === schema.model)
  if (model === undefined || hashOfDefinition(model) !== schema.definition) return null
  const row: readonly Value[] = [...keys, ...request, ...groups.flatMap(({ values }) => values), at]
  const places = [
    ...schema.keys.map(({ name }) => `keys ${name}`),
    ...schema.request.map(({ name }) => `request ${name}`),
    ...schema.groups.flatMap(({ group, features }) => features.map(({ name }) => `${group} ${name}`)),
  ]
  const locate = (leaf: Node): number =>
    leaf.kind === 'input' ? places.indexOf(`${leaf.group} ${leaf.name}`) : row.length - 1
  return Object.fromEntries(Object.entries(model.vector).map(([entry, node]) => [entry, compile(node, locate)(row)]))
}
