/**
 * The one implementation behind all faces. A method call resolves its types at once, so that a wrong operand is an error where
 * it is written, also in plain JavaScript, and every tree that exists is sound.
 */
import { SixfoldError } from '../kernel/errors.ts'
import { isInstant } from '../kernel/instant.ts'
import { toInt64 } from '../kernel/int64.ts'
import type { AnyExpression, Grain, TimestampExpression } from './faces.ts'
import { standard } from './functions/standard.ts'
import type { Node, Type } from './node.ts'
import { typeOf } from './node.ts'

/** The only cast from data to a typed face. Callers state the face; definitions derive it from the declared field. */
export function express<E extends AnyExpression<Grain>>(node: Node): E {
  return Object.freeze(Object.assign(Object.create(methods), { node: Object.freeze(node) })) as E
}

export const isExpression = (value: unknown): value is AnyExpression<Grain> =>
  typeof value === 'object' && value !== null && 'node' in value && Object.getPrototypeOf(value) === methods

/** The moment asked about, in a view's feature or a model's vector: `moment().since(last(arrival).ever()).minutes()`. */
export const moment = (): TimestampExpression<'moment', never> => express({ kind: 'moment', type: 'timestamp' })

/** An operand as a node: an expression's own, or a literal, which takes the type wanted where it can. */
export function toNode(operand: unknown, wanted?: Type): Node {
  if (isExpression(operand)) return convert(operand.node, wanted)
  switch (typeof operand) {
    case 'number':
      if (!Number.isFinite(operand)) throw invalid(`${operand} is not a value: write nothing, or a finite number`)
      if (wanted === 'float64' || !Number.isSafeInteger(operand))
        return { kind: 'literal', type: 'float64', value: operand + 0 }
      return { kind: 'literal', type: 'int64', value: operand + 0 }
    case 'bigint': {
      if (wanted === 'float64') return { kind: 'literal', type: 'float64', value: Number(operand) }
      const value = toInt64(operand)
      if (value === null) throw invalid(`${operand} does not fit in 64 bits`)
      return { kind: 'literal', type: 'int64', value: typeof value === 'bigint' ? String(value) : value }
    }
    case 'boolean':
      return { kind: 'literal', type: 'boolean', value: operand }
    case 'string':
      return { kind: 'literal', type: 'string', value: operand.normalize('NFC') }
  }
  if (operand instanceof Date) {
    if (!isInstant(operand.getTime())) throw invalid('the date is not valid, or not in the years 1 to 9999')
    return { kind: 'literal', type: 'timestamp', value: operand.getTime() }
  }
  throw invalid(`${operand === null ? 'null' : typeof operand} is neither an expression nor a constant`)
}

function convert(node: Node, wanted: Type | undefined): Node {
  if (wanted !== 'float64' || typeOf(node) !== 'int64') return node
  if (node.kind === 'literal') return { ...node, type: 'float64', value: Number(node.value) }
  return Object.freeze({ kind: 'call', function: 'toFloat', type: 'float64', arguments: [node] })
}

/** A call of a standard function, with its operands brought to the types it takes. */
export function call(name: keyof typeof standard, operands: readonly unknown[]): Node<'call'> {
  const types = operands.map((operand) => typeOf(toNode(operand)))
  const signature = standard[name].signature(types)
  if (typeof signature === 'string') throw invalid(`${name} ${signature}`)
  checkConstants(name, operands)
  const nodes = operands.map((operand, i) => toNode(operand, signature.takes[i]))
  return Object.freeze({ kind: 'call', function: name, type: signature.gives, arguments: nodes })
}

const methods: object = Object.freeze({
  ...Object.fromEntries(
    (Object.keys(standard) as (keyof typeof standard)[]).map((name) => [
      name,
      function (this: AnyExpression<Grain>, ...rest: readonly unknown[]) {
        return express(call(name, [this, ...rest]))
      },
    ]),
  ),
  oneHot(this: AnyExpression<Grain>, ...values: readonly string[]) {
    if (values.length === 0) throw invalid('oneHot takes at least one value')
    const entry = (value: string): AnyExpression<Grain> =>
      express(call('toInteger', [express(call('orElse', [express(call('eq', [this, value])), false]))]))
    return Object.freeze(Object.fromEntries(values.map((value) => [value, entry(value)])))
  },
})

/** What the types cannot say: constants that must be constant, and within their range. */
function checkConstants(name: string, operands: readonly unknown[]): void {
  const constants = operands.slice(1)
  const numeric = (): number[] => {
    if (!constants.every((value) => typeof value === 'number')) throw invalid(`${name} takes constant numbers`)
    return constants as number[]
  }
  switch (name) {
    case 'bucket': {
      const edges = numeric()
      if (edges.some((edge, i) => i > 0 && edge <= edges[i - 1]!)) throw invalid('the edges of bucket must ascend')
      return
    }
    case 'standardize':
      if (numeric()[1] === 0) throw invalid('standardize cannot divide by a deviation of 0')
      return
    case 'rescale':
    case 'clamp':
    case 'between': {
      const [low, high] = numeric()
      if (!(low! < high! || (name !== 'rescale' && low === high))) throw invalid(`${name} takes the low bound first`)
      return
    }
    case 'hashBucket':
      if (!Number.isSafeInteger(constants[0]) || (constants[0] as number) < 1)
        throw invalid('hashBucket takes a number of buckets, 1 or more')
      return
    case 'at':
      if (!Number.isSafeInteger(constants[0]) || (constants[0] as number) < 0)
        throw invalid('at takes a position from 0')
      return
    case 'oneOf':
    case 'ordinal':
      if (constants.length === 0 || constants.some(isExpression)) throw invalid(`${name} takes constants, at least one`)
  }
}

const invalid = (what: string): SixfoldError => new SixfoldError('SX_EXPRESSION_INVALID', `In an expression: ${what}.`)
