/** The facts of a version: what the definition and the file tell, and the names of what nobody recorded. */
import { expect, test } from 'vitest'
import { hashOfDefinition } from '../../src/definition/describe.ts'
import { modelNamed, viewNamed } from '../../src/definition/graph.ts'
import type { Inspection } from '../../src/ports/model-runtime.ts'
import { factsOf, manifestOf, missingFacts, missingOf } from '../../src/registry/registration/facts.ts'
import { withGates } from './platform.ts'

const platform = withGates()
const eta = modelNamed(platform, 'eta')
const inspection: Inspection = {
  format: 'onnx',
  inputs: [{ name: 'x', type: 'float32', shape: [-1, 3] }],
  outputs: [{ name: 'minutes', type: 'float32', shape: [-1, 1] }],
  opset: 17,
  ir: 8,
  domains: { 'ai.onnx.ml': 3 },
  operators: ['Gemm'],
  external: [],
  producer: 'skl2onnx',
}
const entry = { path: 'model.onnx', sha256: 'a'.repeat(64), bytes: 100 }
const facts = factsOf({ model: eta, inspection, entry, flavor: 'onnx', given: {} })

test('the definition tells the schema: types, what may be missing, ranges, and what each entry reads', () => {
  expect(facts.schema?.entries).toEqual([
    {
      name: 'mean_1d',
      type: 'float64',
      nullable: false,
      // Of the field's range and what stands where there is nothing.
      range: [0, 600],
      reads: ['pace.mean_1d'],
      views: { pace: hashOfDefinition(viewNamed(platform, 'pace')) },
    },
    { name: 'km', type: 'float64', nullable: false, range: [0, 50], reads: ['request.km'], views: {} },
    {
      name: 'n',
      type: 'int64',
      nullable: false,
      range: null,
      reads: ['pace.n_1d'],
      views: { pace: hashOfDefinition(viewNamed(platform, 'pace')) },
    },
  ])
  expect(facts.schema?.outputs).toEqual([{ name: 'minutes', type: 'number' }])
})

test('the preprocessing is the graph, its hash, and its source as one would write it', () => {
  expect(facts.preprocessing).toMatchObject({
    hash: hashOfDefinition(eta),
    source: { mean_1d: 'pace.mean_1d.orElse(20)', km: 'request.km', n: 'pace.n_1d' },
  })
})

test('the file tells its dependencies, whatever was said of them', () => {
  const said = { opset: 9, ir: 1, domains: {}, runtime: '<1', packages: ['numpy==2.0'], language: 'python 3.12' }
  const both = factsOf({ model: eta, inspection, entry, flavor: 'onnx', given: { dependencies: said } })
  expect(both.dependencies).toEqual({
    opset: 17,
    ir: 8,
    domains: { 'ai.onnx.ml': 3 },
    runtime: '>=1.13',
    packages: ['numpy==2.0'],
    language: 'python 3.12',
  })
})

test('what nobody recorded is named, and what a requirement asks of a fact is less than all of it', () => {
  expect(missingFacts(facts)).toEqual(['data', 'configuration', 'evaluation', 'dependencies: packages'])
  const more = {
    ...facts,
    data: { pointer: 's3://x', hash: null, rows: 10, from: null, to: null, query: null, artifact: null },
    configuration: { parameters: { trees: '9' }, seeds: {}, hardware: null, command: null, commit: null, dirty: null },
    evaluation: [{ metric: 'auc', value: 0.9, low: null, high: null, slice: null, data: 'abc' }],
  }
  expect(missingFacts(more)).toEqual([
    'data: hash',
    'data: time span',
    'data: query',
    'configuration: seeds',
    'configuration: command',
    'configuration: commit',
    'configuration: hardware',
    'evaluation: intervals',
    'evaluation: slices',
    'dependencies: packages',
  ])
  expect(missingOf('data', more, true)).toEqual(['data: hash'])
  expect(missingOf('configuration', more, true)).toEqual(['configuration: seeds'])
  expect(missingOf('evaluation', more, true)).toEqual([])
})

test('of a model that no platform defines, what the file tells is known, and of no file what was said', () => {
  const alone = factsOf({ model: null, inspection, entry, flavor: 'onnx', given: {} })
  expect(alone.schema?.entries).toEqual([
    { name: 'x', type: 'float32[?,3]', nullable: false, range: null, reads: [], views: {} },
  ])
  expect(alone.preprocessing).toBeNull()
  const nothing = factsOf({ model: null, inspection: null, entry: null, flavor: 'sklearn', given: {} })
  expect(nothing).toMatchObject({ artifact: null, schema: null, dependencies: null })
})

test('a manifest depends on what the version is, and not on the order of its files', () => {
  const other = { path: 'MLmodel', sha256: 'b'.repeat(64), bytes: 3 }
  const one = manifestOf([entry, other], 'model.onnx', facts)
  expect(manifestOf([other, entry], 'model.onnx', facts)).toBe(one)
  expect(manifestOf([entry], 'model.onnx', facts)).not.toBe(one)
  expect(manifestOf([entry, other], null, facts)).not.toBe(one)
  expect(
    manifestOf([entry, other], 'model.onnx', {
      ...facts,
      evaluation: [{ metric: 'auc', value: 1, low: null, high: null, slice: null, data: null }],
    }),
  ).not.toBe(one)
})
