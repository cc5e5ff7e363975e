/**
 * How alike the engines compute an expression: the class that decides how two of them are compared, and what the console says of a
 * feature. 'identical': the same bits everywhere. 'bounded': floats added in another order, or the engine's mathematics library;
 * the bound stands at the aggregate. 'sketch': the same state everywhere, from which an estimate is read with a stated error.
 */
import { specOf } from './functions/define.ts'
import type { AggregateName, Node } from './node.ts'
import { typeOf, walk } from './node.ts'

export type Equality = 'identical' | 'bounded' | 'sketch'

const order: readonly Equality[] = ['identical', 'bounded', 'sketch']

/** The weakest class of anything that the expression is made of. */
export function equalityOf(root: Node): Equality {
  let weakest = 0
  for (const node of walk(root)) weakest = Math.max(weakest, order.indexOf(ofNode(node)))
  return order[weakest]!
}

function ofNode(node: Node): Equality {
  if (node.kind === 'call') return specOf(node).exact ? 'identical' : 'bounded'
  if (node.kind !== 'aggregate') return 'identical'
  // Sums of integers are exact, and a condition is one of 0 and 1.
  const whole = node.of === null || typeOf(node.of) !== 'float64'
  return classes[node.function](whole)
}

const identical = (): Equality => 'identical'
const bounded = (): Equality => 'bounded'
const sketch = (): Equality => 'sketch'
const ofSums = (whole: boolean): Equality => (whole ? 'identical' : 'bounded')

const classes: { readonly [A in AggregateName]: (whole: boolean) => Equality } = {
  count: identical,
  sum: ofSums,
  mean: ofSums,
  min: identical,
  max: identical,
  variance: bounded,
  stddev: bounded,
  first: identical,
  last: identical,
  firstN: identical,
  lastN: identical,
  distinct: sketch,
  quantile: sketch,
  topN: identical,
  decayedSum: bounded,
  decayedCount: bounded,
}
