/**
 * What a contract suite is made of: cases that any test runner can run, or none at all. A case throws where a law of the port is
 * broken, and says in plain words which.
 */
import { isDeepStrictEqual } from 'node:util'

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

export async function rejects(call: Promise<unknown>, code: string): Promise<void> {
  const found = await call.then(
    () => 'nothing',
    (error: unknown) => (error as { readonly code?: unknown }).code ?? String(error),
  )
  equal(found, code, 'what it rejects with')
}
