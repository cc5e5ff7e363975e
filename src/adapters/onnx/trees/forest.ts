/**
 * Trees as they are quickest to follow: the children of a node side by side, a leaf its own child, so that a step is a load, a comparison and
 * an addition, without a branch that a processor would have to guess. Several rows, or trees, are followed at once, so that one waits for
 * memory while another is compared.
 */
import type { TreesStructure } from '../../../ports/model-structure.ts'
import { goesYes } from '../../../ports/model-structure.ts'

export interface Forest {
  readonly structure: TreesStructure
  readonly roots: Int32Array
  /** Steps to the deepest leaf of each tree. */
  readonly depths: Int32Array
  readonly column: Int32Array
  /** A row whose value is greater goes to the second child. */
  readonly threshold: Float32Array
  /** The first child; of a leaf itself. */
  readonly child: Int32Array
  /** What a leaf adds, `margins` numbers a node. */
  readonly weight: Float32Array
}

/** Null where a question is none of order, or numbers are not those of float32. */
export function forestOf(structure: TreesStructure): Forest | null {
  const { roots, column, threshold, rule, yes, no, weight, margins, precision, scaling } = structure
  if (precision !== 'float32' || scaling !== null) return null
  const count = column.length
  const forest: Forest = {
    structure,
    roots: new Int32Array(roots.length),
    depths: new Int32Array(roots.length),
    column: new Int32Array(count),
    threshold: new Float32Array(count),
    child: new Int32Array(count),
    weight: new Float32Array(count * margins),
  }
  let free = 0
  for (const [tree, root] of roots.entries()) {
    forest.roots[tree] = free
    const waiting: (readonly [node: number, place: number, depth: number])[] = [[root, free++, 0]]
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [node, place, depth] = next
      forest.depths[tree] = Math.max(forest.depths[tree]!, depth)
      if (column[node]! < 0) {
        forest.threshold[place] = Number.POSITIVE_INFINITY
        forest.child[place] = place
        forest.weight.set(weight.subarray(node * margins, (node + 1) * margins), place * margins)
        continue
      }
      const asked = ordered(rule[node]!, threshold[node]!)
      if (asked === null) return null
      forest.column[place] = column[node]!
      forest.threshold[place] = asked.bound
      forest.child[place] = free
      const [below, above] = asked.yesBelow ? [yes[node]!, no[node]!] : [no[node]!, yes[node]!]
      waiting.push([below, free, depth + 1], [above, free + 1, depth + 1])
      free += 2
    }
  }
  return forest
}

/** A question as `value <= bound`: null for those that are none of order. */
function ordered(rule: number, threshold: number): { readonly bound: number; readonly yesBelow: boolean } | null {
  if (Math.fround(threshold) !== threshold) return null
  switch (rule) {
    case 0:
      return { bound: threshold, yesBelow: true }
    case 1:
      return { bound: before(threshold), yesBelow: true }
    case 2:
      return { bound: before(threshold), yesBelow: false }
    case 3:
      return { bound: threshold, yesBelow: false }
    default:
      return null
  }
}

/** The greatest float32 that is less. */
function before(value: number): number {
  const one = Float32Array.of(value)
  const bits = new Int32Array(one.buffer)
  if (value === 0) bits[0] = 0x80000001 | 0
  else if (value === Number.NEGATIVE_INFINITY) return value
  else bits[0]! += value > 0 ? -1 : 1
  return one[0]!
}

/** Rows of a block lie in the processor's nearest cache while all trees look at them. */
const blockRows = 256

/** Adds what the trees say of each row to `sums`, `margins` numbers a row, one tree after another, as onnxruntime does. Rows have `width` values. */
export function addTrees(forest: Forest, values: Float32Array, rows: number, width: number, sums: Float32Array): void {
  const { margins } = forest.structure
  const blocks = rows - (rows % 8)
  for (let from = 0; from < blocks; from += blockRows)
    byRows(forest, values, from, Math.min(blocks, from + blockRows), width, sums, margins)
  for (let row = blocks; row < rows; row++) byTrees(forest, values, row, width, sums, margins)
  // What is missing goes where a node says, which is not asked about above.
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let at = row * width; at < (row + 1) * width; at++) sum += values[at]! * 0
    if (sum !== 0) oneByOne(forest, values.subarray(row * width, (row + 1) * width), sums, row * margins)
  }
}

