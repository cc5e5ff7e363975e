/** Cells of columns as the values that expressions read, for those leaves that an expression has. */
import type { Evaluate } from '../../expression/functions/spec.ts'
import type { Node, Value } from '../../expression/node.ts'
import { compile } from '../../expression/targets/javascript/compile.ts'
import { toInt64 } from '../../kernel/int64.ts'
import type { Column } from '../../ports/batch-rows.ts'

export function cellOf({ type, values, valid }: Column, row: number): Value {
  if (valid !== null && valid[row] === 0) return null
  const value = values[row]
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return toInt64(value)
  if (type === 'boolean') return value === 1
  if (typeof value === 'number') return Number.isNaN(value) ? null : value
  return value
}

/** The value of an expression at a row; `column` gives the column of a leaf, by its group and name. */
export type Reader = (column: (group: string, name: string) => Column, row: number) => Value

/** `moment` is what an expression over the instant asked about reads. */
export function readerOf(node: Node, moment: number): Reader {
  const leaves: (readonly [group: string, name: string] | null)[] = []
  const evaluate: Evaluate = compile(node, (leaf) => {
    leaves.push(leaf.kind === 'input' ? [leaf.group, leaf.name] : null)
    return leaves.length - 1
  })
  const row: Value[] = new Array(leaves.length).fill(null)
  return (column, at) => {
    for (const [i, leaf] of leaves.entries()) row[i] = leaf === null ? moment : cellOf(column(...leaf), at)
    return evaluate(row)
  }
}
