/** What a model answers: kinds of outputs, and what they are to an expression. */
import { express } from '../expression/builder.ts'
import type { ListExpression, NumberExpression, StringExpression } from '../expression/faces.ts'
import type { Type } from '../expression/node.ts'

export interface Label<T extends string> {
  readonly label: readonly T[]
}
export interface Vector {
  readonly vector: number
}
/** One of several texts. */
export const label = <const T extends string>(...label: readonly T[]): Label<T> => Object.freeze({ label })
/** So many numbers. */
export const vector = (length: number): Vector => Object.freeze({ vector: length })
export type Output = 'probability' | 'number' | Label<string> | Vector
export interface Outputs {
  readonly [name: string]: Output
}
export type OutputValue<O extends Output> = O extends Label<infer T> ? T : O extends Vector ? readonly number[] : number
type Answer<O extends Output> =
  O extends Label<infer T>
    ? StringExpression<'moment', never, T>
    : O extends Vector
      ? ListExpression<'moment', 'number', never>
      : NumberExpression<'moment', never>
/** What an expression over answers reads, by output. */
export type Answers<O extends Outputs> = { readonly [K in keyof O]: Answer<O[K]> }

export const answersAs = <O extends Outputs>(group: string, output: O): Answers<O> =>
  Object.fromEntries(
    Object.entries(output).map(([name, kind]) => [
      name,
      express({ kind: 'input', group, name, type: typeOfOutput(kind), nullable: false }),
    ]),
  ) as unknown as Answers<O>

/** What an output is to an expression; kinds that there are not are told of where the model is validated. */
export const typeOfOutput = (kind: Output): Type =>
  typeof kind !== 'object' || kind === null ? 'float64' : 'label' in kind ? 'string' : 'float64[]'
