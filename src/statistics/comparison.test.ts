/** Held against SciPy 1.17 and scikit-learn 1.9; each constant stands beside the expression that gave it. */
import { describe, expect, test } from 'vitest'
import { aucDifference, aucInterval, aucs } from './auc.ts'
import { binomialCdf, normalCdf, normalQuantile, tCdf, tQuantile } from './distributions.ts'
import { holm } from './holm.ts'
import { add, chanceAbove, meanInterval, moments } from './paired.ts'
import { mcnemar, tangoInterval, wilsonInterval } from './proportions.ts'

const near = (found: number | undefined, wanted: number, relative = 1e-9): void =>
  expect(Math.abs(found! - wanted)).toBeLessThanOrEqual(relative * Math.max(Math.abs(wanted), 1e-12))

describe('distributions', () => {
  test.each([
    [-8, 6.22096057427174e-16],
    [-3, 0.0013498980316300933],
    [-1.2, 0.11506967022170822],
    [-0.3, 0.3820885778110474],
    [0, 0.5],
    [0.7, 0.758036347776927],
    [1.96, 0.9750021048517795],
    [5, 0.9999997133484281],
  ])('norm.cdf(%d)', (z, p) => near(normalCdf(z!), p!))
  test.each([
    [1e-10, -6.361340902404056],
    [0.001, -3.090232306167813],
    [0.025, -1.9599639845400545],
    [0.3, -0.5244005127080409],
    [0.5, 0.0],
    [0.8, 0.8416212335729143],
    [0.95, 1.6448536269514722],
    [0.999, 3.090232306167813],
  ])('norm.ppf(%d)', (p, z) => near(normalQuantile(p!), z!))
  test.each([
    [-2.5, 3, 0.04385332350403278],
    [0.4, 1, 0.6211189415908434],
    [1.7, 29, 0.9500831042557654],
    [3.1, 1000, 0.9990053272344389],
    [-6, 5000000, 9.866550893228607e-10],
  ])('t.cdf(%d, %d)', (t, degrees, p) => near(tCdf(t!, degrees!), p!, 1e-7))
  test.each([
    [0.95, 1, 6.313751514675037],
    [0.975, 5, 2.5705818356363146],
    [0.95, 99, 1.6603911560169906],
    [0.99, 4999999, 2.326348619856068],
    [0.2, 7, -0.8960296443137649],
  ])('t.ppf(%d, %d)', (p, degrees, t) => near(tQuantile(p!, degrees!), t!, 1e-7))
  test.each([
    [3, 10, 0.5, 0.171875],
    [0, 20, 0.1, 0.12157665459056925],
    [120, 300, 0.45, 0.045781601603883434],
    [4999, 10000, 0.5, 0.49601067693030826],
  ])('binom.cdf(%d, %d, %d)', (k, n, p, wanted) => near(binomialCdf(k!, n!, p!), wanted!, 1e-8))
})

describe('paired values', () => {
  const [first, second] = [
    [
      0.346, 0.822, 0.33, -1.303, 0.905, 0.446, -0.537, 0.581, 0.365, 0.294, 0.028, 0.547, -0.736, -0.163, -0.482,
      0.599, 0.04, -0.292, -0.782, -0.257, 0.008, -0.276, 1.294, 1.007, -2.711, -1.889, -0.175, -0.422, 0.214, 0.217,
      2.118, -1.112, -0.378, 2.043, 0.647, 0.663, -0.514, -1.648, 0.167, 0.109,
    ],
    [
      -0.045, 0.649, 0.401, -1.581, 0.966, 0.584, -0.423, 0.478, 0.702, 0.75, 0.256, 0.32, -0.343, -0.264, -0.03, 0.27,
      0.506, -0.2, -1.181, -0.283, 0.13, -0.067, 1.001, 0.664, -2.531, -1.976, 0.019, -0.018, -0.346, 0.419, 2.708,
      -1.131, -0.602, 2.444, 0.848, 1.121, -0.552, -2.141, 0.223, 0.031,
    ],
  ] as [number[], number[]]
  const values = moments()
  for (const [i, value] of first.entries()) add(values, second[i]! - value)
  test('t.interval(0.9, 39, loc=d.mean(), scale=sem(d))', () => {
    const { value, low, high } = meanInterval(values, 0.05)!
    near(value, 0.04157499999999999)
    near(low, -0.037667423218189666)
    near(high, 0.12081742321818961)
  })
  test("ttest_1samp(d, 0.05, alternative='greater')", () => near(chanceAbove(values, 0.05), 0.5706203494203279))
  test('of too few, and of equals', () => {
    expect(meanInterval(moments(), 0.05)).toBeNull()
    expect(chanceAbove(moments(), 0)).toBe(1)
    const equal = moments()
    for (let i = 0; i < 10; i++) add(equal, 0)
    expect(meanInterval(equal, 0.05)).toEqual({ value: 0, low: 0, high: 0 })
    expect(chanceAbove(equal, 0.1)).toBe(1)
  })
})

