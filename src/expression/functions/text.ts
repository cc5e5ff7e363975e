/** Strings: by code points, without locale, the same in every engine. */
import { md5Hash52 } from '../../kernel/hash.ts'
import type { Value } from '../node.ts'
import type { Dialect } from '../targets/sql/dialect.ts'
import type { FunctionSpec } from './spec.ts'
import { alike, exactly } from './spec.ts'

const test = (
  holds: (x: string, part: string) => boolean,
  lowered: 'contains' | 'startsWith' | 'endsWith',
): FunctionSpec => ({
  signature: exactly(['string', 'string'], 'boolean'),
  exact: true,
  javascript: { strict: () => holds },
  sql: (w, operands) => w.of(operands, (x, part) => w.dialect[lowered](x, part)),
})
const oneOperand =
  (lower: (x: string, dialect: Dialect) => string): FunctionSpec['sql'] =>
  (w, operands) =>
    w.of(operands, (x) => lower(x, w.dialect))

type Name = 'lower' | 'length' | 'concat' | 'contains' | 'startsWith' | 'endsWith' | 'hashBucket' | 'ordinal'

export const text: Readonly<Record<Name, FunctionSpec>> = {
  lower: {
    signature: exactly(['string'], 'string'),
    exact: true,
    javascript: { strict: () => lower },
    sql: oneOperand((x, d) => d.lower(x)),
  },
  length: {
    signature: exactly(['string'], 'int64'),
    exact: true,
    javascript: { strict: () => codePoints },
    sql: oneOperand((x, d) => d.codePoints(x)),
  },
  concat: {
    signature: exactly(['string', 'string'], 'string'),
    exact: true,
    javascript: { strict: () => (a: string, b: string) => a + b },
    sql: (w, operands) => w.of(operands, (a, b) => w.dialect.concat(a, b)),
  },
  contains: test((x, part) => x.includes(part), 'contains'),
  startsWith: test((x, part) => x.startsWith(part), 'startsWith'),
  endsWith: test((x, part) => x.endsWith(part), 'endsWith'),
  hashBucket: {
    signature: exactly(['string', 'int64'], 'int64'),
    exact: true,
    javascript: { strict: () => (x: string, n: number) => md5Hash52(x) % n },
    sql: (w, operands) => w.of(operands, (x, n) => `(${w.dialect.hash52(x)} % ${n})`),
  },
  ordinal: {
    signature: alike(() => 'int64'),
    exact: true,
    javascript: {
      strict: (_, [, ...values]) => {
        const positions = new Map(values.map((value, i) => [value, i]).reverse() as [Value, number][])
        return (x: Value) => positions.get(x) ?? null
      },
    },
    sql: (w, operands) =>
      w.repeat(
        operands,
        (x, ...values) =>
          `(CASE ${values.map((value, i) => `WHEN ${x} = ${value} THEN ${w.dialect.literal('int64', i)}`).join(' ')} END)`,
      ),
  },
}

/** Simple case mapping, one code point to one: U+0130 is the only letter whose JavaScript mapping has two. */
function lower(x: string): string {
  if (/^[\x20-\x7e]*$/.test(x)) return x.toLowerCase()
  let result = ''
  for (const letter of x) result += letter === '\u0130' ? 'i' : letter.toLowerCase()
  return result
}

function codePoints(x: string): number {
  let count = 0
  for (let i = 0; i < x.length; i++) if ((x.charCodeAt(i) & 0xfc00) !== 0xdc00) count++
  return count
}
