/** Versions of a real model are validated: what is good passes, and what is not fails with the figures that say why. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import { bounded, decreasing, gate, increasing, label, model, parquet, unaffected } from '../../src/index.ts'
import type { Evidence } from '../../src/ports/registry-store.ts'
import type { HeldVersion } from '../../src/registry/validation/evidence.ts'
import type {
  HeldOutFigures,
  InvariantFigures,
  LatencyFigures,
  MetricFigures,
} from '../../src/registry/validation/figures.ts'
import { classifier, linear, logistic } from '../models/graphs.ts'
import type { Graph } from '../models/onnx.ts'
import { onnx } from '../models/onnx.ts'
import type { Workplace } from './workplace.ts'
import { checkIn, workplace } from './workplace.ts'

const request = { a: 'float64', b: 'float64?' } as const
const chance = model('chance', {
  inputs: { request },
  vector: ({ request: { a, b } }) => ({ a, b: b.orElse(0) }),
  output: { yes: 'probability' },
  fallback: () => ({ yes: 0.5 }),
})
const number = model('number', {
  inputs: { request },
  vector: ({ request: { a, b } }) => ({ a, b: b.orElse(0) }),
  output: { score: 'number' },
  fallback: () => ({ score: 0 }),
})
const word = model('word', {
  inputs: { request },
  vector: ({ request: { a, b } }) => ({ a, b: b.orElse(0) }),
  output: { word: label('no', 'yes') },
  fallback: () => ({ word: 'no' }),
})
const heldOut = { data: parquet('held.parquet'), labels: { yes: 'truth' } } as const
const slices = {
  high: {
    of: ({
      vector,
    }: {
      readonly vector: { readonly a: import('../../src/index.ts').NumberExpression<'moment', null> }
    }) => vector.a.gt(1),
  },
}

let at: Workplace
let champion: HeldVersion
let same: HeldVersion
let worse: HeldVersion
beforeAll(async () => {
  at = await workplace()
  // True with the probability that a logistic regression of 2a - b gives.
  await at.parquet(
    'held.parquet',
    `SELECT a, b, y < 1 / (1 + exp(-(2 * a - b))) AS truth, 3 * a + b + (y - 0.5) AS amount,
       CASE WHEN y < 1 / (1 + exp(-2 * (2 * a - b))) THEN 'yes' ELSE 'no' END AS said
     FROM (SELECT sin(i * 12.9898) * 2 AS a, cos(i * 78.233) * 2 AS b, (hash(i) % 1000000) / 1000000.0 AS y FROM range(6000) t(i))`,
  )
  champion = await at.version({ 'model.onnx': onnx(logistic([2, -1], 0)) })
  same = await at.version({ 'model.onnx': onnx(logistic([1.95, -1.02], 0.01)) })
  worse = await at.version({ 'model.onnx': onnx(logistic([0.6, -1], 0.3)) })
})
afterAll(() => at.close())

describe('accuracy against what is in production', () => {
  test('a challenger that is as good passes, and its figures are there', async () => {
    const seen: string[] = []
    const done: number[] = []
    const progress = (share: number, what: string): void => {
      done.push(share)
      seen.push(what)
    }
    const result = await at.validate(gate(chance, { heldOut, slices }), same, { champion, progress })
    expect(result.document.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(result.passed).toBe(true)
    const figures = checkIn(result, 'held-out: log loss').figures as MetricFigures
    expect(figures.rows).toBe(6_000)
    expect(figures.worse!.high).toBeLessThan(figures.margin!)
    // Row by row, the two are much more alike than the spread of either.
    expect(figures.worse!.high - figures.worse!.low).toBeLessThan(
      (figures.challenger.high - figures.challenger.low) / 5,
    )
    expect((checkIn(result, 'held-out: AUC').figures as MetricFigures).challenger.value).toBeGreaterThan(0.85)
    expect(checkIn(result, 'held-out: log loss').words).toMatch(/no worse/)
    expect(checkIn(result, 'slice: high').outcome).toBe('passed')
    expect(done.every((share, i) => share >= 0 && share <= 1 && (i === 0 || share >= done[i - 1]!))).toBe(true)
    expect(seen).toContain('held-out: 6,000 rows')
  })

  test('a worse one fails, with how much worse', async () => {
    const result = await at.validate(gate(chance, { heldOut, slices }), worse, { champion })
    expect(result.passed).toBe(false)
    const check = checkIn(result, 'held-out: log loss')
    expect(check.outcome).toBe('failed')
    const { worse: by, margin, champion: theirs, challenger } = check.figures as MetricFigures
    expect(by!.low).toBeGreaterThan(margin!)
    expect(challenger.value - theirs!.value).toBeCloseTo(by!.value, 10)
    expect(check.words).toMatch(/version 1 has 0\.\d+\. It is worse: 0\.\d+ worse/)
    expect(checkIn(result, 'slice: high')).toMatchObject({ outcome: 'failed' })
  })

  test('the figures are those that scikit-learn has', async () => {
    // roc_auc_score, log_loss and brier_score_loss of sigmoid(2a - b) on a file of five rows.
    await at.parquet(
      'five.parquet',
      'SELECT * FROM (VALUES (0.1, 0.2, true), (1.0, -0.5, true), (-0.7, 0.3, false), (0.4, 0.9, true), (0.6, 0.1, false)) t(a, b, truth)',
    )
    const { document } = await at.validate(
      gate(chance, { heldOut: { ...heldOut, data: parquet('five.parquet') } }),
      champion,
    )
    const value = (metric: string): number =>
      (document.checks.find(({ name }) => name === `held-out: ${metric}`)!.figures as MetricFigures).challenger.value
    expect(value('log loss')).toBeCloseTo(0.614311, 5)
    expect(value('Brier score')).toBeCloseTo(0.223621, 5)
    expect(value('AUC')).toBeCloseTo(2 / 3, 5)
  })

  test('few rows are not proof, and it is said how many would be', async () => {
    await at.parquet('few.parquet', "SELECT * FROM 'FOLDER/held.parquet' LIMIT 60".replace('FOLDER', at.folder))
    const few = { ...heldOut, data: parquet('few.parquet') }
    const other = await at.version({ 'model.onnx': onnx(logistic([1.6, -1.2], 0.1)) })
    const result = await at.validate(gate(chance, { heldOut: few, slices }), other, { champion })
    expect(checkIn(result, 'held-out: log loss')).toMatchObject({
      outcome: 'failed',
      words: expect.stringMatching(/Not shown to be no worse.*|It is worse/),
    })
    expect(checkIn(result, 'slice: high')).toMatchObject({
      outcome: 'not possible',
      words: expect.stringContaining('Not enough data'),
    })
  })

  test('numbers and labels', async () => {
    const good = await at.version({ 'model.onnx': onnx(linear([3, 1], 0)) })
    const off = await at.version({ 'model.onnx': onnx(linear([2.5, 1], 0)) })
    const ofNumber = gate(number, { heldOut: { data: parquet('held.parquet'), labels: { score: 'amount' } } })
    expect(await at.validate(ofNumber, good, { champion: good })).toMatchObject({ passed: true })
    const failed = await at.validate(ofNumber, off, { champion: good })
    expect(checkIn(failed, 'held-out: mean absolute error')).toMatchObject({ outcome: 'failed' })
    expect((checkIn(failed, 'held-out: mean absolute error').figures as MetricFigures).champion!.value).toBeCloseTo(
      0.25,
      2,
    )

    const labels = ['no', 'yes']
    const sharp = await at.version({ 'model.onnx': onnx(classifier([2, -1], { labels })) })
    const blunt = await at.version({ 'model.onnx': onnx(classifier([-0.5, -1], { labels })) })
    const ofWord = gate(word, { heldOut: { data: parquet('held.parquet'), labels: { word: 'said' } } })
    expect(await at.validate(ofWord, sharp, { champion: sharp })).toMatchObject({ passed: true })
    const confused = await at.validate(ofWord, blunt, { champion: sharp })
    const rate = checkIn(confused, 'held-out: error rate')
    expect(rate.outcome).toBe('failed')
    expect((rate.figures as MetricFigures).mcnemar).toBeLessThan(1e-6)
  })

  test('the first version has nothing to be compared with', async () => {
    const result = await at.validate(gate(chance, { heldOut }), worse)
    expect(result.passed).toBe(true)
    expect(checkIn(result, 'held-out: log loss').words).toContain('No version is in production')
  })

  test('the same rows have the same hash, however they are written', async () => {
    await at.parquet('again.parquet', `SELECT truth, b, a FROM '${at.folder}/held.parquet'`)
    const hashOf = async (data: string): Promise<string> =>
      (
        checkIn(await at.validate(gate(chance, { heldOut }), same, { data }), 'held-out: answers')
          .figures as HeldOutFigures
      ).hash
    const [first, again] = [await hashOf('held.parquet'), await hashOf('again.parquet')]
    expect(again).toBe(first)
    await at.parquet('part.parquet', `SELECT * FROM '${at.folder}/held.parquet' LIMIT 5999`)
    expect(await hashOf('part.parquet')).not.toBe(first)
    // As a training set has them, where a column of the labels may be called as an entry is.
    await at.parquet(
      'set.parquet',
      `SELECT 7 AS a, truth, b AS vector__b, a AS vector__a FROM '${at.folder}/held.parquet'`,
    )
    expect(await hashOf('set.parquet')).toBe(first)
    const asked = gate(chance, { heldOut: { data: parquet('held.parquet'), labels: { yes: 'a' } } })
    expect(checkIn(await at.validate(asked, same), 'held-out').words).toContain('an entry of the vector')
  })

  test('rows that cannot be read, or have no truth that could be one', async () => {
    const words = async (data: string): Promise<string> => {
      const result = await at.validate(gate(chance, { heldOut }), same, { data })
      expect(result.passed).toBe(false)
      return checkIn(result, 'held-out').words
    }
    expect(await words('nothing.parquet')).toContain('nothing.parquet')
    await at.parquet('lacking.parquet', 'SELECT 1.0 AS a, true AS truth')
    expect(await words('lacking.parquet')).toContain("'b'")
    await at.parquet('untold.parquet', 'SELECT 1.0 AS vector__a, 2.0 AS vector__b')
    expect(await words('untold.parquet')).toContain("'truth'")
    await at.parquet('odd.parquet', "SELECT 1.0 AS a, 2.0 AS b, 'perhaps' AS truth")
    expect(await words('odd.parquet')).toContain('row 1')
    await at.parquet('texts.parquet', "SELECT 'much' AS a, 2.0 AS b, true AS truth")
    expect(await words('texts.parquet')).toContain("'a' is")
  })
})

describe('invariants', () => {
  test('that hold', async () => {
    const asked = gate(chance, {
      heldOut,
      invariants: {
        bounded: bounded('yes', 0, 1),
        more: increasing('yes', 'a'),
        less: decreasing('yes', 'b', 0.5),
        own: { holds: ({ vector, output }) => output.yes.gt(0.5).eq(vector.a.times(2).gt(vector.b)) },
      },
    })
    const { document } = await at.validate(asked, champion)
    expect(document.checks.filter(({ name }) => name.startsWith('invariant')).map(({ outcome }) => outcome)).toEqual(
      new Array(4).fill('passed'),
    )
  })

  test('a model that goes the wrong way is found, with the row that shows it', async () => {
    const asked = gate(chance, {
      heldOut,
      invariants: { more: increasing('yes', 'b', 0.5), same: unaffected('yes', 'a', [0, 1], 0.01) },
    })
    const result = await at.validate(asked, champion)
    expect(result.passed).toBe(false)
    const check = checkIn(result, 'invariant: more')
    expect(check.outcome).toBe('failed')
    const { violations, applies, examples } = check.figures as InvariantFigures
    expect(violations).toBe(applies)
    const [{ row, before, changed, after }] = examples as [InvariantFigures['examples'][number]]
    expect(changed).toEqual({ b: (row['b'] as number) + 0.5 })
    expect(after!['yes'] as number).toBeLessThan(before['yes'] as number)
    expect(check.words).toContain(`"a":${Number((row['a'] as number).toPrecision(6))}`)
    expect(checkIn(result, 'invariant: same').outcome).toBe('failed')
  })

  test('without rows they are tried on vectors that are made up, which is said', async () => {
    const result = await at.validate(gate(chance, { invariants: { bounded: bounded('yes', 0, 0.5) } }), champion)
    expect(checkIn(result, 'invariant: bounded')).toMatchObject({
      outcome: 'failed',
      words: expect.stringContaining('made up'),
    })
  })
})

describe('recorded answers', () => {
  const bytes = onnx(logistic([2, -1], 0))
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

  test('of the version are replayed, in any of their forms', async () => {
    const table = {
      columns: ['a', 'b', 'yes'],
      data: [
        [1, 2, 0.5],
        [1, 0, sigmoid(2)],
      ],
    }
    const records = [{ inputs: { a: 1, b: 2 }, outputs: { yes: 0.5 } }]
    for (const golden of [table, records]) {
      const held = await at.version({ 'model.onnx': bytes, 'golden.json': JSON.stringify(golden) })
      const result = await at.validate(gate(chance), held)
      expect(checkIn(result, 'golden')).toMatchObject({
        outcome: 'passed',
        words: expect.stringContaining('as recorded'),
      })
    }
    const wrong = await at.version({
      'model.onnx': bytes,
      'golden.json': JSON.stringify({ ...table, data: [[1, 2, 0.6]] }),
    })
    const failed = await at.validate(gate(chance), wrong)
    expect(failed.passed).toBe(false)
    expect(checkIn(failed, 'golden').words).toMatch(/row 1: yes is 0\.5 and was 0\.6/)
    expect(await at.validate(gate(chance, { tolerance: { absolute: 0.2 } }), wrong)).toMatchObject({ passed: true })
  })

  test('are recorded where there are none, and compared with the next time', async () => {
    const held = await at.version({
      'model.onnx': bytes,
      'input_example.json': '{"columns": ["a", "b"], "data": [[1, 2]]}',
    })
    const first = await at.validate(gate(chance), held)
    expect(checkIn(first, 'golden').words).toContain('recorded')
    expect(first.artifacts).toHaveLength(1)
    const evidence = [{ document: first.document, artifacts: first.artifacts } as unknown as Evidence]
    const second = await at.validate(gate(chance), held, { evidence })
    expect(checkIn(second, 'golden')).toMatchObject({
      outcome: 'passed',
      words: expect.stringContaining('as recorded'),
    })
    expect(second.artifacts).toEqual(first.artifacts)
  })

  test('that do not fit are a failure, and say how', async () => {
    for (const [golden, says] of [
      ['{"columns": ["a"], "data": [[1]]}', "no 'b'"],
      ['not json', 'no JSON'],
      ['[]', 'no rows'],
      [`${'{"rows":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 'no rows'],
      [`{"columns": ["a", "b"], "data": [[1, ${'['.repeat(50_000)}${']'.repeat(50_000)}]]}`, 'a list'],
    ] as const) {
      const held = await at.version({ 'model.onnx': bytes, 'golden.json': golden })
      expect(checkIn(await at.validate(gate(chance), held), 'golden')).toMatchObject({
        outcome: 'failed',
        words: expect.stringContaining(says),
      })
    }
  })
})

describe('what a server has to bear', () => {
  /** Three multiplications by matrices of four million numbers each. */
  const large: Graph = {
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', 2] }],
    outputs: [{ name: 'score', type: 'float32', shape: ['rows', 1] }],
    nodes: [
      { op: 'ConstantOfShape', inputs: ['wide'], outputs: ['first'] },
      { op: 'ConstantOfShape', inputs: ['square'], outputs: ['middle'] },
      { op: 'ConstantOfShape', inputs: ['narrow'], outputs: ['last'] },
      { op: 'MatMul', inputs: ['x', 'first'], outputs: ['h1'] },
      { op: 'MatMul', inputs: ['h1', 'middle'], outputs: ['h2'] },
      { op: 'MatMul', inputs: ['h2', 'middle'], outputs: ['h3'] },
      { op: 'MatMul', inputs: ['h3', 'last'], outputs: ['score'] },
    ],
    constants: [
      { name: 'wide', type: 'int64', shape: [2], data: [2, 3_000] },
      { name: 'square', type: 'int64', shape: [2], data: [3_000, 3_000] },
      { name: 'narrow', type: 'int64', shape: [2], data: [3_000, 1] },
    ],
  }

  test('a model that is too slow, and takes too much memory', async () => {
    const held = await at.version({ 'model.onnx': onnx(large) })
    const result = await at.validate(
      gate(number, { latency: { rows: [1, 64], p99Ms: 0.5 }, memoryBytes: 8 * 1024 ** 2 }),
      held,
    )
    expect(result.passed).toBe(false)
    expect(checkIn(result, 'latency').outcome).toBe('failed')
    const { batches, budgetMs } = checkIn(result, 'latency').figures as LatencyFigures
    expect(batches.map(({ rows }) => rows)).toEqual([1, 64])
    expect(batches[1]!.p99Ms).toBeGreaterThan(budgetMs)
    expect(checkIn(result, 'memory')).toMatchObject({
      outcome: 'failed',
      words: expect.stringContaining('8.0 MiB are allowed'),
    })
    const quick = await at.validate(gate(number), await at.version({ 'model.onnx': onnx(linear([1, 2], 0)) }))
    expect(checkIn(quick, 'latency').outcome).toBe('passed')
  })

  test('operators and opsets that the gate does not want', async () => {
    const held = await at.version({ 'model.onnx': onnx(linear([1, 2], 0)) })
    const denied = await at.validate(gate(number, { operators: { deny: ['MatMul'], opset: [18, 21] } }), held)
    expect(checkIn(denied, 'operators')).toMatchObject({
      outcome: 'failed',
      words: expect.stringMatching(/MatMul.*opset 17/),
    })
  })

  test('a process that ends is a check that failed', async () => {
    const bursting: Graph = {
      inputs: [{ name: 'x', type: 'float32', shape: ['rows', 2] }],
      outputs: [{ name: 'score', type: 'float32', shape: ['rows', 1] }],
      nodes: [
        { op: 'ReduceSum', inputs: ['x', 'columns'], outputs: ['sum'] },
        { op: 'Expand', inputs: ['sum', 'huge'], outputs: ['wide'] },
        { op: 'ReduceSum', inputs: ['wide', 'columns'], outputs: ['score'] },
      ],
      constants: [
        { name: 'columns', type: 'int64', shape: [1], data: [1] },
        { name: 'huge', type: 'int64', shape: [2], data: [1, 40_000_000] },
      ],
    }
    const models = onnxModelRuntime({ timeoutMs: 30_000, memoryBytes: 512 * 1024 ** 2 })
    const held = await at.version({ 'model.onnx': onnx(bursting) })
    const result = await at.validate(gate(number), held, { models })
    expect(result.passed).toBe(false)
    expect(checkIn(result, 'loads').outcome).toBe('passed')
    expect(checkIn(result, 'golden')).toMatchObject({
      outcome: 'failed',
      words: expect.stringContaining('more than 512.0 MiB of memory'),
    })
  })

  test('what does not load, or is another model, is said and nothing else is tried', async () => {
    const broken = await at.validate(
      gate(number),
      await at.version({ 'model.onnx': onnx(linear([1, 2], 0)).subarray(0, 60) }),
    )
    expect(broken.document.checks.map(({ name, outcome }) => [name, outcome])).toEqual([['loads', 'failed']])
    const other = await at.validate(gate(number), await at.version({ 'model.onnx': onnx(linear([1, 2, 3], 0)) }))
    expect(checkIn(other, 'signature')).toMatchObject({
      outcome: 'failed',
      words: expect.stringContaining('3 columns'),
    })
    const none = await at.validate(gate(number), await at.version({ 'notes.txt': 'no model' }))
    expect(checkIn(none, 'loads').words).toContain('no ONNX file')
  })
})

test('the same version on the same rows gives the same document, but for times', async () => {
  const untimed = (document: object): unknown =>
    JSON.parse(JSON.stringify(document), (name, value: unknown) =>
      ['milliseconds', 'p50Ms', 'p99Ms', 'memoryBytes', 'words'].includes(name) ? null : value,
    )
  const asked = gate(chance, { heldOut, slices, invariants: { more: increasing('yes', 'a') } })
  const [first, second] = [await at.validate(asked, same, { champion }), await at.validate(asked, same, { champion })]
  expect(untimed(second.document)).toEqual(untimed(first.document))
})
