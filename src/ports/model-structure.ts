/**
 * What a model file computes, of the kinds that an answer can be taken apart for: trees, and what is linear. What a structure says, the
 * runtime was found to answer.
 */

export type ModelStructure = TreesStructure | LinearStructure

/** How a model's margin becomes what it answers. */
export type Link = 'identity' | 'logistic' | 'softmax'

interface Structure {
  /** The input of the file that it reads. A row of it has `columns` numbers, or more that do not count. */
  readonly input: string
  readonly columns: number
  /** To which the numbers of a row are rounded before anything is made of them. */
  readonly precision: 'float32' | 'float64'
  /** The output of the file that it gives. */
  readonly output: string
  /** Numbers in a row of the output: one a margin; or two of one margin, the second being its answer and the first the rest. */
  readonly width: number
  /** Numbers before the link. */
  readonly margins: number
  readonly link: Link
  /** One a margin. */
  readonly base: Float64Array
}

/** By which a node asks, in the numbers of `rule`. */
export const rules = ['<=', '<', '>=', '>', '==', '!='] as const

/** A sum of decision trees: each row falls to one leaf of each. Nodes of all trees stand in one list; no path is longer than `deepest`. */
export interface TreesStructure extends Structure {
  readonly kind: 'trees'
  /** The first node of each tree. */
  readonly roots: Int32Array
  /** The column that a node asks about; -1 for a leaf. */
  readonly column: Int32Array
  readonly threshold: Float64Array
  /** A row goes to `yes` where this holds between its value and the threshold. */
  readonly rule: Uint8Array
  readonly yes: Int32Array
  readonly no: Int32Array
  /** Whether a row whose value is missing goes to `yes`. */
  readonly missingYes: Uint8Array
  /** What a leaf adds to each margin: `margins` numbers a node, zeros for what is no leaf. */
  readonly weight: Float64Array
  /** Of each column: subtracted before, and multiplied by after. Null where it is not scaled. */
  readonly scaling: { readonly offset: Float64Array; readonly scale: Float64Array } | null
}

/** Each margin is a base and a sum of a weight times each column. */
export interface LinearStructure extends Structure {
  readonly kind: 'linear'
  /** `columns` numbers a margin. */
  readonly weight: Float64Array
}

export const deepest = 1_000

/** A row as the structure sees it: rounded, and scaled. */
export function seenBy(structure: ModelStructure, values: ArrayLike<number>, from = 0): Float64Array {
  const { columns, precision } = structure
  const round = precision === 'float32' ? Math.fround : (value: number) => value
  const scaling = structure.kind === 'trees' ? structure.scaling : null
  const row = new Float64Array(columns)
  for (let i = 0; i < columns; i++) {
    const value = round(values[from + i]!)
    row[i] = scaling === null ? value : round(round(value - scaling.offset[i]!) * scaling.scale[i]!)
  }
  return row
}

/** Whether a row goes to `yes` at a node. */
export function goesYes({ column, threshold, rule, missingYes }: TreesStructure, node: number, row: Float64Array) {
  const value = row[column[node]!]!
  if (Number.isNaN(value)) return missingYes[node] === 1
  const bound = threshold[node]!
  switch (rule[node]) {
    case 0:
      return value <= bound
    case 1:
      return value < bound
    case 2:
      return value >= bound
    case 3:
      return value > bound
    case 4:
      return value === bound
    default:
      return value !== bound
  }
}

/** The margins of a row that is as the structure sees it. */
export function marginsOf(structure: ModelStructure, row: Float64Array): Float64Array {
  const { margins, base } = structure
  const sums = Float64Array.from(base)
  if (structure.kind === 'linear') {
    const { weight, columns } = structure
    for (let margin = 0; margin < margins; margin++)
      for (let i = 0; i < columns; i++) sums[margin]! += weight[margin * columns + i]! * row[i]!
    return sums
  }
  const { roots, column, yes, no, weight } = structure
  for (let tree = 0; tree < roots.length; tree++) {
    let node = roots[tree]!
    while (column[node]! >= 0) node = goesYes(structure, node, row) ? yes[node]! : no[node]!
    for (let margin = 0; margin < margins; margin++) sums[margin]! += weight[node * margins + margin]!
  }
  return sums
}

/** What the file answers for margins, in the places of its output that are of margins. */
export function answersOf({ link }: ModelStructure, margins: Float64Array): Float64Array {
  switch (link) {
    case 'identity':
      return margins
    case 'logistic':
      return margins.map((margin) => 1 / (1 + Math.exp(-margin)))
    case 'softmax': {
      const most = margins.reduce((a, b) => Math.max(a, b))
      const powers = margins.map((margin) => Math.exp(margin - most))
      const sum = powers.reduce((a, b) => a + b, 0)
      return powers.map((power) => power / sum)
    }
  }
}
