/** A model: what it is asked with, the vector it is given, what it answers, and what answers when it cannot. */
import { express, toNode } from '../expression/builder.ts'
import type { Numeric, Textual } from '../expression/faces.ts'
import type { Node } from '../expression/node.ts'
import { typeOf, walk } from '../expression/node.ts'
import { isNullable } from '../expression/nullable.ts'
import type { Duration } from '../kernel/duration.ts'
import type { KeyFields, KeyType } from './entity.ts'
import type { Entries, Faces } from './entries.ts'
import { facesOf, flatten } from './entries.ts'
import type { Columns, Fields } from './field.ts'
import type { Answers, Label, Output, Outputs, Vector } from './output.ts'
import { answersAs } from './output.ts'
import type { AnyView, Features } from './view.ts'
import { columns } from './view.ts'

export type { Entries, Entry } from './entries.ts'
export type { Label, Output, Outputs, OutputValue, Vector } from './output.ts'
export { label, vector } from './output.ts'

export interface Inputs {
  readonly [name: string]: AnyView | Fields
}
type KeyNames<V> = V extends AnyView ? keyof V['key'] & string : never
type KeyOf<V, P extends string> = V extends { readonly key: { readonly [_ in P]: infer T extends KeyType } } ? T : never
/** The keys of all views of a model, as fields: what a caller must name. */
export type KeysOf<I extends Inputs> = { readonly [P in KeyNames<I[keyof I]>]: KeyOf<I[keyof I], P> }
type Torn<I extends Inputs> = {
  [P in KeyNames<I[keyof I]>]: Single<KeyOf<I[keyof I], P>> extends true ? never : P
}[KeyNames<I[keyof I]>]
/** True for one type, false for a union of several. */
type Single<T, U = T> = T extends unknown ? ([U] extends [T] ? true : false) : never
/** Two views may share a key only if they mean the same type by it. */
type Agreeing<I extends Inputs> = [Torn<I>] extends [never]
  ? unknown
  : { readonly 'views disagree on the type of the key': Torn<I> }
export type RequestOf<I extends Inputs> = I extends { readonly request: infer F extends Fields } ? F : {}
type Group<V> = V extends AnyView ? V['features'] : V extends Fields ? Columns<V, 'moment'> : never
/** What `vector` and `fallback` read: each input by its name, and the keys themselves. */
export type InputsAtMoment<I extends Inputs> = { readonly [K in keyof I]: Group<I[K]> } & {
  readonly keys: Columns<KeysOf<I>, 'moment'>
}

/** Never missing: a fallback is the last thing that answers. */
type FallbackValue<O extends Output> =
  O extends Label<infer T>
    ? Textual<'moment', never, T>
    : O extends Vector
      ? readonly number[]
      : Numeric<'moment', never>
type Fallback<O extends Outputs> = { readonly [K in keyof O]: FallbackValue<O[K]> }
/** What an output becomes: of a vector, nothing else. */
type PostValue<O extends Output> =
  O extends Label<infer T> ? Textual<'moment', null, T> : O extends Vector ? never : Numeric<'moment', null>
/** Outputs that are computed, from what the file gives and from the vector: a calibration, a threshold, a rule. */
type Post<O extends Outputs> = { readonly [K in keyof O]?: PostValue<O[K]> }
/** An object returned by a callback gets no excess-property check; this gives it one. */
type NothingBut<K extends PropertyKey, T> = { readonly [P in keyof T]: P extends K ? T[P] : never }

/**
 * Milliseconds from the caller's sending to its having the answer, and how they are meant to be spent. What the parts leave of the total is
 * for what nobody foresaw.
 */
export interface Budget {
  readonly total: number
  /** On the way here, and back: a server is not there to see them, and must leave them. */
  readonly networkIn: number
  readonly features: number
  readonly assembly: number
  /** Waiting for the model, and the model. */
  readonly inference: number
  readonly post: number
  readonly networkOut: number
}
export const standardBudget: Budget = Object.freeze({
  total: 100,
  networkIn: 10,
  features: 15,
  assembly: 5,
  inference: 40,
  post: 5,
  networkOut: 10,
})
/** A total alone is split as the standard one is. */
export const budgetOf = (given: number | Partial<Budget> = {}): Budget => {
  const { total = standardBudget.total, ...parts } = typeof given === 'number' ? { total: given } : given
  const scaled = Object.entries(standardBudget).map(([part, ms]) => [part, (ms * total) / standardBudget.total])
  return Object.freeze({ ...(Object.fromEntries(scaled) as unknown as Budget), ...parts, total })
}

/** What stands in for what cannot be had in time, before the fallback does; each for how long it is good. Null: it does not stand in. */
export interface Degrade {
  /** The values that an entity's features last had. */
  readonly lastKnown: Duration | null
  /** What was answered to the same question. */
  readonly cached: Duration | null
}
export const standardDegrade: Degrade = Object.freeze({ lastKnown: '10m', cached: '5m' })

