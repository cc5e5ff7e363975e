/**
 * A function of the user's own: a signature, and a lowering for every target. `sql` is the common form; a dialect's entry holds
 * only its difference, or `cannot(why)`, which the planner turns into an error naming function and target.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import { canonicalJson, sha256 } from '../../kernel/hash.ts'
import { suggestion } from '../../kernel/suggest.ts'
import { express, toNode } from '../builder.ts'
import type { Faces, Grain, Operand } from '../faces.ts'
import type { Node, Scalar, Value } from '../node.ts'
import { typeOf } from '../node.ts'
import type { FunctionDefinition } from './definition.ts'
import { bodyOf, withBody } from './definition.ts'
import type { FunctionSpec } from './spec.ts'
import { exactly } from './spec.ts'
import { isStandard, standard } from './standard.ts'

export interface Callable<T extends readonly Scalar[], S extends Scalar, M extends boolean> {
  <G extends Grain, N extends null = never>(
    ...operands: { [I in keyof T]: Operand<T[I], G, N> }
  ): Faces<G, M extends true ? null : S extends 'float64' ? N | null : N>[S]
  readonly definition: FunctionDefinition<T, S, M>
}

/** A function of one's own, with a typed call and a lowering for every target. */
export function defineFunction<const T extends readonly Scalar[], const S extends Scalar, const M extends boolean>(
  name: string,
  definition: FunctionDefinition<T, S, M>,
): Callable<T, S, M> {
  if (!/^[a-z][a-zA-Z0-9_]{0,63}$/.test(name) || isStandard(name))
    throw new SixfoldError('SX_DEFINITION_INVALID', `A function cannot be called '${name}'.`, {
      fix: isStandard(name)
        ? 'Sixfold has a function of that name; choose another.'
        : 'Use a letter, then letters, digits and _, at most 64 in all.',
    })
  const erased = Object.freeze({ ...definition }) as unknown as FunctionDefinition
  const version = sha256(describe(erased)).slice(0, 16)
  const call = (...operands: readonly unknown[]): unknown => {
    const resolved = exactly(definition.takes, definition.gives)(operands.map((operand) => typeOf(toNode(operand))))
    if (typeof resolved === 'string') throw new SixfoldError('SX_EXPRESSION_INVALID', `${name} ${resolved}.`)
    const node: Node<'call'> = Object.freeze({
      kind: 'call',
      function: name,
      type: definition.gives,
      arguments: operands.map((operand, i) => toNode(operand, resolved.takes[i])),
      version,
    })
    return express(withBody(node, erased))
  }
  return Object.freeze(Object.assign(call, { definition: Object.freeze(definition) })) as unknown as Callable<T, S, M>
}

/** The specification of the function that a node calls, the standard library's or the user's. */
export function specOf(node: Node<'call'>): FunctionSpec {
  if (isStandard(node.function)) return standard[node.function]
  const body = bodyOf(node)
  if (body) return specOfBody(node.function, body)
  throw new SixfoldError(
    'SX_EXPRESSION_INVALID',
    `There is no function '${node.function}'. ${suggestion(node.function, Object.keys(standard))}`,
  )
}

function specOfBody(name: string, { takes, gives, javascript, sql, dialects }: FunctionDefinition): FunctionSpec {
  return {
    signature: exactly(takes, gives),
    exact: false,
    javascript: {
      strict: () =>
        gives === 'float64'
          ? (...values: never[]) => finite(javascript(...values))
          : (javascript as (...values: never[]) => Value),
    },
    sql: (writer, operands) => {
      const own = dialects?.[writer.dialect.name] ?? sql
      if (typeof own !== 'function')
        throw new SixfoldError(
          'SX_EXPRESSION_UNSUPPORTED',
          `The function '${name}' cannot run in ${writer.dialect.name}: ${own.cannot}.`,
        )
      const present = (text: string, ...values: string[]): string =>
        `(CASE WHEN ${values.map((value) => `${value} IS NOT NULL`).join(' AND ')} THEN ${text} END)`
      const result = writer.repeat(operands, (...values) =>
        values.length === 0 ? own() : present(own(...values), ...values),
      )
      return gives === 'float64' ? writer.finite(result) : result
    },
  }
}

const finite = (value: Value): Value => (typeof value === 'number' && Number.isFinite(value) ? value + 0 : null)

/** What the version is the hash of: the signature, and the text of every lowering. */
function describe({ takes, gives, mayBeMissing, javascript, sql, dialects }: FunctionDefinition): string {
  const bodies = Object.entries(dialects ?? {}).map(([dialect, body]) => [
    dialect,
    typeof body === 'function' ? body.toString() : body,
  ])
  return canonicalJson([takes, gives, mayBeMissing, javascript.toString(), sql.toString(), Object.fromEntries(bodies)])
}
