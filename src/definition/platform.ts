/** The builder of a platform: all definitions together, checked as a graph. */
import { SixfoldError } from '../kernel/errors.ts'
import { hashOf } from '../kernel/hash.ts'
import { describe } from './describe.ts'
import type { Definitions, Platform } from './graph.ts'
import { validate } from './validate.ts'

/**
 * Takes a record, so that a module of definitions can be passed whole: `platform(await import('./definitions.ts'))`.
 * Throws SX_DEFINITION_INVALID with every problem found, each naming the definition, the field and the fix.
 */
export function platform<const D extends Definitions>(definitions: D): Platform<D> {
  const problems = validate(definitions)
  if (problems.length > 0)
    throw new SixfoldError(
      'SX_DEFINITION_INVALID',
      problems.map(({ where, problem, fix }) => `${where}: ${problem}. ${fix}`).join('\n'),
      {
        fix: problems.length === 1 ? problems[0]!.fix : `Mend the ${problems.length} problems above.`,
        details: { problems },
      },
    )
  const described = Object.values(definitions).map(describe)
  const hash = hashOf(described.map((d) => [`${d.kind} ${d.name}`, d] as const).sort(([a], [b]) => (a < b ? -1 : 1)))
  return Object.freeze({ kind: 'platform', definitions: Object.freeze({ ...definitions }), hash })
}
