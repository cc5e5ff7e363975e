/** An expression as its author would write it: for people to read, in the console and in messages. Nothing parses it. */
import { formatInstant } from '../kernel/instant.ts'
import { isStandard } from './functions/standard.ts'
import type { Node } from './node.ts'
import { typeOf, visit } from './node.ts'

export const textOf = (root: Node): string =>
  visit<string>(root, {
    literal: ({ type, value }) => {
      if (value === null) return 'null'
      if (type === 'timestamp') return formatInstant(Number(value)).replace('.000Z', 'Z')
      return typeof value === 'string' && type === 'string' ? quoted(value) : String(value)
    },
    column: ({ name }) => name,
    input: ({ group, name }) => `${group}.${name}`,
    moment: () => 'moment()',
    call: (call, text) => {
      const [first, ...rest] = call.arguments
      // An integer among floats becomes one by itself; nobody wrote that.
      if (call.function === 'toFloat' && typeOf(first!) === 'int64') return text(first!)
      if (!isStandard(call.function)) return `${call.function}(${call.arguments.map(text).join(', ')})`
      return `${text(first!)}.${call.function}(${rest.map(text).join(', ')})`
    },
    aggregate: ({ function: name, of, where, options: { n, q, halfLife, skipNulls } }, text) => {
      const operands = [
        ...(of === null ? [] : [text(of)]),
        ...[n, q].filter((number) => number !== undefined).map(String),
        ...(halfLife === undefined ? [] : [quoted(halfLife)]),
      ]
      const condition = where === null ? '' : `.where(${text(where)})`
      return `${name}(${operands.join(', ')})${condition}${skipNulls ? '.skipNulls()' : ''}`
    },
    window: ({ aggregate, length, hop }, text) => {
      if (length === 'ever') return `${text(aggregate)}.ever()`
      return `${text(aggregate)}.over(${quoted(length)}${hop === null ? '' : `, { hop: ${quoted(hop)} }`})`
    },
  })

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