declare const entries: unique symbol
export interface Model<
  Name extends string = string,
  I extends Inputs = Inputs,
  O extends Outputs = Outputs,
  V extends Entries = Entries,
> {
  readonly kind: 'model'
  /** What `vector` returned, for the type checker alone. */
  readonly [entries]?: V
  readonly name: Name
  readonly inputs: I
  readonly output: O
  readonly key: KeyFields
  readonly vector: { readonly [name: string]: Node }
  /** A node for each output; of a vector, its numbers. */
  readonly fallback: { readonly [K in keyof O]: Node | readonly number[] }
  /** Outputs that are not as the file gives them: reads 'output', which is what it gives, and 'vector'. */
  readonly post: { readonly [K in keyof O]?: Node }
  readonly budget: Budget
  readonly degrade: Degrade
  /** For how long an answer of the version to the same vector is given again without calling it; null: it is called each time. */
  readonly reuse: Duration | null
  readonly description: string | null
}

export function model<
  const Name extends string,
  const I extends Inputs,
  const O extends Outputs,
  const B extends Fallback<O>,
  const V extends Entries,
>(
  name: Name,
  options: {
    readonly inputs: I & Agreeing<NoInfer<I>>
    readonly vector: (inputs: InputsAtMoment<NoInfer<I>>) => V
    readonly output: O
    /**
     * Outputs that are made of what the file gives and of the vector. One that no expression here reads is not asked of the file. A value
     * that is missing, or a probability that is none, is answered by the fallback.
     */
    readonly post?: (row: {
      readonly output: Answers<NoInfer<O>>
      readonly vector: Faces<NoInfer<V>>
    }) => Post<NoInfer<O>>
    /** Milliseconds in all, or how they are split. By default 100. */
    readonly budget?: number | Partial<Budget>
    readonly degrade?: Partial<Degrade>
    readonly reuse?: Duration
    readonly fallback: (inputs: InputsAtMoment<NoInfer<I>>) => B & NothingBut<keyof O, B>
    readonly description?: string
  },
): Model<Name, I, O, V> {
  const inputs: Inputs = options.inputs
  const groups = Object.entries(inputs).map(
    ([group, input]) => [group, isView(input) ? featureInputs(input, group) : columns(input, group)] as const,
  )
  const keys: KeyFields = Object.assign({}, ...viewsOf(inputs).map(([, { key }]) => key))
  const moment = Object.freeze({
    ...Object.fromEntries(groups),
    keys: columns(keys, 'keys'),
  }) as unknown as InputsAtMoment<I>
  const fallback = Object.entries(options.fallback(moment)).map(
    ([n, operand]) => [n, Array.isArray(operand) ? operand : toNode(operand)] as const,
  )
  const vector = Object.freeze(Object.fromEntries(flatten(options.vector(moment))))
  const faces = { output: answersAs('output', options.output), vector: facesOf(vector) }
  const post = Object.entries(options.post?.(faces as never) ?? {}).map(([n, operand]) => [n, toNode(operand)] as const)
  return Object.freeze({
    kind: 'model',
    name,
    inputs: Object.freeze(options.inputs),
    output: Object.freeze(options.output),
    key: Object.freeze(keys),
    vector,
    fallback: Object.freeze(Object.fromEntries(fallback)) as Model<Name, I, O>['fallback'],
    post: Object.freeze(Object.fromEntries(post)) as Model<Name, I, O>['post'],
    budget: budgetOf(options.budget),
    degrade: Object.freeze({ ...standardDegrade, ...options.degrade }),
    reuse: options.reuse ?? null,
    description: options.description ?? null,
  })
}

export const isView = (input: AnyView | Fields): input is AnyView =>
  'kind' in input &&
  (input as { readonly kind: unknown }).kind === 'view' &&
  typeof (input as AnyView).features === 'object'

/** The views among a model's inputs, by the name of their group. */
export const viewsOf = (inputs: Inputs): readonly (readonly [group: string, view: AnyView])[] =>
  Object.entries(inputs).filter((entry): entry is [string, AnyView] => isView(entry[1]))

/** The request fields of a model. */
export const requestOf = (inputs: Inputs): Fields => {
  const request = inputs['request']
  return request === undefined || isView(request) ? {} : request
}

const featureInputs = ({ features }: AnyView, group: string): Features =>
  Object.fromEntries(
    Object.entries(features).map(([name, { node }]) => [
      name,
      express({ kind: 'input', group, name, type: typeOf(node), nullable: isNullable(node) }),
    ]),
  )

/** Outputs that the file gives: all but those that are computed and that no computation reads. */
export function fileOutputsOf({ output, post }: Model): Outputs {
  const read = new Set<string>()
  for (const node of Object.values(post))
    for (const leaf of walk(node!)) if (leaf.kind === 'input' && leaf.group === 'output') read.add(leaf.name)
  return Object.fromEntries(Object.entries(output).filter(([name]) => !Object.hasOwn(post, name) || read.has(name)))
}
