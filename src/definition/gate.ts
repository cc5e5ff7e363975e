/**
 * The gate of a model: what a version must show before it moves on. Everything that is asked of its answers is an expression over the
 * model's vector and outputs, evaluated by the compiler that also computes the vector.
 */
import { isExpression, toNode } from '../expression/builder.ts'
import type {
  BooleanExpression,
  Logical,
  NumberExpression,
  Numeric,
  StringExpression,
  Textual,
} from '../expression/faces.ts'
import type { Node, Type } from '../expression/node.ts'
import { typeOf } from '../expression/node.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { Entries, Entry, Faces } from './entries.ts'
import { facesOf } from './entries.ts'
import type { Inputs, Model } from './model.ts'
import type { Answers, Outputs } from './output.ts'
import { answersAs } from './output.ts'
import type { Storage } from './source.ts'

/** What a version can say of itself; `Facts` of the registry has one of each. */
export const factNames = [
  'artifact',
  'schema',
  'preprocessing',
  'data',
  'configuration',
  'evaluation',
  'dependencies',
] as const
export type FactName = (typeof factNames)[number]
/** The stages that ask for something. */
export const gatedStages = ['validated', 'staging', 'production'] as const
export type GatedStage = (typeof gatedStages)[number]

/**
 * How much worse is not worse: a share of the loss that the version in production has, '2%', or a number in the unit of what decides, which
 * is the log loss of a probability, the error rate of a label, the mean absolute error of a number.
 */
export type Margin = number | `${number}%`

/** What must hold of every row, or of every row and of what becomes of it when entries of it are changed. */
export interface Invariant {
  /** Each is tried by itself; none: the row as it is. */
  readonly changes: readonly { readonly [entry: string]: Node }[]
  /** Reads 'vector', 'before', which is the answer to the row as it is, and 'after'. Missing: it says nothing of that row. */
  readonly holds: Node
}
export interface Slice {
  readonly of: Node
  readonly minimumRows: number
  readonly noWorseThan: Margin
}
export interface HeldOut {
  readonly data: Storage
  /** The column with the true value of each output that is compared. */
  readonly labels: { readonly [output: string]: string }
  /** Of a probability whose column holds texts: the one that is true. */
  readonly positive: string | null
  readonly noWorseThan: Margin
  /** How often chance alone may pass a version that is worse by the margin. */
  readonly alpha: number
}
export interface Tolerance {
  readonly absolute: number
  readonly relative: number
}

export interface Gate<M extends Model = Model> {
  readonly kind: 'gate'
  /** The model's. */
  readonly name: string
  readonly model: M
  readonly invariants: { readonly [name: string]: Invariant }
  /** Facts that must be recorded for a stage and all that follow it. */
  readonly require: { readonly [S in GatedStage]: readonly FactName[] }
  /** How many people besides whoever asks for the move. */
  readonly approvals: { readonly [S in GatedStage]: number }
  readonly heldOut: HeldOut | null
  readonly slices: { readonly [name: string]: Slice }
  readonly latency: { readonly rows: readonly number[]; readonly p99Ms: number }
  /** What loading and calling it may add to a process. */
  readonly memoryBytes: number | null
  /** How far an output may be from the recorded one. */
  readonly tolerance: Tolerance
  readonly operators: {
    readonly deny: readonly string[]
    /** Both ends included. */
    readonly opset: readonly [low: number, high: number] | null
  }
  readonly description: string | null
}

// --- what its author writes

type Changed<E> =
  E extends BooleanExpression<'moment', null>
    ? Logical<'moment', null>
    : E extends StringExpression<'moment', null>
      ? Textual<'moment', null>
      : Numeric<'moment', null>
type Changes<F> = { readonly [K in keyof F]?: Changed<F[K]> }
type Condition = BooleanExpression<'moment', null>

interface InvariantOf<F, O extends Outputs> {
  /** What to change, or several things to try one after another. */
  readonly change?: (row: { readonly vector: F }) => Changes<F> | readonly Changes<F>[]
  readonly holds: (row: {
    readonly vector: F
    /** The answer to the row as it is; where something is changed, `before` reads better. */
    readonly output: Answers<O>
    readonly before: Answers<O>
    readonly after: Answers<O>
  }) => Condition
}

