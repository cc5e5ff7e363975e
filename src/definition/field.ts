/** Fields: `'float64'`, `'float64?'` where it may be missing, or an object that says more. */
import type { Faces, Grain, Literals } from '../expression/faces.ts'
import type { Scalar } from '../expression/node.ts'

export type FieldType = Exclude<Scalar, 'duration'>
export type Declared = FieldType | `${FieldType}?`
export interface NumberField {
  readonly type: 'int64' | 'int64?' | 'float64' | 'float64?'
  /** Both ends included. A value outside is refused where it enters, and counted. */
  readonly range: readonly [min: number, max: number]
}
export interface TextField {
  readonly type: 'string' | 'string?'
  /** Any other value is refused where it enters, and counted. */
  readonly oneOf: readonly string[]
}
export type Field = Declared | NumberField | TextField
export interface Fields {
  readonly [name: string]: Field
}

export type DeclaredOf<F extends Field> = F extends Declared
  ? F
  : F extends { readonly type: infer T extends Declared }
    ? T
    : never
/** One entry for each way of declaring: a lookup, where a template-literal inference would be paid at every use. */
type ColumnFaces<G extends Grain> = { [S in FieldType]: Faces<G, never>[S] } & {
  [S in FieldType as `${S}?`]: Faces<G, null>[S]
}
export type Columns<F extends Fields, G extends Grain> = {
  readonly [K in keyof F]: ColumnFaces<G>[DeclaredOf<F[K]>]
} & {}
/** The columns declared so. Any, where the fields themselves are already red: one mistake, one message. */
export type ColumnsOf<F extends Fields, D extends Declared> = string extends keyof F
  ? string
  : { [K in keyof F]: DeclaredOf<F[K]> extends D ? K : never }[keyof F] & string

export type Bare<D> = D extends `${infer S extends FieldType}?` ? S : D & FieldType
export type Holding<F extends Fields, D extends Field> = ColumnsOf<F, Bare<DeclaredOf<D>> | `${Bare<DeclaredOf<D>>}?`>
/** The names in `Wanted` for which `F` has no column of that name and type. */
export type Unmatched<Wanted extends Fields, F extends Fields> = {
  [P in keyof Wanted & string]: P extends Holding<F, Wanted[P]> ? never : P
}[keyof Wanted & string]

/** What a caller may pass for a field. An instant is a `Date`, never a bare number: seconds for milliseconds cannot happen. */
type Accepted = { [S in FieldType]: S extends 'int64' ? number | bigint : Literals[S] }
type AcceptedBy<F extends Field> = Accepted[Bare<DeclaredOf<F>>]
type Obligatory<F extends Fields> = { [K in keyof F]: DeclaredOf<F[K]> extends `${string}?` ? never : K }[keyof F]
/** A record of values for fields; those that may be missing may be left out. */
export type FieldValues<F extends Fields> = { readonly [K in Obligatory<F>]: AcceptedBy<F[K]> } & {
  readonly [K in Exclude<keyof F, Obligatory<F>>]?: AcceptedBy<F[K]> | null
}

// --- at run time

export const fieldTypes: readonly FieldType[] = ['boolean', 'int64', 'float64', 'string', 'timestamp']

/** A field with every abbreviation written out. */
export interface FieldShape {
  readonly name: string
  readonly type: FieldType
  readonly nullable: boolean
  readonly range: readonly [min: number, max: number] | null
  readonly oneOf: readonly string[] | null
}

export function shapeOf(name: string, field: Field): FieldShape {
  // Whatever stands there in plain JavaScript has a shape, of a type that there is not: `validate` tells of it.
  const said: { readonly type?: unknown; readonly range?: NumberField['range']; readonly oneOf?: TextField['oneOf'] } =
    typeof field === 'object' ? (field ?? {}) : {}
  const declared = typeof field === 'string' ? field : String(said.type)
  return {
    name,
    type: declared.replace('?', '') as FieldType,
    nullable: declared.endsWith('?'),
    range: said.range ?? null,
    oneOf: said.oneOf?.map((value) => value.normalize('NFC')) ?? null,
  }
}

export const shapesOf = (fields: Fields): readonly FieldShape[] =>
  Object.entries(fields).map(([name, field]) => shapeOf(name, field))
