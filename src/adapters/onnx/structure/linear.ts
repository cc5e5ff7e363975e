/** LinearClassifier, LinearRegressor and products with a matrix, as one sum of weights a margin. */
import type { LinearStructure, Link, ModelStructure } from '../../../ports/model-structure.ts'
import type { Constant, OnnxGraph, Operator } from './graph.ts'
import { constantOf, float, floats, integer, integers, texts } from './graph.ts'
import type { Path } from './link.ts'
import { linkOf } from './link.ts'
import { affineBefore } from './scaling.ts'

/** Numbers in the weights of what is linear. */
const mostWeights = 2 ** 22

export function linearOf(graph: OnnxGraph, operator: Operator, path: Path): ModelStructure | null {
  const isClassifier = operator.type === 'LinearClassifier'
  const weight = floats(operator, 'coefficients')
  const base = floats(operator, 'intercepts')
  const margins = isClassifier ? base.length : integer(operator, 'targets', 1)
  const link = linkOf(operator, path)
  if (link === null || margins < 1 || (base.length !== 0 && base.length !== margins)) return null
  const labels = Math.max(texts(operator, 'classlabels_strings').length, integers(operator, 'classlabels_ints').length)
  const width = isClassifier && margins === 1 && labels === 2 ? 2 : margins
  return linear(graph, operator.inputs[0]!, path, {
    ...{ weight, margins, width, link },
    base: base.length === 0 ? new Array<number>(margins).fill(0) : base,
  })
}

/** x·W, with what is added to it. */
export function productOf(graph: OnnxGraph, operator: Operator, path: Path): ModelStructure | null {
  const constant = (name: string | undefined): Constant | null => constantOf(graph, name)
  const link = path.link ?? 'identity'
  const made = (
    input: string,
    factor: Constant,
    transposed: boolean,
    added: Constant | null,
    by: number,
    plus: number,
  ) => {
    const [rows, columns] = factor.shape.length === 2 ? factor.shape : [factor.data.length, 1]
    const margins = transposed ? rows! : columns!
    const width = transposed ? columns! : rows!
    if (margins < 1 || margins * width > mostWeights) return null
    const weight = new Array<number>(factor.data.length)
    for (let margin = 0; margin < margins; margin++)
      for (let i = 0; i < width; i++)
        weight[margin * width + i] = by * factor.data[transposed ? margin * width + i : i * margins + margin]!
    const base = added === null ? [0] : added.data
    if (base.length !== 1 && base.length !== margins) return null
    return linear(graph, input, path, {
      ...{ weight, margins, width: margins, link },
      base: Array.from({ length: margins }, (_, margin) => plus * base[base.length === 1 ? 0 : margin]!),
    })
  }
  const [a, b, c] = operator.inputs
  if (operator.type === 'Gemm') {
    const factor = constant(b)
    const added = constant(c)
    if (factor === null || integer(operator, 'transA', 0) !== 0 || (c !== undefined && c !== '' && added === null))
      return null
    return made(
      a!,
      factor,
      integer(operator, 'transB', 0) === 1,
      added,
      float(operator, 'alpha', 1),
      float(operator, 'beta', 1),
    )
  }
  if (operator.type === 'MatMul') {
    const factor = constant(b)
    return factor === null ? null : made(a!, factor, false, null, 1, 0)
  }
  const added = constant(b) ?? constant(a)
  const product = graph.operators.find(
    ({ type, outputs }) => type === 'MatMul' && outputs.includes(constant(b) === null ? b! : a!),
  )
  const factor = product === undefined ? null : constant(product.inputs[1])
  return added === null || product === undefined || factor === null
    ? null
    : made(product.inputs[0]!, factor, false, added, 1, 1)
}

interface Linear {
  readonly weight: readonly number[]
  readonly base: readonly number[]
  readonly margins: number
  readonly width: number
  readonly link: Link
}

/** Scaling before is made part of the weights; and of two margins that say the same the one that counts is kept. */
function linear(
  graph: OnnxGraph,
  from: string,
  { output }: Path,
  { weight, base, margins, width, link }: Linear,
): LinearStructure | null {
  const columns = weight.length / margins
  const before = affineBefore(graph, from)
  if (before === null || !Number.isInteger(columns) || columns < 1 || weight.length > mostWeights) return null
  const weights = Float64Array.from(weight)
  const bases = Float64Array.from(base)
  // The step next to the product first: its input is what the one before gives.
  for (const { offset, scale } of before.steps) {
    if ([offset, scale].some(({ length }) => length !== 1 && length !== columns)) return null
    for (let margin = 0; margin < margins; margin++)
      for (let i = 0; i < columns; i++) {
        const at = margin * columns + i
        weights[at]! *= scale[scale.length === 1 ? 0 : i]!
        bases[margin]! -= weights[at]! * offset[offset.length === 1 ? 0 : i]!
      }
  }
  if (![...weights, ...bases].every(Number.isFinite)) return null
  const { input, precision } = before
  const made = { kind: 'linear', input, columns, precision, output } as const
  const opposite =
    margins === 2 &&
    bases[0] === -bases[1]! &&
    weights.subarray(0, columns).every((one, i) => one === -weights[columns + i]!)
  if (margins === 2 && width === 2 && (link === 'softmax' || (link === 'logistic' && opposite))) {
    const difference = (pair: Float64Array, half: number): Float64Array =>
      pair.slice(half).map((one, i) => (link === 'softmax' ? one - pair[i]! : one))
    return {
      ...made,
      weight: difference(weights, columns),
      base: difference(bases, 1),
      margins: 1,
      width,
      link: 'logistic',
    }
  }
  return { ...made, weight: weights, base: bases, margins, width, link }
}
