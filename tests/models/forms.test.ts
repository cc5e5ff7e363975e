/** Model files of every form that exporters write answer what their arithmetic says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Model, Platform } from 'sixfold'
import { label, model, platform, sixfold, vector } from 'sixfold'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { classifier, linear, logistic, lookup, sigmoid } from './graphs.ts'
import type { Graph } from './onnx.ts'
import { onnx } from './onnx.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sixfold-models-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let made = 0
/** The answers of the graph to several questions that are asked at once, none of which may be degraded. */
async function answers(of: Model, graph: Graph, requests: readonly object[]): Promise<readonly unknown[]> {
  const file = join(folder, `${++made}.onnx`)
  await writeFile(file, onnx(graph))
  // Which model it is differs by test; the types of a fixed one have their own tests.
  const app = sixfold(platform({ [of.name]: of }) as Platform, { data: join(folder, `data-${made}`) }) as unknown as {
    addModel(model: string, path: string): Promise<{ readonly version: string }>
    predict(model: string, keys: object, request: object): Promise<Record<string, unknown>>
    close(): Promise<void>
  }
  try {
    expect(await app.addModel(of.name, file)).toEqual({ version: '1' })
    const predictions = await Promise.all(requests.map((request) => app.predict(of.name, {}, request)))
    return predictions.map(({ record, ...outputs }) => {
      expect(record).toMatchObject({ version: '1', degraded: [] })
      return outputs
    })
  } finally {
    await app.close()
  }
}

const two = { inputs: { request: { a: 'float64?', b: 'float64' } } } as const
const score = model('score', {
  ...two,
  vector: ({ request: { a, b } }) => ({ a, b }),
  output: { score: 'number' },
  fallback: () => ({ score: 0 }),
})
const chance = model('chance', {
  ...two,
  vector: ({ request: { a, b } }) => ({ a, b }),
  output: { yes: 'probability' },
  fallback: () => ({ yes: 0 }),
})
const pairs = [
  { a: 1, b: 2 },
  { a: -1, b: 0.5 },
  { a: 0, b: 0 },
]

test('one tensor of floats', async () => {
  expect(await answers(score, linear([2, 3], 1), pairs)).toEqual([{ score: 9 }, { score: 0.5 }, { score: 1 }])
})

test('an input for each entry, by name, in whatever order', async () => {
  expect(await answers(score, linear([3, 2], 1, ['b', 'a']), pairs)).toEqual([
    { score: 9 },
    { score: 0.5 },
    { score: 1 },
  ])
})

test('a missing value is NaN in floats, which the model may test for', async () => {
  const graph: Graph = {
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', 2] }],
    outputs: [{ name: 'score', type: 'float32', shape: ['rows', 1] }],
    nodes: [
      { op: 'IsNaN', inputs: ['x'], outputs: ['missing'] },
      { op: 'Cast', inputs: ['missing'], outputs: ['ones'], attributes: { to: 1 } },
      { op: 'ReduceSum', inputs: ['ones', 'axes'], outputs: ['score'] },
    ],
    constants: [{ name: 'axes', type: 'int64', shape: [1], data: [1] }],
  }
  expect(await answers(score, graph, [{ a: null, b: 1 }, { b: 1 }, { a: 1, b: 1 }])).toEqual([
    { score: 1 },
    { score: 1 },
    { score: 0 },
  ])
})

test.each([
  ['[rows, 1]', logistic([2, 3], 0)],
  ['[rows, 2], of which the second is meant', classifier([2, 3])],
  ['of double precision, as [rows]', double()],
])('a probability as %s', async (_, graph) => {
  const expected = pairs.map(({ a, b }) => ({ yes: expect.closeTo(sigmoid(2 * a + 3 * b), 5) }))
  expect(await answers(chance, graph, pairs)).toEqual(expected)
})

/** Doubles in, doubles out, one number a row. */
function double(): Graph {
  return {
    inputs: [{ name: 'x', type: 'float64', shape: ['rows', 2] }],
    outputs: [{ name: 'p', type: 'float64', shape: ['rows'] }],
    nodes: [
      { op: 'Cast', inputs: ['x'], outputs: ['single'], attributes: { to: 1 } },
      { op: 'MatMul', inputs: ['single', 'weights'], outputs: ['sum'] },
      { op: 'Sigmoid', inputs: ['sum'], outputs: ['column'] },
      { op: 'Squeeze', inputs: ['column', 'axes'], outputs: ['row'] },
      { op: 'Cast', inputs: ['row'], outputs: ['p'], attributes: { to: 11 } },
    ],
    constants: [
      { name: 'weights', type: 'float32', shape: [2, 1], data: [2, 3] },
      { name: 'axes', type: 'int64', shape: [1], data: [1] },
    ],
  }
}

