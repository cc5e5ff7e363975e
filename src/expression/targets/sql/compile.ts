/** The SQL targets: an expression becomes text over columns, through one engine's dialect. Written once for all of them. */
import { specOf } from '../../functions/define.ts'
import type { Node } from '../../node.ts'
import { typeOf, visit } from '../../node.ts'
import type { Fragment, Writer } from './writer.ts'

/** What stands for a leaf: a column of the base relation, or what has been made of several. */
export type Refer = (leaf: Node<'column'> | Node<'input'> | Node<'window'> | Node<'moment'>) => Fragment

export function compile(root: Node, writer: Writer, refer: Refer): Fragment {
  return visit<Fragment>(root, {
    literal: ({ type, value }) => writer.atom(writer.dialect.literal(type, value)),
    column: refer,
    input: refer,
    moment: refer,
    window: refer,
    aggregate: () => {
      throw new TypeError('An aggregate has no value without its window.')
    },
    call: (node, compiled) => specOf(node).sql(writer, node.arguments.map(compiled), node.arguments.map(typeOf)),
  })
}
