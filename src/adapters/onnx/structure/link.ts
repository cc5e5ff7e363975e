/** How what an operator computes becomes what the file answers. */
import type { Link } from '../../../ports/model-structure.ts'
import type { Operator } from './graph.ts'
import { text } from './graph.ts'

/** What lies between an operator and the output of the file. */
export interface Path {
  readonly output: string
  readonly link: Link | null
}

const transforms: { readonly [name: string]: Link } = { NONE: 'identity', LOGISTIC: 'logistic', SOFTMAX: 'softmax' }

/** The operator's own transform, or what comes after it: not both. */
export function linkOf(operator: Operator, { link }: Path): Link | null {
  const own = transforms[text(operator, 'post_transform', 'NONE')] ?? null
  return link === null ? own : own === 'identity' ? link : null
}
