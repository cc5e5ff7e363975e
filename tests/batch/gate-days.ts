/**
 * Simulated days of a batch: fifty segments of very unequal size, weekends with other volumes, levels and mixes, a slow trend and a season, and noise of
 * each day beside that of each row. And each fault that a batch can have, on any of them.
 */
import type { Random } from '../../drills/random.ts'
import type { Verdict } from '../../src/batch/documents.ts'
import type { Day, Earlier, Evidence } from '../../src/batch/gate/index.ts'
import { Profiles } from '../../src/batch/profile-set.ts'
import { batch } from '../../src/definition/batch.ts'
import { entity } from '../../src/definition/entity.ts'
import { label, model } from '../../src/definition/model.ts'
import { parquet, source } from '../../src/definition/source.ts'
import { view } from '../../src/definition/view.ts'
import { count } from '../../src/expression/aggregates.ts'
import type { NumberProfile } from '../../src/statistics/sketches/profile.ts'

export const day = 86_400_000
export const begin = Date.parse('2026-01-05T20:00:00Z')

const shop = entity('shop', { key: { shop: 'string' } })
const visits = source('visits', { fields: { shop: 'string', at: 'timestamp' }, time: 'at', history: parquet('x') })
const visited = view('visited', { entity: shop, source: visits, features: () => ({ visits: count().over('1d') }) })
/** The last two are true in a fifth, and in a hundredth, of the rows. */
export const entries: readonly string[] = Array.from({ length: 12 }, (_, i) => `e${i}`)
const risk = model('risk', {
  inputs: { visited, request: { a: 'float64' } },
  vector: ({ request }) => Object.fromEntries(entries.map((name) => [name, request.a.plus(entries.indexOf(name))])),
  output: { risk: 'probability', spend: 'number', kind: label('a', 'b', 'c') },
  fallback: () => ({ risk: 0.5, spend: 0, kind: 'a' }),
})
export const definition = batch('risks', {
  model: risk,
  rows: parquet('rows.parquet'),
  segments: ({ keys }) => ({ region: keys.shop }),
  gate: { segmentRows: 250 },
})

export const faults = ['coverage', 'zeroed', 'shift', 'stale', 'segment', 'twins'] as const
export type Fault = (typeof faults)[number]
/** What is wrong with a day, as far as it is of one place. */
export interface Broken {
  readonly fault: Fault
  readonly entry?: number
  readonly region?: string
  readonly way?: number
}

export interface Made {
  readonly evidence: Evidence
  readonly rows: number
  readonly broken: Broken | null
}

