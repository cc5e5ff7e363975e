/**
 * What a model file computes, where that is trees or linear: one operator of those kinds, what is done to its input before (scaling) and
 * to its margins after (the link). Whatever else is in the graph makes it null, and whoever asks is told that it cannot be taken apart.
 */
import type { Link, ModelStructure } from '../../../ports/model-structure.ts'
import { classifierOf, regressorOf } from './ensemble.ts'
import type { OnnxGraph, Operator } from './graph.ts'
import { constantOf, float32, float64, mostOperators, readGraph, TooMany } from './graph.ts'
import { linearOf, productOf } from './linear.ts'
import type { Path } from './link.ts'

/** Throws Malformed. */
export function structureOf(file: Uint8Array): ModelStructure | null {
  try {
    const graph = readGraph(file)
    if (graph === null || graph.inputs.length !== 1) return null
    for (const output of graph.outputs) {
      if (output.type !== float32 && output.type !== float64) continue
      const found = pathTo(graph, output.name)
      if (found !== null) return found
    }
    return null
  } catch (error) {
    if (error instanceof TooMany) return null
    throw error
  }
}

/** Each step goes to the operator before; there are no more steps than operators. */
function pathTo(graph: OnnxGraph, output: string): ModelStructure | null {
  let name = output
  let link: Link | null = null
  for (let step = 0; step <= mostOperators; step++) {
    const operator = graph.operators.find(({ outputs }) => outputs.includes(name))
    if (operator === undefined) return null
    const made = operator.domain === 'ai.onnx.ml' ? ofMl(graph, operator, name, { output, link }) : undefined
    if (made !== undefined) return made
    switch (operator.type) {
      case 'Identity':
      case 'Cast':
      case 'Reshape':
      case 'Squeeze':
      case 'Flatten':
      case 'Normalizer':
        break
      case 'Mul':
        // As some exporters end.
        if (!constantOf(graph, operator.inputs[1])?.data.every((one) => one === 1)) return null
        break
      case 'Sigmoid':
      case 'Softmax':
        if (link !== null) return null
        link = operator.type === 'Sigmoid' ? 'logistic' : 'softmax'
        break
      case 'Gemm':
      case 'MatMul':
      case 'Add':
        return productOf(graph, operator, { output, link })
      default:
        return null
    }
    name = operator.inputs[0]!
  }
  return null
}

/** Undefined for an operator that may lie behind such a one. */
function ofMl(graph: OnnxGraph, operator: Operator, name: string, path: Path): ModelStructure | null | undefined {
  switch (operator.type) {
    case 'TreeEnsembleClassifier':
      return operator.outputs[1] === name ? classifierOf(graph, operator, path) : null
    case 'TreeEnsembleRegressor':
      return regressorOf(graph, operator, path)
    case 'LinearClassifier':
      return operator.outputs[1] === name ? linearOf(graph, operator, path) : null
    case 'LinearRegressor':
      return linearOf(graph, operator, path)
    case 'Normalizer':
      // Of what adds up to one already it changes nothing.
      return undefined
    default:
      return null
  }
}
