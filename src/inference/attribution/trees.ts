/**
 * Shapley values of a sum of trees, exact and interventional: a column that is not known has the value of a row of the background, and
 * each row of it counts the same. For one row of the background only columns in which the two rows part ways play, so that one walk
 * through a tree gives the shares of all of them: Lundberg et al., "From local explanations to global understanding with explainable AI
 * for trees", Nature Machine Intelligence 2 (2020), Methods, "Interventional TreeSHAP" ("Independent TreeSHAP" in its supplement).
 */
import { setImmediate as immediate } from 'node:timers/promises'
import type { TreesStructure } from '../../ports/model-structure.ts'
import { goesYes } from '../../ports/model-structure.ts'

/** Nodes that are looked at before the clock is, and milliseconds for which nobody else gets a turn. */
const nodesPerLook = 20_000
const turnMs = 4

/** What each column adds to a margin, from the mean over the background on. Rows are as the structure sees them. */
export async function treeShares(
  structure: TreesStructure,
  margin: number,
  row: Float64Array,
  background: readonly Float64Array[],
): Promise<Float64Array> {
  const { roots, columns } = structure
  const shares = new Float64Array(columns)
  const walk = walker(structure, margin, shares)
  let began = performance.now()
  let seen = 0
  for (const other of background)
    for (let tree = 0; tree < roots.length; tree++) {
      seen += walk(roots[tree]!, row, other)
      if (seen < nodesPerLook) continue
      seen = 0
      if (performance.now() - began < turnMs) continue
      await immediate()
      began = performance.now()
    }
  for (let i = 0; i < columns; i++) shares[i]! /= background.length
  return shares
}

/** Adds what a tree makes of two rows; gives how many nodes it looked at. */
function walker(structure: TreesStructure, margin: number, shares: Float64Array) {
  const { column, yes, no, weight, margins, columns } = structure
  const longest = Math.min(columns, depthOf(structure))
  const share = sharesOf(longest)
  /** Whose value a column has on the way here: 1 of the row, 2 of the other; 0 where they went the same way. */
  const from = new Uint8Array(columns)
  let row: Float64Array = new Float64Array(0)
  let other = row
  let looked = 0
  /** Of the leaves below: what those columns get that have the row's value, and what those get that have the other's. */
  let ours = 0
  let theirs = 0
  const visit = (node: number, mine: number, others: number): void => {
    looked++
    const asked = column[node]!
    if (asked < 0) {
      const value = weight[node * margins + margin]!
      ours = mine === 0 ? 0 : value * share[(mine - 1) * longest + others]!
      theirs = others === 0 ? 0 : -value * share[mine * longest + others - 1]!
      return
    }
    const set = from[asked]!
    const way = goesYes(structure, node, set === 2 ? other : row) ? yes[node]! : no[node]!
    if (set !== 0) {
      visit(way, mine, others)
      return
    }
    const otherWay = goesYes(structure, node, other) ? yes[node]! : no[node]!
    if (way === otherWay) {
      visit(way, mine, others)
      return
    }
    from[asked] = 1
    visit(way, mine + 1, others)
    const [oursHere, theirsHere] = [ours, theirs]
    from[asked] = 2
    visit(otherWay, mine, others + 1)
    from[asked] = 0
    shares[asked]! += oursHere + theirs
    ours += oursHere
    theirs += theirsHere
  }
  return (root: number, of: Float64Array, against: Float64Array): number => {
    row = of
    other = against
    looked = 0
    visit(root, 0, 0)
    return looked
  }
}

/** a! b! / (a + b + 1)!, the share of orders in which a given column comes after a others and before b. */
function sharesOf(size: number): Float64Array {
  const shares = new Float64Array(size * size)
  for (let a = 0; a < size; a++)
    for (let b = 0; a + b < size; b++)
      shares[a * size + b] = a === 0 ? 1 / (b + 1) : (shares[(a - 1) * size + b]! * a) / (a + b + 1)
  return shares
}

const depths = new WeakMap<TreesStructure, number>()

/** Questions on the longest path. */
function depthOf(structure: TreesStructure): number {
  const known = depths.get(structure)
  if (known !== undefined) return known
  const { roots, column, yes, no } = structure
  let most = 1
  const waiting: number[] = []
  for (const root of roots) {
    waiting.push(root, 0)
    while (waiting.length > 0) {
      const depth = waiting.pop()!
      const node = waiting.pop()!
      if (depth > most) most = depth
      if (column[node]! >= 0) waiting.push(yes[node]!, depth + 1, no[node]!, depth + 1)
    }
  }
  depths.set(structure, most)
  return most
}