/** Eight rows at once, a multiple of eight in all. */
function byRows(
  { roots, depths, column, threshold, child, weight }: Forest,
  x: Float32Array,
  from: number,
  to: number,
  width: number,
  sums: Float32Array,
  margins: number,
): void {
  for (let tree = 0; tree < roots.length; tree++) {
    const root = roots[tree]!
    const depth = depths[tree]!
    for (let row = from; row < to; row += 8) {
      const x0 = row * width
      const x1 = x0 + width
      const x2 = x1 + width
      const x3 = x2 + width
      const x4 = x3 + width
      const x5 = x4 + width
      const x6 = x5 + width
      const x7 = x6 + width
      let n0 = root
      let n1 = root
      let n2 = root
      let n3 = root
      let n4 = root
      let n5 = root
      let n6 = root
      let n7 = root
      for (let step = depth; step > 0; step--) {
        n0 = child[n0]! + Number(x[x0 + column[n0]!]! > threshold[n0]!)
        n1 = child[n1]! + Number(x[x1 + column[n1]!]! > threshold[n1]!)
        n2 = child[n2]! + Number(x[x2 + column[n2]!]! > threshold[n2]!)
        n3 = child[n3]! + Number(x[x3 + column[n3]!]! > threshold[n3]!)
        n4 = child[n4]! + Number(x[x4 + column[n4]!]! > threshold[n4]!)
        n5 = child[n5]! + Number(x[x5 + column[n5]!]! > threshold[n5]!)
        n6 = child[n6]! + Number(x[x6 + column[n6]!]! > threshold[n6]!)
        n7 = child[n7]! + Number(x[x7 + column[n7]!]! > threshold[n7]!)
      }
      const at = row * margins
      for (let m = 0; m < margins; m++) {
        sums[at + m]! += weight[n0 * margins + m]!
        sums[at + margins + m]! += weight[n1 * margins + m]!
        sums[at + 2 * margins + m]! += weight[n2 * margins + m]!
        sums[at + 3 * margins + m]! += weight[n3 * margins + m]!
        sums[at + 4 * margins + m]! += weight[n4 * margins + m]!
        sums[at + 5 * margins + m]! += weight[n5 * margins + m]!
        sums[at + 6 * margins + m]! += weight[n6 * margins + m]!
        sums[at + 7 * margins + m]! += weight[n7 * margins + m]!
      }
    }
  }
}

/** One row, four trees at once: a leaf that is reached early stays where it is. */
function byTrees(
  { roots, depths, column, threshold, child, weight }: Forest,
  x: Float32Array,
  row: number,
  width: number,
  sums: Float32Array,
  margins: number,
): void {
  const from = row * width
  const at = row * margins
  let tree = 0
  for (; tree + 4 <= roots.length; tree += 4) {
    let n0 = roots[tree]!
    let n1 = roots[tree + 1]!
    let n2 = roots[tree + 2]!
    let n3 = roots[tree + 3]!
    const depth = Math.max(depths[tree]!, depths[tree + 1]!, depths[tree + 2]!, depths[tree + 3]!)
    for (let step = depth; step > 0; step--) {
      n0 = child[n0]! + Number(x[from + column[n0]!]! > threshold[n0]!)
      n1 = child[n1]! + Number(x[from + column[n1]!]! > threshold[n1]!)
      n2 = child[n2]! + Number(x[from + column[n2]!]! > threshold[n2]!)
      n3 = child[n3]! + Number(x[from + column[n3]!]! > threshold[n3]!)
    }
    for (let m = 0; m < margins; m++) {
      sums[at + m]! += weight[n0 * margins + m]!
      sums[at + m]! += weight[n1 * margins + m]!
      sums[at + m]! += weight[n2 * margins + m]!
      sums[at + m]! += weight[n3 * margins + m]!
    }
  }
  for (; tree < roots.length; tree++) {
    let node = roots[tree]!
    for (let step = depths[tree]!; step > 0; step--)
      node = child[node]! + Number(x[from + column[node]!]! > threshold[node]!)
    for (let m = 0; m < margins; m++) sums[at + m]! += weight[node * margins + m]!
  }
}

/** By the file's own questions, and from nothing: of a row in which something is missing or infinite. */
function oneByOne({ structure }: Forest, x: Float32Array, sums: Float32Array, at: number): void {
  const { roots, column, yes, no, weight, margins } = structure
  const row = Float64Array.from(x)
  for (let m = 0; m < margins; m++) sums[at + m] = 0
  for (const root of roots) {
    let node = root
    while (column[node]! >= 0) node = goesYes(structure, node, row) ? yes[node]! : no[node]!
    for (let m = 0; m < margins; m++) sums[at + m]! += weight[node * margins + m]!
  }
}
