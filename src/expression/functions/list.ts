/** Reading the lists that lastN, firstN and topN give. */
import { elementOf, isList, type Value } from '../node.ts'
import type { FunctionSpec } from './spec.ts'

type Name = 'size' | 'at'

export const list: Readonly<Record<Name, FunctionSpec>> = {
  size: {
    signature: (types) => (types.length === 1 && isList(types[0]!) ? { takes: types, gives: 'int64' } : 'takes a list'),
    exact: true,
    javascript: { strict: () => (x: readonly Value[]) => x.length },
    sql: (w, operands) => w.of(operands, (x) => w.dialect.listSize(x)),
  },
  at: {
    signature: (types) =>
      types.length === 2 && isList(types[0]!) && types[1] === 'int64'
        ? { takes: types, gives: elementOf(types[0]!) }
        : 'takes a list and a position',
    exact: true,
    javascript: { strict: () => (x: readonly Value[], index: number) => x[index] ?? null },
    sql: (w, operands) => w.of(operands, (x, index) => w.dialect.listAt(x, Number(index))),
  },
}
