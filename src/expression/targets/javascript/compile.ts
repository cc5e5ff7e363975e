/**
 * The JavaScript target: an expression becomes a closure over a row of values. Types are resolved once, here; the closures
 * only compute. No code is generated from text, so it runs where a content-security policy forbids that.
 */
import { invariant } from '../../../kernel/assert.ts'
import { parseInt64 } from '../../../kernel/int64.ts'
import { specOf } from '../../functions/define.ts'
import type { Evaluate } from '../../functions/spec.ts'
import type { Node, Type, Value } from '../../node.ts'
import { typeOf, visit } from '../../node.ts'

/** Where a leaf stands in the row that the closure will be given. */
export type Locate = (leaf: Node<'column'> | Node<'input'> | Node<'window'> | Node<'moment'>) => number

export function compile(root: Node, locate: Locate): Evaluate {
  const read = (leaf: Parameters<Locate>[0]): Evaluate => {
    const at = locate(leaf)
    invariant(Number.isInteger(at) && at >= 0, 'every leaf of an expression stands in its row')
    return (row) => row[at]!
  }
  return visit<Evaluate>(root, {
    literal: (literal) => {
      const value = literalValue(literal)
      return () => value
    },
    column: read,
    input: read,
    moment: read,
    window: read,
    aggregate: () => {
      throw new TypeError('An aggregate has no value without its window.')
    },
    call: (node, compiled) => {
      const { javascript } = specOf(node)
      const operands = node.arguments.map(compiled)
      if ('lazy' in javascript) return javascript.lazy(operands)
      const takes = node.arguments.map(typeOf) as Type[]
      const constants = node.arguments.map((argument) => (argument.kind === 'literal' ? literalValue(argument) : null))
      return strict(javascript.strict(takes, constants) as (...values: Value[]) => Value, operands, node.arguments)
    },
  })
}

/** An int64 beyond 2^53 stands as text in a node. */
export const literalValue = ({ type, value }: Node<'literal'>): Value =>
  type === 'int64' && typeof value === 'string' ? parseInt64(value) : value

/** Missing in, missing out. One shape for each number of operands: a spread in the hot path costs more than the functions do. */
function strict(
  compute: (...values: Value[]) => Value,
  operands: readonly Evaluate[],
  nodes: readonly Node[],
): Evaluate {
  const [a, b, c] = operands
  if (operands.length === 1) {
    return (row) => {
      const x = a!(row)
      return x === null ? null : compute(x)
    }
  }
  // A function of one value and constants: oneOf, bucket, ordinal, clamp.
  if (nodes.slice(1).every((node) => node.kind === 'literal')) {
    const constants = operands.slice(1).map((constant) => constant([]))
    if (constants.includes(null)) return () => null
    if (constants.length === 1) {
      const [y] = constants as [Value]
      return (row) => {
        const x = a!(row)
        return x === null ? null : compute(x, y)
      }
    }
    return (row) => {
      const x = a!(row)
      return x === null ? null : compute(x, ...constants)
    }
  }
  if (operands.length === 2) {
    return (row) => {
      const x = a!(row)
      if (x === null) return null
      const y = b!(row)
      return y === null ? null : compute(x, y)
    }
  }
  if (operands.length === 3) {
    return (row) => {
      const x = a!(row)
      if (x === null) return null
      const y = b!(row)
      if (y === null) return null
      const z = c!(row)
      return z === null ? null : compute(x, y, z)
    }
  }
  return (row) => {
    const values: Value[] = []
    for (const operand of operands) {
      const value = operand(row)
      if (value === null) return null
      values.push(value)
    }
    return compute(...values)
  }
}
