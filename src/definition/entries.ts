/** The entries of a vector: what a model's author names, and what an expression over a vector reads. */
import { express, isExpression } from '../expression/builder.ts'
import type { BooleanExpression, NumberExpression, StringExpression } from '../expression/faces.ts'
import type { Node, Scalar } from '../expression/node.ts'
import { typeOf } from '../expression/node.ts'
import { isNullable } from '../expression/nullable.ts'

export type Entry =
  | NumberExpression<'moment', null>
  | BooleanExpression<'moment', null>
  | StringExpression<'moment', null>
/** One-hot gives several entries at once: they are named `entry_value`. */
export type Entries = {
  readonly [name: string]: Entry | { readonly [value: string]: NumberExpression<'moment', null> }
}

/** The vector's entries as faces, with the several of a one-hot beside the others. */
export type Faces<V extends Entries> = {
  readonly [K in keyof V as V[K] extends Entry ? K : never]: V[K] extends Entry ? V[K] : never
} & {
  readonly [K in keyof V & string as V[K] extends Entry ? never : `${K}_${keyof V[K] & string}`]: NumberExpression<
    'moment',
    null
  >
}

/** Of a vector by its nodes, in the group 'vector'. */
export const facesOf = (vector: { readonly [name: string]: Node }): { readonly [entry: string]: Entry } =>
  Object.fromEntries(
    Object.entries(vector).map(([name, node]) => [
      name,
      express({ kind: 'input', group: 'vector', name, type: typeOf(node) as Scalar, nullable: isNullable(node) }),
    ]),
  )

export const flatten = (entries: Entries): (readonly [string, Node])[] =>
  Object.entries(entries).flatMap(([name, entry]) =>
    isExpression(entry)
      ? [[name, entry.node] as const]
      : Object.entries(entry).map(([value, { node }]) => [`${name}_${value}`, node] as const),
  )
