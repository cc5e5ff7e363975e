/** Held against SciPy and Evidently themselves, on samples that `vectors.py` makes as this file does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { EvidentlyMethod } from '../../src/statistics/evidently.ts'
import { evidently, methodFor } from '../../src/statistics/evidently.ts'
import { falseDiscovery } from '../../src/statistics/false-discovery.ts'
import { chiSquare } from '../../src/statistics/two-sample/counts.ts'
import { kolmogorovTailOf } from '../../src/statistics/two-sample/kolmogorov.ts'
import { kolmogorovSmirnov } from '../../src/statistics/two-sample/kolmogorov-smirnov.ts'
import type { Category } from '../../src/statistics/two-sample/samples.ts'
import { countsOf } from '../../src/statistics/two-sample/samples.ts'
import { wasserstein } from '../../src/statistics/two-sample/wasserstein.ts'

interface Case {
  readonly shape: string
  readonly n: number
  readonly m: number
  readonly seed: number
  readonly shift: number
  readonly ks?: readonly [number, number]
  readonly wasserstein?: number
  readonly chi2?: readonly [number, number, number]
  readonly method: EvidentlyMethod
  /** Null: not a number. */
  readonly evidently: { readonly [method: string]: readonly [score: number | null, drifted: boolean] }
}
const { kstwo, discovery, cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8')) as {
  readonly kstwo: readonly (readonly [n: number, x: number, p: number])[]
  readonly discovery: { readonly chances: readonly number[]; readonly adjusted: readonly number[] }
  readonly cases: readonly Case[]
}

function* mulberry32(seed: number): Generator<number> {
  let state = seed | 0
  for (;;) {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    yield ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function sample(shape: string, count: number, seed: number, shift: number): readonly Category[] {
  const draw = mulberry32(seed)
  const next = (): number => draw.next().value as number
  return Array.from({ length: count }, () => {
    const bell = next() + next() + next() + next() - 2
    switch (shape) {
      case 'bell':
        return bell + shift
      case 'grid':
        return Math.floor((bell + shift) * 8) / 8
      case 'heavy':
        return bell / (Math.abs(bell + 0.25) + 0.001) + shift
      case 'whole':
        return Math.floor((bell + shift) * 40)
      case 'constant':
        return 1.5 + shift
      case 'two':
        return bell < shift ? 'no' : 'yes'
      default:
        return 'abcdefgh'[Math.min(7, Math.max(0, Math.floor((bell + shift) * 3 + 4)))]!
    }
  })
}

/** Absolute for what is at most 1, and relative beyond. */
const near = (found: number, wanted: number, what: string): void =>
  expect(Math.abs(found - wanted) / Math.max(1, Math.abs(wanted)), `${what}: ${found}, not ${wanted}`).toBeLessThan(
    1e-9,
  )

test('the distribution of the statistic of one sample', () => {
  expect(kstwo.length).toBeGreaterThan(100)
  for (const [n, x, p] of kstwo) near(kolmogorovTailOf(n, x), p, `kstwo.sf(${x}, ${n})`)
})

test('false discoveries', () => {
  for (const [i, p] of falseDiscovery(discovery.chances).entries()) near(p, discovery.adjusted[i]!, `the ${i}th`)
})

const shapes = [...new Set(cases.map(({ shape }) => shape))]
describe.each(shapes)('%s', (shape) => {
  const numeric = shape !== 'two' && shape !== 'eight'
  const of = cases.filter((one) => one.shape === shape)
  const sides = of.map((one) => {
    const { n, m, seed, shift } = one
    return { one, a: sample(shape, n, seed, 0), b: sample(shape, m, seed + 1, shift), name: `${n} and ${m}, ${shift}` }
  })

  test('scipy', () => {
    for (const { one, a, b, name } of sides) {
      if (numeric) {
        const { statistic, p } = kolmogorovSmirnov(a as readonly number[], b as readonly number[])
        near(statistic, one.ks![0], `${name}: ks_2samp`)
        near(p, one.ks![1], `${name}: p of ks_2samp`)
        near(wasserstein(a as readonly number[], b as readonly number[]), one.wasserstein!, `${name}: wasserstein`)
      } else {
        const { reference, current } = countsOf(a, b)
        const { statistic, p, degrees } = chiSquare(reference, current)
        near(statistic, one.chi2![0], `${name}: chi2_contingency`)
        near(p, one.chi2![1], `${name}: p of chi2_contingency`)
        expect(degrees, name).toBe(one.chi2![2])
      }
    }
  })

  test('evidently', () => {
    for (const { one, a, b, name } of sides) {
      const type = numeric ? (shape === 'whole' ? 'integer' : 'number') : 'category'
      const column = { reference: a, current: b, type } as const
      expect(methodFor(column), name).toBe(one.method)
      for (const [method, [score, drifted]] of Object.entries(one.evidently)) {
        const found = evidently(column, { method: method as EvidentlyMethod })
        if (score === null) expect(found.score, `${name}: ${method}`).toBeNaN()
        else near(found.score, score, `${name}: ${method}`)
        expect(found.drifted, `${name}: ${method}`).toBe(drifted)
      }
    }
  })
})
