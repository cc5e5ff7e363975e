/** TreeEnsembleClassifier and TreeEnsembleRegressor, as onnxruntime reads them, as a sum of trees. */
import type { Link, ModelStructure } from '../../../ports/model-structure.ts'
import type { OnnxGraph, Operator } from './graph.ts'
import { integer, integers, numbers, text, texts } from './graph.ts'
import type { Path } from './link.ts'
import { linkOf } from './link.ts'
import { affineBefore } from './scaling.ts'
import { nodesOf } from './trees.ts'

export function classifierOf(graph: OnnxGraph, operator: Operator, path: Path): ModelStructure | null {
  const ids = integers(operator, 'class_ids')
  const weight = numbers(operator, 'class_weights')
  const base = numbers(operator, 'base_values')
  const classes = Math.max(
    texts(operator, 'classlabels_strings').length,
    integers(operator, 'classlabels_int64s').length,
  )
  const link = linkOf(operator, path)
  if (weight === null || base === null || link === null || classes === 0) return null
  const only = new Set(ids).size === 1
  if (classes === 2 && only && base.length < 2) {
    // The runtime takes scores that are never negative for probabilities, whatever the file says of a link.
    const positive = weight.every((one) => one >= 0)
    if (!positive && link !== 'logistic') return null
    return treesOf(graph, operator, path, positive ? 'identity' : link, 'class', {
      ...{ margin: ids.map(() => 0), weight, margins: 1, width: 2 },
      base: [base[0] ?? 0],
    })
  }
  if (classes === 2 && only) {
    if (link === 'softmax') return null
    return treesOf(graph, operator, path, link, 'class', {
      ...{ margin: ids.map(() => 0), weight, margins: 1, width: 2 },
      base: [base[1]!],
    })
  }
  if (base.length !== 0 && base.length !== classes) return null
  const from = base.length === 0 ? new Array<number>(classes).fill(0) : base
  if (classes === 2 && link === 'softmax')
    return treesOf(graph, operator, path, 'logistic', 'class', {
      ...{
        margin: ids.map(() => 0),
        weight: weight.map((one, i) => (ids[i] === 1 ? one : -one)),
        margins: 1,
        width: 2,
      },
      base: [from[1]! - from[0]!],
    })
  return treesOf(graph, operator, path, link, 'class', {
    ...{ margin: ids, weight, margins: classes, width: classes, base: from },
  })
}

export function regressorOf(graph: OnnxGraph, operator: Operator, path: Path): ModelStructure | null {
  const margin = integers(operator, 'target_ids')
  const weight = numbers(operator, 'target_weights')
  const base = numbers(operator, 'base_values')
  const targets = integer(operator, 'n_targets', 1)
  const link = linkOf(operator, path)
  const how = text(operator, 'aggregate_function', 'SUM')
  if (weight === null || base === null || link === null || (how !== 'SUM' && how !== 'AVERAGE')) return null
  if (!(targets >= 1 && targets <= 10_000) || (base.length !== 0 && base.length !== targets)) return null
  const share = how === 'SUM' ? 1 : 1 / new Set(integers(operator, 'nodes_treeids')).size
  return treesOf(graph, operator, path, link, 'target', {
    ...{ margin, weight: weight.map((one) => one * share), margins: targets, width: targets },
    base: base.length === 0 ? new Array<number>(targets).fill(0) : base,
  })
}

interface Ensemble {
  readonly margin: readonly number[]
  readonly weight: readonly number[]
  readonly margins: number
  readonly width: number
  readonly base: readonly number[]
}

function treesOf(
  graph: OnnxGraph,
  operator: Operator,
  { output }: Path,
  link: Link,
  kind: 'class' | 'target',
  { width, base, ...leaves }: Ensemble,
): ModelStructure | null {
  const nodes = nodesOf(operator, kind, leaves)
  const before = nodes === null ? null : affineBefore(graph, operator.inputs[0]!)
  if (nodes === null || before === null || before.steps.length > 1) return null
  const { input, precision, steps } = before
  const columns = nodes.column.reduce((a, b) => Math.max(a, b), 0) + 1
  const [scaler] = steps
  if (scaler !== undefined && !scaler.exact) return null
  const wide = (values: readonly number[]): Float64Array | null =>
    values.length === 1
      ? new Float64Array(columns).fill(values[0]!)
      : values.length >= columns
        ? Float64Array.from(values.slice(0, columns))
        : null
  const offset = scaler === undefined ? null : wide(scaler.offset)
  const scale = scaler === undefined ? null : wide(scaler.scale)
  if (scaler !== undefined && (offset === null || scale === null)) return null
  return {
    ...nodes,
    ...{ kind: 'trees', input, columns, precision, output, width, margins: leaves.margins, link },
    base: Float64Array.from(base),
    scaling: offset === null || scale === null ? null : { offset, scale },
  }
}