describe('shares', () => {
  test.each([
    [0, 10, 0.0, 0.21294197008340698],
    [7, 12, 0.3559810149005346, 0.7800221193082192],
    [950, 1000, 0.9373997965803907, 0.960171784503825],
  ])("binomtest(%d, %d).proportion_ci(0.9, 'wilson')", (k, n, low, high) => {
    const found = wilsonInterval(k!, n!, 0.05)!
    near(found.low, low!, 1e-8)
    near(found.high, high!, 1e-8)
  })
  test.each([
    [5, 15, 0.04138946533203125],
    [8, 8, 1.0],
    [0, 6, 0.03125],
    [430, 510, 0.00993776742814689],
  ])('binomtest(min, %d + %d, 0.5).pvalue', (onlyFirst, onlySecond, p) =>
    near(mcnemar({ rows: 1_000, onlyFirst: onlyFirst!, onlySecond: onlySecond! }), p!, 1e-8),
  )
  // The restricted likelihood was maximised by scipy.optimize. The first two are examples of the literature: -0.517 to -0.026 (Fagerland,
  // Lydersen and Laake, Statistics in Medicine 33, 2014), and -0.059 to 0.118.
  test.each([
    [21, 1, 7, -0.5172322772704684, -0.02600303191242815],
    [44, 1, 0, -0.05939323110327559, 0.1180770969821439],
    [500, 20, 31, -0.05124267975448357, 0.0061955752735930805],
    [1000, 3, 40, -0.05131768220168459, -0.02556142825387983],
  ])('brentq of the score: %d rows, %d and %d', (rows, onlyFirst, onlySecond, low, high) => {
    const found = tangoInterval({ rows: rows!, onlyFirst: onlyFirst!, onlySecond: onlySecond! }, 0.025)!
    near(found.low, low!, 1e-6)
    near(found.high, high!, 1e-6)
  })
  test('few rows prove little, also where none disagree', () => {
    const { low, high } = tangoInterval({ rows: 20, onlyFirst: 0, onlySecond: 0 }, 0.05)!
    expect(high).toBeGreaterThan(0.1)
    expect(low).toBeLessThan(-0.1)
  })
})

describe('areas under the curve', () => {
  const positive = [
    1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0,
    0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
  ]
  const first = [
    -0.6, 1.5, 0.4, -0.1, 1.0, -0.4, 0.3, 0.9, 0.8, -1.2, 1.3, -0.1, -0.6, -0.4, -0.4, 2.1, -1.2, 0.7, -2.1, -0.0, 0.9,
    -0.2, -0.6, 0.2, 1.2, 0.7, 2.5, 0.2, -0.1, 0.4, 0.4, 0.6, -0.0, 0.2, -1.2, 1.3, -0.6, -1.2, 0.6, 1.3, 0.5, 0.2,
    -0.4, 2.9, 1.4, -0.6, -0.3, 0.6, -1.1, 0.7, -0.5, 1.2, 1.0, -2.7, 0.0, -1.6, 1.1, 0.2, 0.5, -0.6,
  ]
  const second = [
    2.3, 2.8, -0.1, 0.3, 0.6, -0.2, -0.3, 3.1, 0.2, -0.9, 2.0, 0.1, 0.3, 0.0, -0.3, 0.7, -1.0, 0.9, -1.4, 0.1, 0.2, 0.7,
    -0.6, -0.0, 0.7, -0.2, 0.8, 0.6, -0.4, 0.3, 1.4, 1.5, -0.4, -1.9, 0.6, 1.7, -1.7, 0.2, -0.4, -0.5, 0.3, -0.1, 0.8,
    -0.2, 3.3, -0.1, -0.9, 1.7, -0.1, 1.5, -0.6, 0.5, 0.7, -2.1, 0.7, -1.3, -0.3, 0.2, 0.7, 0.3,
  ]
  const found = aucs([first, second], positive)!
  const areas = [0.5926339285714286, 0.7806919642857143]
  const covariance = [
    [0.005578479046468498, 0.00209359827600395],
    [0.00209359827600395, 0.003504430384735099],
  ]
  test('roc_auc_score, and the covariance by the definition: np.cov of the placements', () => {
    for (const [i, area] of areas.entries()) near(found.areas[i], area)
    for (const [i, row] of covariance.entries())
      for (const [j, value] of row.entries()) near(found.covariance[i]![j], value)
  })
  test('of one, and of the difference', () => {
    const { value, low, high } = aucInterval(found, 0, 0.05)
    expect([low < value, value < high]).toEqual([true, true])
    const difference = aucDifference(found, 0.05)
    near(difference.value, 0.1880580357142857, 1e-9)
    expect(aucDifference(aucs([first, first], positive)!, 0.05)).toMatchObject({ value: 0, error: 0 })
  })
  test('of one class there is none', () =>
    expect(
      aucs(
        [first],
        first.map(() => 1),
      ),
    ).toBeNull())
})

test('holm, of statsmodels.stats.multitest.multipletests(p, method="holm")', () => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.005, 0.2])
  for (const [i, wanted] of [0.04, 0.09, 0.09, 0.025, 0.2].entries()) near(adjusted[i], wanted)
})
