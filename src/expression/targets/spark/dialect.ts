/**
 * Spark 4, its session in UTC and not in ANSI mode: what overflows or divides by nothing is then no error of the whole job. Its optimizer
 * must not reorder sums and products (ReorderAssociativeOperator): one that overflows on the way would not any more.
 */
import { SixfoldError } from '../../../kernel/errors.ts'
import type { Dialect } from '../sql/dialect.ts'

const infinity = "CAST('Infinity' AS DOUBLE)"

export const spark: Dialect = Object.freeze<Dialect>({
  name: 'spark',
  identifier: (name) => `\`${name.replaceAll('`', '``')}\``,
  literal: (type, value) => {
    if (value === null) return 'NULL'
    switch (type) {
      case 'boolean':
        return value ? 'true' : 'false'
      case 'string':
        return textLiteral(String(value))
      case 'float64':
        return `CAST('${Number(value)}' AS DOUBLE)`
      default:
        return `CAST('${value}' AS BIGINT)`
    }
  },
  // NaN is greater than everything.
  isFinite: (x) => `(abs(${x}) < ${infinity})`,
  addIntegers: (a, b) => `try_add(${a}, ${b})`,
  subtractIntegers: (a, b) => `try_subtract(${a}, ${b})`,
  multiplyIntegers: (a, b) => `try_multiply(${a}, ${b})`,
  // Only -1 divides the least integer to one that does not fit.
  divideIntegers: (a, b) =>
    isPositive(b)
      ? `(${a} div ${b})`
      : `element_at(transform(array(named_struct('a', ${a}, 'b', ${b})), p -> CASE WHEN p.b = -1 THEN try_subtract(CAST(0 AS BIGINT), p.a) ELSE p.a div p.b END), 1)`,
  remainder: (a, b) => `(${a} % ${b})`,
  power: (base, exponent) => `pow(${base}, ${exponent})`,
  exponential: (x) => `exp(${x})`,
  logarithm: (x) => `ln(${x})`,
  squareRoot: (x) => `sqrt(${x})`,
  // Its floor is an integer; beyond 2^53 every float is whole.
  floor: (x) => `(CASE WHEN abs(${x}) < 9007199254740992 THEN CAST(floor(${x}) AS DOUBLE) ELSE ${x} END)`,
  integerToFloat: (x) => `CAST(${x} AS DOUBLE)`,
  // Its greatest integer is, as a float, the first that does not fit, and it takes that for the greatest.
  floatToInteger: (x) => `try_cast(nullif(${x}, CAST('9223372036854775808' AS DOUBLE)) AS BIGINT)`,
  integerToText: (x) => `CAST(${x} AS STRING)`,
  textToInteger: (x) => `try_cast(${x} AS BIGINT)`,
  textToFloat: (x) => `try_cast(${x} AS DOUBLE)`,
  matches: (x, pattern) => `rlike(${x}, ${textLiteral(`\\A(?:${pattern})\\z`)})`,
  codePoints: (x) => `CAST(char_length(${x}) AS BIGINT)`,
  // Two letters become others in Java, by what stands around them.
  lower: (x) => `lower(translate(${x}, 'İΣ', 'iσ'))`,
  concat: (a, b) => `concat(${a}, ${b})`,
  contains: (x, part) => `contains(${x}, ${part})`,
  startsWith: (x, prefix) => `startswith(${x}, ${prefix})`,
  endsWith: (x, suffix) => `endswith(${x}, ${suffix})`,
  hash52: (x) => `CAST(conv(substr(md5(CAST(${x} AS BINARY)), 1, 13), 16, 10) AS BIGINT)`,
  datePart: (part, x) => `CAST(${part}(timestamp_millis(${x})) AS BIGINT)`,
  listSize: (x) => `CAST(array_size(${x}) AS BIGINT)`,
  listAt: (x, index) => `get(${x}, ${index})`,
})

/** What Spark cannot say as every other engine does. */
export const unsupported = (what: string, why: string): SixfoldError =>
  new SixfoldError('SX_EXPRESSION_UNSUPPORTED', `Spark cannot compute ${what}: ${why}.`, {
    fix: 'Run the batch with the local engine: --engine local.',
  })

const isPositive = (text: string): boolean => /^(?:\d+|CAST\('\d+' AS BIGINT\))$/.test(text)

const escapes: { readonly [character: string]: string } = {
  '\\': '\\\\',
  "'": "\\'",
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
}
const textLiteral = (text: string): string => `'${text.replaceAll(/[\\'\n\r\0]/g, (character) => escapes[character]!)}'`
