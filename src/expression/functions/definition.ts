/** What a user says of a function of their own, and where it is kept beside the nodes that call it. */
import type { Node, Scalar } from '../node.ts'
import type { DialectName } from '../targets/sql/dialect.ts'
import type { Cannot } from './spec.ts'

/** What an engine holds for a scalar; instants and durations are integer milliseconds. */
export interface Native {
  boolean: boolean
  int64: number | bigint
  float64: number
  string: string
  timestamp: number
  duration: number
}
type Natives<T extends readonly Scalar[]> = { [I in keyof T]: Native[T[I]] }
type Sql<T extends readonly unknown[]> = (...operands: { [I in keyof T]: string }) => string

/**
 * Strict: a missing argument makes the result missing, and no lowering ever sees one. `mayBeMissing` adds that the function may
 * itself give none. A float result that is not finite becomes missing in every target.
 */
export interface FunctionDefinition<
  T extends readonly Scalar[] = readonly Scalar[],
  S extends Scalar = Scalar,
  M extends boolean = boolean,
> {
  readonly takes: T
  readonly gives: S
  readonly mayBeMissing: M
  readonly javascript: (...values: Natives<T>) => Native[S] | (M extends true ? null : never)
  readonly sql: Sql<T>
  readonly dialects?: { readonly [D in DialectName]?: Sql<T> | Cannot }
}

/**
 * The body of a user's own function travels beside its node, not in it: a node is data. It is kept by identity, so that a tree
 * taken from JSON has none until its platform's definitions are loaded.
 */
const bodies = new WeakMap<Node, FunctionDefinition>()
export const bodyOf = (node: Node<'call'>): FunctionDefinition | undefined => bodies.get(node)
export function withBody(node: Node<'call'>, definition: FunctionDefinition): Node<'call'> {
  bodies.set(node, definition)
  return node
}
