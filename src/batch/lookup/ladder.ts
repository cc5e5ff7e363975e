/** What answers for a key that a batch does not have: the rungs of its definition, in their order. */
import type { Batch } from '../../definition/batch.ts'
import type { Value } from '../../expression/node.ts'
import { compile } from '../../expression/targets/javascript/compile.ts'
import type { Prediction, Question } from '../../inference/index.ts'
import type { BatchAnswer, Rung } from '../documents.ts'
import type { Prior, Priors } from './priors.ts'

export interface AskedKey {
  /** The values of its parts, by their names. */
  readonly parts: { readonly [part: string]: Value }
  /** As the caller gave it. */
  readonly given: unknown
  /** The instant of the version. */
  readonly at: number | null
}
export type Below = readonly [rung: Rung | null, outputs: BatchAnswer['outputs']]
export interface Ladder {
  /** Whether what it answers is made of the version's answers to others. */
  readonly needsPriors: boolean
  /** `priors` null: no version is live, or it is too old. */
  below(key: AskedKey, priors: Priors | null): Promise<Below>
}

/** Questions to the model at once, of one call: what others ask in real time goes on beside them. */
const askedAtOnce = 64

export function ladder(
  { unknown, model }: Batch,
  predict: (model: string, question: Question) => Promise<Prediction>,
): Ladder {
  const { segment, popular, otherwise } = unknown
  const outputs = Object.keys(model.output)
  const names: (string | null)[] = []
  const segmentOf =
    segment === null ? null : compile(segment, (leaf) => names.push(leaf.kind === 'input' ? leaf.name : null) - 1)
  const modelKey = Object.keys(model.key)
  /** A version of another definition may lack an output. */
  const whole = (prior: Prior | null | undefined): prior is Prior =>
    prior !== null && prior !== undefined && outputs.every((output) => Object.hasOwn(prior, output))
  const turns = limited(askedAtOnce)

  return {
    needsPriors: segment !== null || popular,
    below: async ({ parts, given, at }, priors) => {
      if (segmentOf !== null && priors !== null) {
        const value = segmentOf(names.map((part) => (part === null ? at : parts[part]!)))
        const prior = value === null ? null : ofSegment(priors, String(value))
        if (whole(prior)) return ['segment', prior]
      }
      if (popular && priors !== null && whole(priors.popular)) return ['popular', priors.popular]
      if (unknown.model && modelKey.every((part) => parts[part] !== null)) {
        const keys = Object.fromEntries(modelKey.map((part) => [part, (given as { [part: string]: unknown })[part]]))
        const said = await turns(() => predict(model.name, { keys })).catch(() => null)
        // What stood in for the model is no answer of the model's.
        if (said !== null && !said.degraded.some(({ by }) => by === 'batch' || by === 'rule' || by === 'default'))
          return ['model', said.outputs as NonNullable<BatchAnswer['outputs']>]
      }
      return otherwise === null ? [null, null] : ['default', otherwise]
    },
  }
}

/** Names of segments come from data: 'constructor' is one as any other. */
const ofSegment = ({ segments }: Priors, value: string): Prior | null =>
  Object.hasOwn(segments, value) ? segments[value]! : null

function limited(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
