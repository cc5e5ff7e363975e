/** What prepares a number for a model, with constants that were fixed in training. */
import type { FunctionSpec } from './spec.ts'
import { exactly, numbers, plusZero } from './spec.ts'

/** (x - offset) / scale, where the scale is a constant that is not zero. */
const affine = (
  scaleOf: (a: number, b: number) => number,
  scaleSql: (a: string, b: string) => string,
): FunctionSpec => ({
  signature: exactly(['float64', 'float64', 'float64'], 'float64'),
  exact: true,
  javascript: {
    strict: () => (x: number, a: number, b: number) => {
      const value = (x - a) / scaleOf(a, b)
      return value - value === 0 ? value + 0 : null
    },
  },
  sql: (w, [x, a, b]) =>
    w.finite(w.of([x!, w.once(a!), w.once(b!)], (v, p, q) => plusZero(`((${v} - ${p}) / ${scaleSql(p, q)})`))),
})

type Name = 'standardize' | 'rescale' | 'bucket'

export const encoding: Readonly<Record<Name, FunctionSpec>> = {
  standardize: affine(
    (_, deviation) => deviation,
    (_, deviation) => deviation,
  ),
  rescale: affine(
    (low, high) => high - low,
    (low, high) => `(${high} - ${low})`,
  ),
  bucket: {
    signature: (types) => {
      const common = numbers(() => 'int64', 'any')(types)
      return types.length < 2 ? 'takes a number and at least one edge' : common
    },
    exact: true,
    javascript: {
      strict:
        (_, [, ...edges]) =>
        (x: number) => {
          let low = 0
          let high = edges.length
          while (low < high) {
            const middle = (low + high) >>> 1
            if ((edges[middle] as number) <= x) low = middle + 1
            else high = middle
          }
          return low
        },
    },
    sql: (w, operands) =>
      w.repeat(operands, (x, ...edges) => {
        const position = (i: number): string => w.dialect.literal('int64', i)
        const cases = edges.map((edge, i) => `WHEN ${x} < ${edge} THEN ${position(i)}`)
        return `(CASE ${cases.join(' ')} WHEN ${x} IS NOT NULL THEN ${position(edges.length)} END)`
      }),
  },
}
