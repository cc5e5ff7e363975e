import { expect, test } from 'vitest'
import { fileOutputsOf, label, model } from '../definition/model.ts'
import { platform } from '../definition/platform.ts'
import { postProcessOf } from './post.ts'

const late = model('late', {
  inputs: { request: { distance: 'float64' } },
  vector: ({ request }) => ({ distance: request.distance }),
  output: { late: 'probability', verdict: label('late', 'on time'), raw: 'number' },
  post: ({ output, vector }) => ({
    // Calibrated by what the held-out rows said of it.
    late: output.late.times(0.5).plus(0.1),
    verdict: output.late.gt(0.5).and(vector.distance.gt(100)).choose('late', 'on time'),
  }),
  fallback: () => ({ late: 0.2, verdict: 'on time', raw: 0 }),
})

test('what no computation reads is not asked of the file', () => {
  expect(Object.keys(fileOutputsOf(late))).toEqual(['late', 'raw'])
})

test('outputs are made of those of the file and of the vector', () => {
  const post = postProcessOf(late)!
  expect(post([0.8, 7], () => 500)).toEqual([0.5, 'late', 7])
  expect(post([0.8, 7], () => 50)).toEqual([0.5, 'on time', 7])
})

test('what cannot be computed, or is no probability, is null', () => {
  const post = postProcessOf(late)!
  expect(post([null, 7], () => 500)[0]).toBeNull()
  const wild = model('wild', {
    inputs: { request: { x: 'float64' } },
    vector: ({ request }) => ({ x: request.x }),
    output: { p: 'probability' },
    post: ({ output }) => ({ p: output.p.times(3) }),
    fallback: () => ({ p: 0.5 }),
  })
  expect(postProcessOf(wild)!([0.9], () => 0)).toEqual([null])
  expect(postProcessOf(wild)!([0.3], () => 0)).toEqual([expect.closeTo(0.9, 12)])
})

test('a model without has none, and its definition says nothing of it', () => {
  const plain = model('plain', {
    inputs: { request: { x: 'float64' } },
    vector: ({ request }) => ({ x: request.x }),
    output: { p: 'probability' },
    fallback: () => ({ p: 0.5 }),
  })
  expect(postProcessOf(plain)).toBeNull()
})

test('a definition whose post-processing asks nothing of the file, or makes what no output is, is refused', () => {
  const of = (post: unknown) =>
    platform({
      m: model('m', {
        inputs: { request: { x: 'float64' } },
        vector: ({ request }) => ({ x: request.x }),
        output: { p: 'probability' },
        post: post as never,
        fallback: () => ({ p: 0.5 }),
      }),
    })
  expect(() => of(() => ({ p: 0.5 }))).toThrow('reads no output of the file')
  expect(() => of(({ output }: { output: { p: unknown } }) => ({ q: output.p }))).toThrow("post 'q'")
  expect(() => of(() => ({ p: 'much' }))).toThrow("post 'p'")
})
