/** Why a prediction was what it was: what the log holds of it, and the vector, computed again. */

import type { Explanation } from '../api/index.ts'
import type { Platform } from '../definition/graph.ts'
import type { PredictionReader } from '../inference/index.ts'
import type { Outcomes } from '../monitoring/index.ts'
import type { Attributing } from './attributions.ts'
import { vectorReader } from './vectors.ts'

export interface ExplainOptions {
  readonly platform: Platform
  readonly predictions: PredictionReader
  readonly outcomes: Outcomes
  /** Null where they are not asked for. */
  readonly attributions: Attributing | null
}

export async function explain(
  id: string,
  { platform, predictions, outcomes, attributions }: ExplainOptions,
): Promise<Explanation> {
  const logged = await predictions.find(id)
  const { schema, at } = logged
  const vector = vectorReader(schema, platform)?.(logged) ?? null
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
    vector,
    outputs: Object.fromEntries(schema.outputs.map((name, i) => [name, logged.outputs[i]])),
    degraded: logged.degraded,
    milliseconds: logged.milliseconds,
    outcome: outcome === null ? null : { at: outcome.at, values: outcome.outcome },
    attributions: attributions === null ? null : await attributions(logged, vector),
  }
}
