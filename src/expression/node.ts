/**
 * The serialisable form of every expression: plain frozen data, no methods, identified by the hash of its JSON.
 *
 * A new kind is one line in `Shapes`; every compiler that lacks it then fails to compile, because `Visitor` maps over all
 * kinds. Nodes are complete: every node knows its type, and every change of type is a node of its own (`toFloat` where an
 * integer meets a float), so that a compiler never has to decide anything.
 */
import type { Duration } from '../kernel/duration.ts'

export type Scalar = 'boolean' | 'int64' | 'float64' | 'string' | 'timestamp' | 'duration'
export type Type = Scalar | `${Scalar}[]`

/**
 * What the JavaScript engine holds for a value. An int64 is a number where it is safe (below 2^53) and a bigint beyond, never
 * the other way round; instants and durations are whole milliseconds; missing is null; NaN, infinities and -0 do not occur.
 */
export type Value = null | boolean | number | bigint | string | readonly Value[]

export type AggregateName =
  | 'count'
  | 'sum'
  | 'mean'
  | 'min'
  | 'max'
  | 'variance'
  | 'stddev'
  | 'first'
  | 'last'
  | 'firstN'
  | 'lastN'
  | 'distinct'
  | 'quantile'
  | 'topN'
  | 'decayedSum'
  | 'decayedCount'

/** The constants of an aggregate. */
export interface AggregateOptions {
  /** How many: firstN, lastN, topN. */
  readonly n?: number
  /** Which quantile, from 0 to 1. */
  readonly q?: number
  /** After this long an event weighs half: decayedSum, decayedCount. */
  readonly halfLife?: Duration
  /** first, last, firstN, lastN: pass over events whose value is missing. */
  readonly skipNulls?: true
}

interface Shapes {
  /** A constant; instants and durations in milliseconds; an int64 beyond 2^53 as text. */
  literal: { readonly type: Scalar; readonly value: string | number | boolean | null }
  /** A field of one event of the view's source. */
  column: { readonly name: string; readonly type: Scalar; readonly nullable: boolean }
  /** A value known at the moment asked about: a feature, a request field, a key. */
  input: { readonly group: string; readonly name: string; readonly type: Type; readonly nullable: boolean }
  /** The moment asked about itself. */
  moment: { readonly type: 'timestamp' }
  call: {
    readonly function: string
    readonly type: Type
    readonly arguments: readonly Node[]
    /** The hash of a user's own function, so that a changed body is a changed expression. */
    readonly version?: string
  }
  aggregate: {
    readonly function: AggregateName
    readonly type: Type
    readonly of: Node | null
    readonly where: Node | null
    readonly options: AggregateOptions
  }
  /** `hop` null means the rule of `aggregation/window.ts`; '0' means exact. */
  window: {
    readonly aggregate: Node<'aggregate'>
    readonly length: Duration | 'ever'
    readonly hop: Duration | '0' | null
  }
}

export type Kind = keyof Shapes
export type Node<K extends Kind = Kind> = { [P in K]: { readonly kind: P } & Shapes[P] }[K]
export type Visitor<R> = { readonly [K in Kind]: (node: Node<K>, visit: (child: Node) => R) => R }

export function visit<R>(root: Node, visitor: Visitor<R>): R {
  const step = <K extends Kind>(node: Node<K>): R => visitor[node.kind](node, step)
  return step(root)
}

/** The type that a node yields. Also the smallest example of an exhaustive visitor. */
export const typeOf = (node: Node): Type =>
  visit<Type>(node, {
    literal: ({ type }) => type,
    column: ({ type }) => type,
    input: ({ type }) => type,
    moment: ({ type }) => type,
    call: ({ type }) => type,
    aggregate: ({ type }) => type,
    window: ({ aggregate }, typed) => typed(aggregate),
  })

/** The nodes directly under a node. */
export const childrenOf = (node: Node): readonly Node[] =>
  visit<readonly Node[]>(node, {
    literal: () => [],
    column: () => [],
    input: () => [],
    moment: () => [],
    call: (call) => call.arguments,
    aggregate: ({ of, where }) => [of, where].filter((child) => child !== null),
    window: ({ aggregate }) => [aggregate],
  })

/** Every node of a tree, the root first. */
export function* walk(root: Node): Generator<Node> {
  yield root
  for (const child of childrenOf(root)) yield* walk(child)
}

export const elementOf = (type: Type): Scalar => (type.endsWith('[]') ? type.slice(0, -2) : type) as Scalar
export const isList = (type: Type): boolean => type.endsWith('[]')
