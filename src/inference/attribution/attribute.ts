/** One answer taken apart: what each column of the model's input added to it, from what the model answers on average to a background. */
import type { Link, ModelStructure } from '../../ports/model-structure.ts'
import { answersOf, marginsOf, seenBy } from '../../ports/model-structure.ts'
import { linearShares } from './linear.ts'
import { treeShares } from './trees.ts'

export interface Attribution {
  readonly link: Link
  /** The mean of the margin over the background; with all shares it is the margin. */
  readonly base: number
  readonly margin: number
  /** The margin through the link: what the file answers. */
  readonly answer: number
  /** How many rows of the background were used. */
  readonly background: number
  /** One a column. */
  readonly shares: Float64Array
}

/** Nodes that may be looked at in all: some seconds of work. Of large forests fewer rows of the background are used. */
const mostNodes = 300_000_000

/** `place`: which number of the output's row is meant. Rows have the columns of the structure, or more. */
export async function attribute(
  structure: ModelStructure,
  place: number,
  values: ArrayLike<number>,
  background: readonly ArrayLike<number>[],
): Promise<Attribution> {
  const margin = Math.max(0, place - (structure.width - structure.margins))
  const rows =
    structure.kind === 'trees' ? Math.max(1, Math.floor(mostNodes / structure.column.length)) : background.length
  const others = background.slice(0, rows).map((other) => seenBy(structure, other))
  const row = seenBy(structure, values)
  const shares =
    structure.kind === 'trees'
      ? await treeShares(structure, margin, row, others)
      : linearShares(structure, margin, row, others)
  const margins = marginsOf(structure, row)
  let sum = 0
  for (const other of others) sum += marginsOf(structure, other)[margin]!
  return {
    link: structure.link,
    base: sum / others.length,
    margin: margins[margin]!,
    answer: answersOf(structure, margins)[margin]!,
    background: others.length,
    shares,
  }
}
