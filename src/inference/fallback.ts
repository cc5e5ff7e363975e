/** What answers when the model cannot: the fallback of the definition, over the same values that the vector is made of. */
import type { Model } from '../definition/model.ts'
import type { Evaluate } from '../expression/functions/spec.ts'
import type { Node, Value } from '../expression/node.ts'
import type { Locate } from '../expression/targets/javascript/compile.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import type { OutputValue } from './tensors.ts'

export interface Fallback {
  /** The value of an output, by its position in the definition. */
  answer(row: readonly Value[], output: number): OutputValue
  /** It answers the same whatever it is asked: a default, and no rule. */
  readonly constant: boolean
}

export function fallbackOf(model: Model, locate: Locate): Fallback {
  let constant = true
  const answers = Object.entries(model.output).map(([name, kind]): ((row: readonly Value[]) => OutputValue) => {
    const answer = model.fallback[name]!
    if (Array.isArray(answer)) return () => answer as readonly number[]
    if ((answer as Node).kind !== 'literal') constant = false
    const evaluate: Evaluate = compile(answer as Node, locate)
    if (typeof kind === 'object' && 'label' in kind) return (row) => evaluate(row) as string
    // Never missing by its definition, but for a number that overflows.
    const number = (row: readonly Value[]): number => Number(evaluate(row) ?? 0)
    return kind === 'probability' ? (row) => Math.min(1, Math.max(0, number(row))) : number
  })
  return { answer: (row, output) => answers[output]!(row), constant }
}
