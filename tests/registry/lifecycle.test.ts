/** The lifecycle as a state machine: which stages lead to which, and that no walk through it gives what must not be. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Stage } from '../../src/ports/registry-store.ts'
import { stages } from '../../src/ports/registry-store.ts'
import type { Standing } from '../../src/registry/lifecycle/ways.ts'
import { after, leads, stepsTo, waysFrom } from '../../src/registry/lifecycle/ways.ts'

const at = (stage: Stage, validated = stage !== 'registered', wasProduction = stage === 'production'): Standing => ({
  stage,
  validated,
  wasProduction,
})
const refusal = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  return null
}

describe('one step', () => {
  test.each<[Standing, readonly Stage[]]>([
    [at('registered'), ['validated', 'archived']],
    [at('validated'), ['staging', 'archived']],
    [at('staging'), ['production', 'validated', 'archived']],
    [at('production'), ['archived']],
    [at('archived'), ['staging']],
    [at('archived', false), ['validated']],
  ])('%j leads to %j', (from, ways) => {
    expect(waysFrom(from)).toEqual(ways)
    for (const to of stages) expect(leads(from, to), to).toBe(ways.includes(to))
  })

  test('only a roll back leads past staging to production, and only who was there', () => {
    expect(leads(at('archived', true, true), 'production')).toBe(false)
    expect(leads(at('archived', true, true), 'production', true)).toBe(true)
    expect(leads(at('archived', true, false), 'production', true)).toBe(false)
    expect(leads(at('production'), 'production', true)).toBe(false)
    expect(leads(at('archived', true, true), 'staging', true)).toBe(false)
  })
})

describe('several steps', () => {
  test.each<[Standing, Stage, readonly Stage[]]>([
    [at('registered'), 'production', ['validated', 'staging', 'production']],
    [at('registered'), 'staging', ['validated', 'staging']],
    [at('validated'), 'production', ['staging', 'production']],
    [at('archived'), 'production', ['staging', 'production']],
    [at('archived', false), 'production', ['validated', 'staging', 'production']],
    [at('production'), 'archived', ['archived']],
  ])('%j to %s takes %j', (from, to, steps) => expect(stepsTo(from, to, 'It')).toEqual(steps))

  test.each<[Standing, Stage, RegExp]>([
    [at('production'), 'staging', /It is in production, from where no way leads to staging/],
    [at('validated'), 'registered', /no way leads to registered/],
    [at('staging'), 'staging', /It is in staging already/],
  ])('%j to %s is refused', (from, to, words) => {
    const error = refusal(() => stepsTo(from, to, 'It'))
    expect(error).toMatchObject({ code: 'SX_STAGE_INVALID', message: expect.stringMatching(words) as string })
  })
})

test('no walk reaches staging or production without a validation, or leaves a stage that it is not at', () => {
  const step = fc.record({ to: fc.constantFrom(...stages), rollback: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (walk) => {
      let standing = at('registered')
      let validations = 0
      let productions = 0
      for (const { to, rollback } of walk) {
        if (!leads(standing, to, rollback)) continue
        if (to === 'validated' && !standing.validated) validations += 1
        if (rollback) expect(productions).toBeGreaterThan(0)
        if (to === 'production') {
          productions += 1
          expect(rollback || standing.stage === 'staging').toBe(true)
        }
        standing = after(standing, to)
        if (to === 'staging' || to === 'production') expect(validations).toBeGreaterThan(0)
        expect(standing.validated).toBe(validations > 0)
        expect(standing.wasProduction).toBe(productions > 0)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('from wherever a walk may lead, the shortest way is made of ways', () => {
  const standing = fc.record({
    stage: fc.constantFrom(...stages),
    validated: fc.boolean(),
    wasProduction: fc.boolean(),
  })
  fc.assert(
    fc.property(standing, fc.constantFrom(...stages), (from, to) => {
      let steps: readonly Stage[]
      try {
        steps = stepsTo(from, to, 'It')
      } catch {
        return
      }
      let now = from
      for (const next of steps) {
        expect(leads(now, next)).toBe(true)
        now = after(now, next)
      }
      expect(now.stage).toBe(to)
      expect(steps.slice(0, -1)).not.toContain('archived')
    }),
  )
})
