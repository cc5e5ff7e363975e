/** Models that are asked with all that they are given, so that nothing but serving is measured. */
import { gate, model, platform } from 'sixfold'

const number = 'float64' as const
const eight = {
  x0: number,
  x1: number,
  x2: number,
  x3: number,
  x4: number,
  x5: number,
  x6: number,
  x7: number,
} as const
const sixteen = {
  ...eight,
  ...{ x8: number, x9: number, x10: number, x11: number, x12: number, x13: number, x14: number, x15: number },
} as const
const twenty = { ...sixteen, x16: number, x17: number, x18: number, x19: number } as const

/** Some milliseconds a call. */
const heavy = model('heavy', {
  inputs: { request: sixteen },
  vector: ({ request }) => request,
  output: { probability: 'probability' },
  // Answers of a minute ago would hide what is measured.
  degrade: { cached: null },
  fallback: () => ({ probability: 0.5 }),
})

/** The trees of `predict`, some microseconds a row. */
const light = model('light', {
  inputs: { request: twenty },
  vector: ({ request }) => request,
  output: { score: 'probability' },
  fallback: () => ({ score: 0.5 }),
})

// How long it takes is what is measured.
const heavyGate = gate(heavy, { latency: { p99Ms: 10_000 } })

export default platform({ heavy, light, heavyGate })
