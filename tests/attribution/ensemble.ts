/** Tree ensembles, drawn by a seed, as the operators that hold them. */
import type { Graph } from '../models/onnx.ts'

export const modes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ']

export interface Drawn {
  readonly seed: number
  readonly trees: number
  readonly depth: number
  /** Or classes, of which there are two at least. */
  readonly targets: number
  readonly kind: 'regressor' | 'classifier'
  readonly aggregate: 'SUM' | 'AVERAGE'
  readonly transform: 'NONE' | 'LOGISTIC' | 'SOFTMAX'
  /** No leaf adds less than nothing. */
  readonly positive: boolean
  readonly withBase: boolean
  readonly modes: readonly string[]
  readonly columns: number
  /** Every path is as long as it can be, and thresholds lie anywhere. */
  readonly full?: boolean
}

export function ensemble(drawn: Drawn): Graph {
  const { seed, trees, depth, kind, aggregate, transform, positive, withBase, columns, full = false } = drawn
  let state = seed | 1
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 8) / 2 ** 24
  }
  const below = (n: number): number => Math.floor(random() * n)
  const isClassifier = kind === 'classifier'
  const targets = isClassifier ? Math.max(2, drawn.targets) : drawn.targets
  // Of two classes some exporters write one score alone.
  const scores = isClassifier && targets === 2 && seed % 2 === 0 ? 1 : targets
  const nodes: {
    tree: number
    id: number
    mode: string
    column: number
    value: number
    yes: number
    no: number
    missing: number
  }[] = []
  const leaves: { tree: number; id: number; target: number; weight: number }[] = []
  for (let tree = 0; tree < trees; tree++) {
    let next = 0
    const grow = (left: number): number => {
      const id = next++
      if (left === 0 || (!full && random() < 0.2)) {
        nodes.push({ tree, id, mode: 'LEAF', column: 0, value: 0, yes: 0, no: 0, missing: 0 })
        for (let target = 0; target < scores; target++)
          leaves.push({ tree, id, target, weight: (random() - (positive ? 0 : 0.5)) / (positive ? trees : 1) })
        return id
      }
      const node = {
        ...{ tree, id, mode: drawn.modes[below(drawn.modes.length)]!, column: below(columns) },
        ...{ value: full ? random() * 4 - 2 : (below(9) - 4) / 2, yes: 0, no: 0, missing: below(2) },
      }
      nodes.push(node)
      node.yes = grow(left - 1)
      node.no = grow(left - 1)
      return id
    }
    grow(depth)
  }
  const of = isClassifier ? 'class' : 'target'
  const ints = (values: readonly number[]) => ({ ints: values })
  return {
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', columns] }],
    outputs: [
      ...(isClassifier ? ([{ name: 'label', type: 'int64', shape: ['rows'] }] as const) : []),
      { name: 'score', type: 'float32', shape: ['rows', targets] },
    ],
    nodes: [
      {
        op: isClassifier ? 'TreeEnsembleClassifier' : 'TreeEnsembleRegressor',
        domain: 'ai.onnx.ml',
        inputs: ['x'],
        outputs: isClassifier ? ['label', 'score'] : ['score'],
        attributes: {
          nodes_treeids: ints(nodes.map(({ tree }) => tree)),
          nodes_nodeids: ints(nodes.map(({ id }) => id)),
          nodes_featureids: ints(nodes.map(({ column }) => column)),
          nodes_modes: { strings: nodes.map(({ mode }) => mode) },
          nodes_values: { floats: nodes.map(({ value }) => value) },
          nodes_truenodeids: ints(nodes.map(({ yes }) => yes)),
          nodes_falsenodeids: ints(nodes.map(({ no }) => no)),
          nodes_missing_value_tracks_true: ints(nodes.map(({ missing }) => missing)),
          [`${of}_treeids`]: ints(leaves.map(({ tree }) => tree)),
          [`${of}_nodeids`]: ints(leaves.map(({ id }) => id)),
          [`${of}_ids`]: ints(leaves.map(({ target }) => target)),
          [`${of}_weights`]: { floats: leaves.map(({ weight }) => weight) },
          post_transform: transform,
          ...(withBase ? { base_values: { floats: Array.from({ length: scores }, () => random()) } } : {}),
          ...(isClassifier
            ? { classlabels_int64s: ints(Array.from({ length: targets }, (_, i) => i)) }
            : { n_targets: targets, aggregate_function: aggregate }),
        },
      },
    ],
  }
}
