/** DuckDB 1.5. `TRY` turns an error of its operand into a missing value. */
import type { Dialect } from '../sql/dialect.ts'

export const duckdb: Dialect = Object.freeze<Dialect>({
  name: 'duckdb',
  identifier: (name) => `"${name.replaceAll('"', '""')}"`,
  literal: (type, value) => {
    if (value === null) return 'NULL'
    switch (type) {
      case 'boolean':
        return value ? 'true' : 'false'
      case 'string':
        return textLiteral(String(value))
      case 'float64':
        // The shortest digits of a JavaScript number name exactly one float; without a cast they would be a DECIMAL.
        return `CAST('${Number(value)}' AS DOUBLE)`
      default:
        return `CAST('${value}' AS BIGINT)`
    }
  },
  isFinite: (x) => `isfinite(${x})`,
  addIntegers: (a, b) => `TRY(${a} + ${b})`,
  subtractIntegers: (a, b) => `TRY(${a} - ${b})`,
  multiplyIntegers: (a, b) => `TRY(${a} * ${b})`,
  divideIntegers: (a, b) => `TRY(${a} // ${b})`,
  remainder: (a, b) => `TRY(${a} % ${b})`,
  power: (base, exponent) => `TRY(pow(${base}, ${exponent}))`,
  exponential: (x) => `exp(${x})`,
  logarithm: (x) => `ln(${x})`,
  squareRoot: (x) => `sqrt(${x})`,
  floor: (x) => `floor(${x})`,
  integerToFloat: (x) => `CAST(${x} AS DOUBLE)`,
  floatToInteger: (x) => `TRY_CAST(${x} AS BIGINT)`,
  integerToText: (x) => `CAST(${x} AS VARCHAR)`,
  textToInteger: (x) => `TRY_CAST(${x} AS BIGINT)`,
  textToFloat: (x) => `TRY_CAST(${x} AS DOUBLE)`,
  matches: (x, pattern) => `regexp_full_match(${x}, ${textLiteral(pattern)})`,
  codePoints: (x) => `length(${x})`,
  lower: (x) => `lower(${x})`,
  concat: (a, b) => `(${a} || ${b})`,
  contains: (x, part) => `contains(${x}, ${part})`,
  startsWith: (x, prefix) => `starts_with(${x}, ${prefix})`,
  endsWith: (x, suffix) => `suffix(${x}, ${suffix})`,
  hash52: (x) => `CAST('0x' || substr(md5(${x}), 1, 13) AS BIGINT)`,
  datePart: (part, x) => `${part}(make_timestamp(${x} * 1000))`,
  listSize: (x) => `len(${x})`,
  listAt: (x, index) => `(${x})[${index + 1}]`,
})

/** Quotes doubled; a NUL byte, which text literals cannot hold, is spelled as a call. */
function textLiteral(text: string): string {
  const quoted = (part: string): string => `'${part.replaceAll("'", "''")}'`
  return text.includes('\0') ? `(${text.split('\0').map(quoted).join(' || chr(0) || ')})` : quoted(text)
}
