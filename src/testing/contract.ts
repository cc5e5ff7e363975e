/**
 * What a contract suite is made of: cases that any test runner can run, or none at all. A case throws where a law of the port is
 * broken, and says in plain words which.
 */
import { isDeepStrictEqual } from 'node:util'
import type { SixfoldError } from '../kernel/errors.ts'
import { isSixfoldError } from '../kernel/errors.ts'

export interface ContractCase {
  /** What holds, as the end of the sentence 'it …'. */
  readonly name: string
  run(): Promise<void>
}

export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** Equal in value and type, however deep; bytes are compared as bytes. */
export function equal(actual: unknown, expected: unknown, message: string): void {
  if (!isDeepStrictEqual(actual, expected)) throw new Error(`${message}: ${shown(actual)}, not ${shown(expected)}`)
}

function shown(value: unknown): string {
  const text =
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value)
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}

/** Rejects with an error of that code, which it returns. */
export async function rejects(call: Promise<unknown>, code: string, what = 'the call'): Promise<SixfoldError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  check(error !== null, `${what} was not refused; ${code} was expected`)
  check(isSixfoldError(error), `${what} failed with an error of no code: ${String(error)}`)
  equal(error.code, code, `${what}: the code`)
  return error
}