export function simulation(dice: Random) {
  const normal = (): number => Math.sqrt(-2 * Math.log(dice.next() + 1e-12)) * Math.cos(2 * Math.PI * dice.next())
  const regions = Array.from({ length: 50 }, (_, i) => ({
    name: `r${i}`,
    share: (1 + i) ** -0.8,
    // At weekends some have more of the rows and others less.
    weekend: 0.5 + dice.next(),
    base: 0.6 * normal(),
  }))

  /** `broken` of a segment says which when it is known how many rows each has: `choose` is asked. */
  function made(n: number, fault: Fault | null, seen: (region: string) => boolean): Made {
    const at = begin + n * day
    const weekend = [0, 6].includes(new Date(at).getUTCDay())
    const planned = Math.round((weekend ? 12_000 : 20_000) * (1 + 0.03 * normal()))
    const halved = fault === 'coverage'
    // Rows that have no answer, or keys that did not arrive.
    const unanswered = halved && dice.next() < 0.5
    const rows = halved && !unanswered ? Math.round(planned / 2) : planned
    const scored = unanswered ? Math.round(rows / 2) : rows
    const level = 0.15 * Math.sin((2 * Math.PI * n) / 365) + 0.0005 * n + (weekend ? 0.4 : 0) + 0.01 * normal()
    const weights = regions.map(({ share, weekend: more }) => share * (weekend ? more : 1))
    const all = weights.reduce((sum, weight) => sum + weight, 0)
    const sizes = weights.map((weight) => Math.round((scored * weight) / all))
    const enough = regions.filter(({ name }, i) => sizes[i]! >= definition.gate.segmentRows && seen(name))
    const broken: Broken | null =
      fault === null
        ? null
        : {
            fault,
            ...(fault === 'zeroed' ? { entry: dice.below(entries.length) } : {}),
            ...(fault === 'segment' ? { region: enough[dice.below(enough.length)]!.name } : {}),
            way: dice.below(3),
          }
    const profiles = new Profiles(definition)
    const kind = profiles.outputs['kind']!
    const [risks, spends]: [number[], number[]] = [[], []]
    const shift = fault === 'shift' ? (dice.next() < 0.5 ? -0.3 : 0.3) * 1.17 : 0
    for (const [i, { name, base }] of regions.entries()) {
      const segment = profiles.segments['region']!.of(name)
      const [risk, spend] = [segment.outputs['risk'] as NumberProfile, segment.outputs['spend'] as NumberProfile]
      const way = name === broken?.region ? broken.way : null
      for (let row = 0; row < sizes[i]!; row++) {
        const z = base + level + normal() + (way === 1 ? 1.5 : 0)
        const [p, amount] =
          way === 0 ? [0.02, 0] : [1 / (1 + Math.exp(way === 2 ? z + 2 : -z - shift)), Math.exp(1 + 0.5 * z)]
        risks.push(p)
        spends.push(amount)
        risk.addOne(p)
        spend.addOne(amount)
        const text = dice.next() < 0.6 ? 'a' : dice.next() < 0.7 ? 'b' : 'c'
        if (kind.kind === 'text') kind.add(text)
        const of = segment.outputs['kind']!
        if (of.kind === 'text') of.add(text)
      }
      segment.rows += sizes[i]!
    }
    profiles.rows = risks.length
    ;(profiles.outputs['risk'] as NumberProfile).add(Float64Array.from(risks), null, 0, risks.length)
    ;(profiles.outputs['spend'] as NumberProfile).add(Float64Array.from(spends), null, 0, spends.length)
    for (const [i, name] of entries.entries()) {
      const zeroed = i === broken?.entry
      const rare = i === 11 ? 0.01 : 0.2
      const value = (): number =>
        zeroed ? 0 : i < 10 ? i + normal() * (1 + i / 6) + level : dice.next() < rare * (weekend ? 1.3 : 1) ? 1 : 0
      const profile = profiles.entries[name] as NumberProfile
      profile.add(Float64Array.from({ length: risks.length }, value), null, 0, risks.length)
    }
    const age = fault === 'stale' ? (20 + 40 * dice.next()) * 3_600_000 : (1 + dice.next()) * 3_600_000
    const kept = halved ? Math.round(rows / (unanswered ? 2 : 1)) : rows
    return {
      rows,
      broken,
      evidence: {
        batch: definition,
        at,
        now: at,
        plan: { rows, files: [], newest: { visits: at - age }, previous: n, incremental: false },
        profiles: profiles.toJSON(),
        previous: null,
        weekday: null,
        reference: null,
        comparison: {
          rows: { before: planned, after: risks.length, both: Math.min(kept, planned) },
          twins: fault === 'twins' ? 1 + dice.below(5) : 0,
          flips: null,
          top: null,
          moved: {},
        },
        days: [],
        realised: null,
      },
    }
  }
  return { made, regions }
}

/** What is kept of published days: the profiles of seven, as `publish.keep` has it, and what is remembered of sixty. */
export class Published {
  readonly days: { readonly day: Day; readonly earlier: Earlier }[] = []

  /** Null: nothing is published yet. */
  get previous(): Earlier | null {
    return this.days[0]?.earlier ?? null
  }
  weekdayOf(at: number): Earlier | null {
    return this.days.slice(0, 7).find(({ day: { at: then } }) => at - then === 7 * day)?.earlier ?? null
  }
  shown(evidence: Evidence): Evidence {
    return {
      ...evidence,
      previous: this.previous,
      weekday: this.weekdayOf(evidence.at),
      days: this.days.map((one) => one.day),
    }
  }
  publish({ at, plan, profiles }: Evidence, verdict: Verdict): void {
    const version = (this.days[0]?.day.version ?? 0) + 1
    this.days.unshift({
      day: {
        ...{ version, at, rows: plan.rows, newest: plan.newest, memory: verdict.memory, realised: [] },
        letThrough: verdict.passed ? null : verdict.checks.filter(({ outcome }) => outcome === 'refused'),
      },
      earlier: { version, at, definition: 'x', plan, profiles },
    })
    this.days.length = Math.min(this.days.length, 60)
  }
}
