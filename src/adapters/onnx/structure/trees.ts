/** The nodes of a TreeEnsembleClassifier or TreeEnsembleRegressor as lists in which a node is a place; null for what are no trees. */
import type { TreesStructure } from '../../../ports/model-structure.ts'
import { deepest } from '../../../ports/model-structure.ts'
import type { Operator } from './graph.ts'
import { integers, numbers, texts } from './graph.ts'

export type Nodes = Pick<
  TreesStructure,
  'roots' | 'column' | 'threshold' | 'rule' | 'yes' | 'no' | 'missingYes' | 'weight'
>

/** In the order of the rules in the port. */
const modes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ']
const unequal = 5
/** Of nodes, and of numbers that leaves add: more is not worth the memory for taking an answer apart. */
const most = 2 ** 23
/** A tree and a node in it as one number. */
const span = 2 ** 26

/** What leaves add: to which margin, and how much. */
export interface Leaves {
  readonly margin: readonly number[]
  readonly weight: readonly number[]
  readonly margins: number
}

export function nodesOf(
  operator: Operator,
  kind: 'class' | 'target',
  { margin, weight, margins }: Leaves,
): Nodes | null {
  const trees = integers(operator, 'nodes_treeids')
  const ids = integers(operator, 'nodes_nodeids')
  const columns = integers(operator, 'nodes_featureids')
  const named = texts(operator, 'nodes_modes')
  const thresholds = numbers(operator, 'nodes_values')
  const yesIds = integers(operator, 'nodes_truenodeids')
  const noIds = integers(operator, 'nodes_falsenodeids')
  const missing = integers(operator, 'nodes_missing_value_tracks_true')
  const count = ids.length
  if (count === 0 || count > most || count * margins > most || thresholds === null) return null
  if ([trees, columns, named, thresholds, yesIds, noIds].some(({ length }) => length !== count)) return null
  if (missing.length !== 0 && missing.length !== count) return null

  const places = new Map<number, number>()
  for (let node = 0; node < count; node++) {
    if (!isId(trees[node]!) || !isId(ids[node]!)) return null
    places.set(trees[node]! * span + ids[node]!, node)
  }
  if (places.size !== count) return null
  const made = {
    column: new Int32Array(count).fill(-1),
    threshold: Float64Array.from(thresholds),
    rule: new Uint8Array(count),
    yes: new Int32Array(count).fill(-1),
    no: new Int32Array(count).fill(-1),
    missingYes: new Uint8Array(count),
    weight: new Float64Array(count * margins),
  }
  const isChild = new Uint8Array(count)
  for (let node = 0; node < count; node++) {
    if (named[node] === 'LEAF') continue
    const rule = modes.indexOf(named[node]!)
    const yes = places.get(trees[node]! * span + yesIds[node]!)
    const no = places.get(trees[node]! * span + noIds[node]!)
    if (rule < 0 || yes === undefined || no === undefined || !isId(columns[node]!)) return null
    // A node that is the child of two is none of a tree.
    if (yes === no || isChild[yes] === 1 || isChild[no] === 1) return null
    isChild[yes] = 1
    isChild[no] = 1
    made.column[node] = columns[node]!
    made.rule[node] = rule
    made.yes[node] = yes
    made.no[node] = no
    // What is missing is unequal to whatever it is compared with.
    made.missingYes[node] = missing[node] === 1 || rule === unequal ? 1 : 0
  }
  const owners = integers(operator, `${kind}_treeids`)
  const leaves = integers(operator, `${kind}_nodeids`)
  if ([owners, leaves, margin].some(({ length }) => length !== weight.length)) return null
  for (let i = 0; i < weight.length; i++) {
    const node = places.get(owners[i]! * span + leaves[i]!)
    const to = margin[i]!
    if (node === undefined || !(to >= 0 && to < margins) || !Number.isFinite(weight[i]!)) return null
    if (made.column[node] === -1) made.weight[node * margins + to]! += weight[i]!
  }
  const roots = rootsOf(trees, made.column, made.yes, made.no, isChild)
  return roots === null ? null : { ...made, roots }
}

const isId = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < span

/** One a tree; null where there is another number, where nodes lie in a circle, or deeper than is followed. */
function rootsOf(
  trees: readonly number[],
  column: Int32Array,
  yes: Int32Array,
  no: Int32Array,
  isChild: Uint8Array,
): Int32Array | null {
  const roots: number[] = []
  const seen = new Set<number>()
  for (let node = 0; node < column.length; node++) {
    if (isChild[node] === 1) continue
    if (seen.has(trees[node]!)) return null
    seen.add(trees[node]!)
    roots.push(node)
  }
  let reached = 0
  const waiting: number[] = []
  for (const root of roots) {
    waiting.push(root, 0)
    while (waiting.length > 0) {
      const depth = waiting.pop()!
      const node = waiting.pop()!
      reached++
      if (depth > deepest) return null
      if (column[node]! >= 0) waiting.push(yes[node]!, depth + 1, no[node]!, depth + 1)
    }
  }
  return reached === column.length && roots.length > 0 ? Int32Array.from(roots) : null
}
