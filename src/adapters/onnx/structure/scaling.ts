/** What is done to the columns of a file's input before an operator sees them, where that is scaling and nothing else. */
import type { OnnxGraph } from './graph.ts'
import { constantOf, float32, float64, floats, integer, mostOperators } from './graph.ts'

/** (x - offset) · scale; one number for all columns, or one for each. */
export interface Step {
  readonly offset: readonly number[]
  readonly scale: readonly number[]
  /** As a Scaler computes it, which matters where it is compared. */
  readonly exact: boolean
}

/** From the input of the file to a name in its graph: only scaling, the last step first. */
export function affineBefore(
  graph: OnnxGraph,
  to: string,
): { readonly input: string; readonly precision: 'float32' | 'float64'; readonly steps: readonly Step[] } | null {
  const [input] = graph.inputs
  const steps: Step[] = []
  let narrow = input!.type !== float64
  let name = to
  for (let step = 0; step <= mostOperators; step++) {
    if (name === input!.name)
      return input!.shape.length === 2 ? { input: name, precision: narrow ? 'float32' : 'float64', steps } : null
    const operator = graph.operators.find(({ outputs }) => outputs.includes(name))
    if (operator === undefined) return null
    const [a, b] = operator.inputs
    const by = constantOf(graph, b)
    if (operator.type === 'Cast') {
      const kind = integer(operator, 'to', 0)
      if (kind !== float32 && kind !== float64) return null
      narrow ||= kind === float32
    } else if (operator.type === 'Scaler' && operator.domain === 'ai.onnx.ml')
      steps.push({ offset: floats(operator, 'offset'), scale: floats(operator, 'scale'), exact: true })
    else if (operator.type === 'Sub' && by !== null) steps.push({ offset: by.data, scale: [1], exact: true })
    else if (operator.type === 'Add' && by !== null)
      steps.push({ offset: by.data.map((x) => -x), scale: [1], exact: true })
    else if (operator.type === 'Mul' && by !== null) steps.push({ offset: [0], scale: by.data, exact: true })
    else if (operator.type === 'Div' && by !== null)
      steps.push({ offset: [0], scale: by.data.map((x) => 1 / x), exact: false })
    else if (operator.type !== 'Identity') return null
    name = a!
  }
  return null
}
