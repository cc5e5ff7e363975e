import { expect, test } from 'vitest'
import { checksOf, comparisonsOf, latencyOf, reliabilityOf } from './figures-of.ts'

test.each([null, undefined, 3, 'text', [], {}, { checks: 'none' }, { checks: [null, 3, {}, { name: 'a' }] }])(
  'of a document like %j nothing is drawn, and nothing breaks',
  (document) => {
    const checks = checksOf({ document })
    expect([checks, comparisonsOf(checks), reliabilityOf(checks), latencyOf(checks)]).toEqual([[], [], [], []])
  },
)

const check = (name: string, figures: unknown) => ({ name, outcome: 'passed', words: 'Yes.', figures, milliseconds: 1 })

test('figures that are there are drawn, and those beside them that are broken are not', () => {
  const checks = checksOf({
    document: {
      checks: [
        check('held-out: log loss', {
          metric: 'log loss',
          challenger: { value: 0.4, low: 0.39, high: 0.41 },
          champion: { value: 0.5 },
        }),
        check('held-out: answers', {
          plots: [
            null,
            {
              output: 'late',
              challenger: {
                kind: 'probability',
                reliability: [
                  { rows: 10, mean: 0.1, share: 0.2 },
                  { rows: 0, mean: null, share: null },
                ],
              },
            },
          ],
        }),
        check('slice: a', { challenger: { value: 'x' } }),
        { ...check('slice: b', { challenger: { value: 1, low: -9, high: 9 } }), outcome: 'not possible' },
        check('latency', { budgetMs: 20, batches: [{ rows: 1, p99Ms: 2 }, { rows: 32 }] }),
      ],
    },
  })
  expect(comparisonsOf(checks)).toEqual([
    {
      name: 'held-out: log loss',
      outcome: 'passed',
      metric: 'log loss',
      challenger: { value: 0.4, low: 0.39, high: 0.41 },
      champion: { value: 0.5, low: null, high: null },
    },
  ])
  expect(reliabilityOf(checks)).toEqual([{ predicted: 0.1, observed: 0.2, rows: 10 }])
  expect(latencyOf(checks)).toEqual([{ rows: 1, p99: 2, p50: null, budget: 20 }])
})
