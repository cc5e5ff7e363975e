/** Definitions of models that are imported. */
import { label, model, vector } from '../../src/index.ts'

const three = { inputs: { request: { a: 'float64', b: 'float64', c: 'float64' } } } as const
export const likely = model('likely', {
  ...three,
  vector: ({ request }) => ({ ...request }),
  output: { p: 'probability' },
  fallback: () => ({ p: 0.5 }),
})
export const amount = model('amount', {
  ...three,
  vector: ({ request }) => ({ ...request }),
  output: { y: 'number' },
  fallback: () => ({ y: 0 }),
})
export const which = model('which', {
  ...three,
  vector: ({ request }) => ({ ...request }),
  output: { verdict: label('low', 'middle', 'high'), shares: vector(3) },
  fallback: () => ({ verdict: 'low', shares: [1, 0, 0] }),
})
export const mixed = model('mixed', {
  inputs: { request: { a: 'float64', b: 'float64', c: 'string' } },
  vector: ({ request }) => ({ ...request }),
  output: { p: 'probability' },
  fallback: () => ({ p: 0.5 }),
})
export const wide = model('wide', {
  inputs: { request: { a: 'float64', b: 'float64' } },
  vector: ({ request }) => ({ ...request }),
  output: { p: 'probability' },
  fallback: () => ({ p: 0.5 }),
})
export const shares = model('shares', {
  ...three,
  vector: ({ request }) => ({ ...request }),
  output: { shares: vector(3) },
  fallback: () => ({ shares: [1, 0, 0] }),
})
export const pair = model('pair', {
  ...three,
  vector: ({ request }) => ({ ...request }),
  output: { both: vector(2) },
  fallback: () => ({ both: [0, 0] }),
})
export const whole = model('whole', {
  inputs: { request: { a: 'int64', b: 'boolean' } },
  vector: ({ request }) => ({ ...request }),
  output: { y: 'number' },
  fallback: () => ({ y: 0 }),
})