export interface GateOptions<F, O extends Outputs> {
  readonly invariants?: { readonly [name: string]: InvariantOf<F, O> }
  readonly require?: { readonly [S in GatedStage]?: readonly FactName[] }
  readonly approvals?: { readonly [S in GatedStage]?: number }
  readonly heldOut?: {
    /** Rows of the vector, as `sixfold training-set` writes them or under the names of its entries, with a column of the truth of each output. */
    readonly data: Storage
    readonly labels: { readonly [K in keyof O]?: string }
    readonly positive?: string
    readonly noWorseThan?: Margin
    readonly alpha?: number
  }
  readonly slices?: {
    readonly [name: string]: {
      readonly of: (row: { readonly vector: F }) => Condition
      /** With fewer, nothing is said of the slice. By default 100. */
      readonly minimumRows?: number
      /** Shown to be worse by more than this, it fails. By default the margin of the whole. */
      readonly noWorseThan?: Margin
    }
  }
  /** Rows at once, and within how long 99 of 100 such calls must end; by default the model's budget for inference. */
  readonly latency?: { readonly rows?: readonly number[]; readonly p99Ms?: number }
  readonly memoryBytes?: number
  readonly tolerance?: Partial<Tolerance>
  readonly operators?: { readonly deny?: readonly string[]; readonly opset?: readonly [low: number, high: number] }
  readonly description?: string
}

/** What a file and a definition tell by themselves. */
const standardFacts: readonly FactName[] = ['artifact', 'schema', 'preprocessing', 'dependencies']

export function gate<const Name extends string, I extends Inputs, O extends Outputs, V extends Entries>(
  model: Model<Name, I, O, V>,
  options: GateOptions<Faces<NoInfer<V>>, NoInfer<O>> = {},
): Gate<Model<Name, I, O, V>> {
  const plain = options as GateOptions<AnyFaces, Outputs>
  const { heldOut, require: required = {}, approvals = {} } = plain
  const faces = rowFacesOf(model)
  const noWorseThan = heldOut?.noWorseThan ?? '2%'
  return Object.freeze({
    kind: 'gate',
    name: model.name,
    model,
    invariants: mapped(plain.invariants ?? {}, (invariant) => invariantOf(model, faces, invariant)),
    require: Object.freeze({
      validated: required.validated ?? standardFacts,
      staging: required.staging ?? [],
      production: required.production ?? [],
    }),
    approvals: Object.freeze({
      validated: approvals.validated ?? 0,
      staging: approvals.staging ?? 0,
      production: approvals.production ?? 0,
    }),
    heldOut:
      heldOut === undefined
        ? null
        : Object.freeze({
            data: heldOut.data,
            labels: Object.freeze({ ...heldOut.labels }) as HeldOut['labels'],
            positive: heldOut.positive ?? null,
            noWorseThan,
            alpha: heldOut.alpha ?? 0.05,
          }),
    slices: mapped(plain.slices ?? {}, ({ of, minimumRows, noWorseThan: own }) => ({
      of: nodeOf(of({ vector: faces.vector })),
      minimumRows: minimumRows ?? 100,
      noWorseThan: own ?? noWorseThan,
    })),
    latency: Object.freeze({
      rows: Object.freeze(plain.latency?.rows ?? [1, 32]),
      p99Ms: plain.latency?.p99Ms ?? model.budget.inference,
    }),
    memoryBytes: plain.memoryBytes ?? null,
    tolerance: Object.freeze({
      absolute: plain.tolerance?.absolute ?? 1e-5,
      relative: plain.tolerance?.relative ?? 1e-4,
    }),
    operators: Object.freeze({
      deny: Object.freeze(plain.operators?.deny ?? []),
      opset: plain.operators?.opset ?? null,
    }),
    description: plain.description ?? null,
  })
}

const mapped = <A, B extends object>(
  given: { readonly [name: string]: A },
  map: (value: A) => B,
): { readonly [name: string]: B } =>
  Object.freeze(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Object.freeze(map(value))])))

type AnyFaces = { readonly [entry: string]: Entry }
interface RowFaces {
  readonly vector: AnyFaces
  readonly before: Answers<Outputs>
  readonly after: Answers<Outputs>
}

const rowFacesOf = (model: Model): RowFaces => ({
  vector: facesOf(model.vector),
  before: answersAs('before', model.output),
  after: answersAs('after', model.output),
})

