/**
 * The gate over simulated days: clean ones, which differ as days do, must pass; and each fault that a batch can have must be caught by the run that has
 * it, by the check that is meant for it.
 */
import { describe, expect, it } from 'vitest'
import { random } from '../../drills/random.ts'
import { judge } from '../../src/batch/gate/index.ts'
import type { Broken, Fault } from './gate-days.ts'
import { definition, faults, Published, simulation } from './gate-days.ts'

const dice = random()
const days = Number(process.env['RUNS'] ?? 120)

const named: {
  readonly [F in Fault]: (check: { kind: string; of: string | null; segment: string | null }, broken: Broken) => boolean
} = {
  coverage: ({ kind }) => ['coverage', 'keys', 'rows'].includes(kind),
  zeroed: ({ kind, of }, { entry }) => ['constant', 'distance'].includes(kind) && of === `e${entry}`,
  shift: ({ kind, of, segment }) => kind === 'distance' && of === 'risk' && segment === null,
  stale: ({ kind, of }) => kind === 'freshness' && of === 'visits',
  segment: ({ kind, segment }, { region }) => kind === 'distance' && segment === `region = ${region}`,
  twins: ({ kind }) => kind === 'twins',
}

describe('the gate, over simulated days', () => {
  it('refuses less than one in a hundred that are clean, and catches each fault at once, where it is', async () => {
    const { made, regions } = simulation(dice)
    const published = new Published()
    const tried = new Map<Fault, number>()
    const missed: string[] = []
    let [refused, asked] = [0, 0]
    const small = new Set<string>()
    for (let n = 0; n < days; n++) {
      const at = published.days[0]
      const seen = (region: string): boolean => {
        const like = published.weekdayOf((at?.day.at ?? 0) + 86_400_000)?.profiles.segments['region']?.[region]
        const enough = (like?.rows ?? 0) >= definition.gate.segmentRows
        if (!enough) small.add(region)
        return enough
      }
      // Each fault on days of its own, beside the clean batch of that day.
      if (n > 20 && n % 3 === 0) {
        const fault = faults[asked++ % faults.length]!
        tried.set(fault, (tried.get(fault) ?? 0) + 1)
        const { evidence, broken } = made(n, fault, seen)
        const refusals = (await judge(published.shown(evidence))).checks.filter(({ outcome }) => outcome === 'refused')
        if (!refusals.some((check) => named[fault](check, broken!)))
          missed.push(`day ${n}, ${JSON.stringify(broken)}: ${refusals.map(({ words }) => words).join(' ')}`)
      }
      const { evidence } = made(n, null, seen)
      const verdict = await judge(published.shown(evidence))
      if (!verdict.passed) {
        refused++
        const why = verdict.checks.filter(({ outcome }) => outcome === 'refused').map(({ words }) => words)
        if (refused <= 12) process.stdout.write(`day ${n}: ${why.length} refusals: ${why.slice(0, 3).join(' ')}\n`)
      }
      published.publish(evidence, verdict)
    }
    const figures = [...tried].map(([fault, times]) => `${fault} ${times}`).join(', ')
    process.stdout.write(
      `${refused} of ${days} clean days refused; ${missed.length} of ${asked} faults missed (${figures}); ${small.size} of ${regions.length} segments are too small on some day; SEED=${dice.seed}\n`,
    )
    expect(missed, `SEED=${dice.seed}`).toEqual([])
    expect(refused / days, `SEED=${dice.seed}`).toBeLessThan(days < 500 ? 0.03 : 0.01)
  }, 900_000)
})