test.each([
  ['texts', classifier([2, 3], { labels: ['no', 'yes'] })],
  ['numbers, which are the places of the labels', classifier([2, 3])],
  [
    'texts beside maps of probabilities, which are not asked for',
    classifier([2, 3], { labels: ['no', 'yes'], zipmap: true }),
  ],
])('a label as %s', async (_, graph) => {
  const answer = model('answer', {
    ...two,
    vector: ({ request: { a, b } }) => ({ a, b }),
    output: { label: label('no', 'yes') },
    fallback: () => ({ label: 'no' }),
  })
  expect(await answers(answer, graph, pairs)).toEqual([{ label: 'yes' }, { label: 'no' }, { label: 'no' }])
})

test('a label and a probability of one file', async () => {
  const both = model('both', {
    ...two,
    vector: ({ request: { a, b } }) => ({ a, b }),
    output: { label: label('no', 'yes'), yes: 'probability' },
    fallback: () => ({ label: 'no', yes: 0 }),
  })
  expect(await answers(both, classifier([2, 3], { labels: ['no', 'yes'] }), pairs.slice(0, 1))).toEqual([
    { label: 'yes', yes: expect.closeTo(sigmoid(8), 5) },
  ])
})

test('texts and whole numbers go in as what they are', async () => {
  const word = model('word', {
    inputs: { request: { word: 'string' } },
    vector: ({ request }) => ({ word: request.word }),
    output: { score: 'number' },
    fallback: () => ({ score: 0 }),
  })
  expect(
    await answers(word, lookup(['ja', 'naïve'], [1, 7]), [{ word: 'naïve' }, { word: 'ja' }, { word: 'x' }]),
  ).toEqual([{ score: 7 }, { score: 1 }, { score: -1 }])
  const whole = model('whole', {
    inputs: { request: { n: 'int64' } },
    vector: ({ request }) => ({ n: request.n }),
    output: { score: 'number' },
    fallback: () => ({ score: 0 }),
  })
  const same: Graph = {
    inputs: [{ name: 'n', type: 'int64', shape: ['rows', 1] }],
    outputs: [{ name: 'score', type: 'int64', shape: ['rows', 1] }],
    nodes: [{ op: 'Identity', inputs: ['n'], outputs: ['score'] }],
  }
  expect(await answers(whole, same, [{ n: -3 }, { n: '9007199254740991' }])).toEqual([
    { score: -3 },
    { score: 9007199254740991 },
  ])
})

test('numbers in one tensor and texts in another', async () => {
  const mixed = model('mixed', {
    inputs: { request: { a: 'float64', word: 'string', b: 'float64' } },
    vector: ({ request: { a, word, b } }) => ({ a, word, b }),
    output: { score: 'number' },
    fallback: () => ({ score: 0 }),
  })
  const { inputs, nodes } = lookup(['ten'], [10])
  const numbers = linear([1, 100], 0)
  const graph: Graph = {
    inputs: [...numbers.inputs, ...inputs],
    outputs: [{ name: 'sum', type: 'float32', shape: ['rows', 1] }],
    nodes: [
      ...numbers.nodes,
      ...nodes.map((node) => ({ ...node, outputs: ['coded'] })),
      { op: 'Add', inputs: ['score', 'coded'], outputs: ['sum'] },
    ],
    constants: numbers.constants!,
  }
  expect(await answers(mixed, graph, [{ a: 1, word: 'ten', b: 2 }])).toEqual([{ score: 211 }])
})

test('several numbers at once', async () => {
  const both = model('both', {
    ...two,
    vector: ({ request: { a, b } }) => ({ a, b }),
    output: { pair: vector(2) },
    fallback: () => ({ pair: [0, 0] }),
  })
  const graph: Graph = {
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['rows', 2] }],
    nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
  }
  expect(await answers(both, graph, pairs.slice(0, 2))).toEqual([{ pair: [-1, -2] }, { pair: [1, -0.5] }])
})

test('a file that takes one row a call is called with one', async () => {
  const graph = linear([2, 3], 1)
  const fixed: Graph = {
    ...graph,
    inputs: [{ name: 'x', type: 'float32', shape: [1, 2] }],
    outputs: [{ name: 'score', type: 'float32', shape: [1, 1] }],
  }
  expect(await answers(score, fixed, pairs)).toEqual([{ score: 9 }, { score: 0.5 }, { score: 1 }])
})
