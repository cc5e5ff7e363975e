/** Assertions stay on in production: a broken invariant is a defect, and is worth more as an error than as a wrong answer. */
import { SixfoldError } from './errors.ts'

export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new SixfoldError('SX_INTERNAL', `Broken invariant: ${what}`)
}

export function unreachable(value: never): never {
  throw new SixfoldError('SX_INTERNAL', `Unexpected case: ${String(value)}`)
}
