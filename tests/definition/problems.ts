/** What is wrong with definitions, as whoever wrote them is told. */
import { expect } from 'vitest'
import type { Definition } from '../../src/index.ts'
import { isSixfoldError, platform } from '../../src/index.ts'

interface Problem {
  readonly where: string
  readonly problem: string
  readonly fix: string
}

/** A definition as a caller in plain JavaScript can write it: past the types. */
export const loosely = <F extends (...given: never) => unknown>(
  make: F,
): ((...given: readonly unknown[]) => Definition) => make as never

export function problemsOf(definitions: object): readonly Problem[] {
  try {
    platform(definitions as Record<string, Definition>)
  } catch (error) {
    if (!isSixfoldError(error)) throw error
    expect(error.code).toBe('SX_DEFINITION_INVALID')
    const { problems } = error.details as { readonly problems: readonly Problem[] }
    for (const { where, problem, fix } of problems) {
      for (const text of [where, problem, fix]) expect(text).toMatch(/\S/)
      expect(error.message).toContain(`${where}: ${problem}. ${fix}`)
    }
    return problems
  }
  return []
}

/** One problem is told, of that place, and says so much. */
export function expectProblem(definitions: object, where: string, ...says: readonly string[]): void {
  const problems = problemsOf(definitions)
  expect(problems.map((problem) => problem.where)).toEqual([where])
  for (const text of says) expect(`${problems[0]!.problem}. ${problems[0]!.fix}`).toContain(text)
}
