/** What must be so of every expression of a definition; and how a part of `validate` tells what is not. */
import type { Node } from '../expression/node.ts'
import { childrenOf } from '../expression/node.ts'
import { bounds } from '../kernel/limits.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { Field, Fields } from './field.ts'

export type Report = (field: string | null, problem: string, fix: string) => void

export const fieldOf = (fields: Fields, name: string): Field | undefined =>
  Object.hasOwn(fields, name) ? fields[name] : undefined

/** Events' columns inside aggregates only, windows outside them only, and no deeper than a compiler can recurse. */
export function checkTree(
  root: Node,
  grain: 'event' | 'moment',
  fields: Fields | null,
  where: string,
  report: Report,
): void {
  let tooDeep = false
  const search = (node: Node, inside: 'event' | 'moment', depth: number): void => {
    if (depth > bounds.expressionDepth) {
      tooDeep = true
      return
    }
    if (node.kind === 'column' && inside === 'moment')
      report(where, `the field '${node.name}' has no value at a moment`, 'Aggregate it over a window: last(…).over(…).')
    if (node.kind === 'column' && fields !== null && fieldOf(fields, node.name) === undefined)
      report(
        where,
        `there is no field '${node.name}'. ${suggestion(node.name, Object.keys(fields))}`,
        'Use a field of the source.',
      )
    if ((node.kind === 'window' || node.kind === 'moment' || node.kind === 'input') && inside === 'event')
      report(where, 'a value at a moment is used within an event', 'Aggregate fields of events only.')
    for (const child of childrenOf(node)) search(child, node.kind === 'aggregate' ? 'event' : inside, depth + 1)
  }
  search(root, grain, 1)
  if (tooDeep)
    report(
      where,
      `the expression is deeper than ${bounds.expressionDepth}`,
      'Compute a part of it as a feature or a function of its own.',
    )
}
