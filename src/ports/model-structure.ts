/** What a model file computes, of the kinds that an answer can be taken apart for: trees, and what is linear. */

export type ModelStructure = TreesStructure | LinearStructure

/** How a model's margin becomes what it answers. */
export type Link = 'identity' | 'logistic' | 'softmax'

interface Structure {
  /** The input of the file that it reads, and its columns. */
  readonly input: string
  readonly columns: number
  /** The output of the file that it gives, and how many numbers a row of it has before the link. */
  readonly output: string
  readonly margins: number
  readonly link: Link
  /** One a margin. */
  readonly base: Float64Array
}

/** A sum of decision trees: each row falls to one leaf of each. Nodes of all trees stand in one list. */
export interface TreesStructure extends Structure {
  readonly kind: 'trees'
  /** The first node of each tree. */
  readonly roots: Int32Array
  /** The column that a node asks about; -1 for a leaf. */
  readonly column: Int32Array
  readonly threshold: Float32Array | Float64Array
  /** A row goes to `yes` where this holds between its value and the threshold. */
  readonly rule: readonly ('<=' | '<' | '>=' | '>' | '==' | '!=')[]
  readonly yes: Int32Array
  readonly no: Int32Array
  /** Where a row whose value is missing goes. */
  readonly missingYes: Uint8Array
  /** What a leaf adds to each margin: `margins` numbers a node, zeros for what is no leaf. */
  readonly weight: Float64Array
}

/** Each margin is a base and a sum of a weight times each column. */
export interface LinearStructure extends Structure {
  readonly kind: 'linear'
  /** `columns` numbers a margin. */
  readonly weight: Float64Array
  /** Subtracted from each column before, and what it is divided by after; null where it is not scaled. */
  readonly scaling: { readonly offset: Float64Array; readonly scale: Float64Array } | null
}
