/** Whether an expression may be missing: the run-time side of what `N` says in the types. Overflow is not counted: it is a defect of data. */
import type { Method } from './faces.ts'
import { bodyOf } from './functions/definition.ts'
import { isStandard } from './functions/standard.ts'
import type { Node } from './node.ts'
import { typeOf, visit } from './node.ts'

/** Functions that may give nothing although every operand is there. */
const partial: readonly Method[] = [
  'dividedBy',
  'floorDividedBy',
  'modulo',
  'squareRoot',
  'exponential',
  'logarithm',
  'power',
  'ordinal',
  'at',
  'toTimestamp',
]

export const isNullable = (root: Node): boolean =>
  visit<boolean>(root, {
    literal: ({ value }) => value === null,
    column: ({ nullable }) => nullable,
    input: ({ nullable }) => nullable,
    moment: () => false,
    aggregate: ({ function: name }) => !['count', 'distinct', 'decayedCount'].includes(name),
    window: ({ aggregate }, nullable) => nullable(aggregate),
    call: (node, nullable) => {
      const operands = node.arguments
      switch (node.function) {
        case 'isMissing':
          return false
        case 'orElse':
          return operands.every(nullable)
        case 'choose':
          return operands.slice(1).some(nullable)
        case 'toInteger':
        case 'toFloat': {
          const type = typeOf(operands[0]!)
          return type === 'string' || (node.function === 'toInteger' && type === 'float64') || operands.some(nullable)
        }
      }
      if (isStandard(node.function)) return partial.includes(node.function) || operands.some(nullable)
      return bodyOf(node)?.mayBeMissing !== false || operands.some(nullable)
    },
  })
