/**
 * The lifecycle of a version: which stages lead to which. Pure. What each way asks is in preconditions.ts.
 *
 * registered → validated → staging → production → archived, and back where somebody thought better of it. These are the ways of a model that
 * the platform defines; any other model goes from any stage to any, as its registry of old let it.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import type { Stage } from '../../ports/registry-store.ts'
import { stages } from '../../ports/registry-store.ts'

export interface Standing {
  readonly stage: Stage
  /** A validation that passed has moved it on, once. */
  readonly validated: boolean
  /** It was in production in this environment. */
  readonly wasProduction: boolean
}

/** Where one step can lead to. */
export function waysFrom({ stage, validated }: Standing): readonly Stage[] {
  switch (stage) {
    case 'registered':
      return ['validated', 'archived']
    case 'validated':
      return ['staging', 'archived']
    case 'staging':
      return ['production', 'validated', 'archived']
    case 'production':
      return ['archived']
    case 'archived':
      return validated ? ['staging'] : ['validated']
  }
}

/** True where one step leads there. Back to production, past staging, comes who was there before. */
export const leads = (from: Standing, to: Stage, rollback = false): boolean =>
  rollback ? to === 'production' && from.wasProduction && from.stage !== 'production' : waysFrom(from).includes(to)

/** How it stands after a step. */
export const after = (from: Standing, to: Stage): Standing => ({
  stage: to,
  validated: from.validated || to === 'validated',
  wasProduction: from.wasProduction || to === 'production',
})

/**
 * The steps to a stage, the shortest way. Throws SX_STAGE_INVALID where there is none; that a version is there already is no way either.
 * Nothing is archived on the way to elsewhere.
 */
export function stepsTo(from: Standing, to: Stage, which: string): readonly Stage[] {
  if (from.stage === to)
    throw new SixfoldError('SX_STAGE_INVALID', `${which} is ${worded(to)} already.`, {
      fix: 'Nothing needs to be done.',
      details: { stage: to },
    })
  let paths: readonly { readonly at: Standing; readonly steps: readonly Stage[] }[] = [{ at: from, steps: [] }]
  for (let length = 0; length < stages.length; length++) {
    paths = paths.flatMap(({ at, steps }) =>
      waysFrom(at)
        .filter((next) => next === to || next !== 'archived')
        .map((next) => ({ at: after(at, next), steps: [...steps, next] })),
    )
    const found = paths.find(({ at }) => at.stage === to)
    if (found !== undefined) return found.steps
  }
  const open = waysFrom(from)
  throw new SixfoldError('SX_STAGE_INVALID', `${which} is ${worded(from.stage)}, from where no way leads to ${to}.`, {
    fix: `From there it can become ${open.map(worded).join(' or ')}.`,
    details: { stage: from.stage, ways: open },
  })
}

/** As it stands in a sentence. */
export const worded = (stage: Stage): string => (stage === 'staging' || stage === 'production' ? `in ${stage}` : stage)