/** What is no expression stays as it is: `validate` names it. */
const nodeOf = (operand: unknown, wanted?: Type): Node =>
  isExpression(operand) || ['number', 'string', 'boolean', 'bigint'].includes(typeof operand)
    ? toNode(operand, wanted)
    : (operand as Node)

function invariantOf(
  model: Model,
  { vector, before, after }: RowFaces,
  { change, holds }: InvariantOf<AnyFaces, Outputs>,
): Invariant {
  const changes = change === undefined ? [] : change({ vector })
  return {
    changes: Object.freeze(
      [changes].flat().map((entries: Changes<AnyFaces>) =>
        Object.freeze(
          Object.fromEntries(
            Object.entries(entries).map(([name, operand]) => {
              const entry = Object.hasOwn(model.vector, name) ? model.vector[name] : undefined
              return [name, nodeOf(operand, entry && typeOf(entry))]
            }),
          ),
        ),
      ),
    ),
    holds: nodeOf(holds({ vector, output: before, before, after })),
  }
}

// --- what is often asked

type Reading<G extends string, K extends string, E> = { readonly [_ in G]: { readonly [P in K]: E } }
type Score = NumberExpression<'moment', never>
interface Of<R> {
  readonly holds: (row: R) => Condition
}
interface Moving<O extends string, E extends string, F, C> {
  readonly change: (row: Reading<'vector', E, F>) => C
  readonly holds: (row: Reading<'before' | 'after', O, Score>) => Condition
}
type Quantity = NumberExpression<'moment', null>

/** Both ends included. */
export const bounded = <const O extends string>(
  output: O,
  low: number,
  high: number,
): Of<Reading<'output', O, Score>> => ({
  holds: (row) => named(row.output, output, 'output').between(low, high),
})

/** Single precision has its noise: less than this is no change. */
const noise = 1e-6

/** Never less where `entry` is more by so much. */
export const increasing = <const O extends string, const E extends string>(
  output: O,
  entry: E,
  by = 1,
): Moving<O, E, Quantity, { readonly [_ in E]: Quantity }> => ({
  change: ({ vector }) => set(entry, named(vector, entry, 'entry').plus(by)),
  holds: ({ before, after }) =>
    named(after, output, 'output')
      .plus(noise)
      .gte(named(before, output, 'output')),
})

/** Never more where `entry` is more by so much. */
export const decreasing = <const O extends string, const E extends string>(
  output: O,
  entry: E,
  by = 1,
): Moving<O, E, Quantity, { readonly [_ in E]: Quantity }> => ({
  change: ({ vector }) => set(entry, named(vector, entry, 'entry').plus(by)),
  holds: ({ before, after }) => named(after, output, 'output').lte(named(before, output, 'output').plus(noise)),
})

/** As good as the same, whichever of the values `entry` has. */
export const unaffected = <const O extends string, const E extends string, const T extends number | string | boolean>(
  output: O,
  entry: E,
  values: readonly T[],
  tolerance = noise,
): Moving<O, E, ValueFace<T>, readonly { readonly [_ in E]: T }[]> => ({
  change: ({ vector }) => {
    named(vector, entry, 'entry')
    return values.map((value) => set(entry, value))
  },
  holds: ({ before, after }) =>
    named(after, output, 'output')
      .minus(named(before, output, 'output'))
      .absolute()
      .lte(tolerance),
})
type ValueFace<T> = T extends number ? Quantity : T extends string ? StringExpression<'moment', null> : Condition

const set = <E extends string, T>(entry: E, value: T): { readonly [_ in E]: T } =>
  ({ [entry]: value }) as { readonly [_ in E]: T }

/** For callers in plain JavaScript, whom no type tells that there is none. */
function named<K extends string, T>(faces: { readonly [_ in K]: T }, name: K, what: 'entry' | 'output'): T {
  if (Object.hasOwn(faces, name)) return faces[name]
  throw new SixfoldError(
    'SX_DEFINITION_INVALID',
    `An invariant asks for the ${what} '${shorten(name)}', which the model does not have. ${suggestion(name, Object.keys(faces))}`,
    { fix: what === 'entry' ? 'Name an entry of the vector.' : 'Name an output of the model.' },
  )
}
