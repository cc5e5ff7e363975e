/** The stages of a request from end to end, with those on the network, which no server sees; and where they lie on the budget's scale. */
import type { ModelStatus } from '../data/wire.ts'

/** In the order in which a request passes them. `shares`: what of the budget is theirs. */
export const passages = [
  { stage: 'network in', seen: false, share: 'networkIn' },
  { stage: 'gateway', seen: true, share: null },
  { stage: 'features', seen: true, share: 'features' },
  { stage: 'assembly', seen: true, share: 'assembly' },
  { stage: 'queue', seen: true, share: null },
  { stage: 'inference', seen: true, share: 'inference' },
  { stage: 'post', seen: true, share: 'post' },
  { stage: 'network out', seen: false, share: 'networkOut' },
] as const

export type Passage = (typeof passages)[number]['stage']
export type Times = { readonly [stage: string]: number | null }

export interface Segment {
  readonly stage: Passage | 'buffer'
  readonly from: number
  readonly to: number
  readonly seen: boolean
}

/** What is left of the total is the buffer. */
export function budgetSegments(budget: ModelStatus['budget']): readonly Segment[] {
  const laid = endToEnd((_, share) => (share === null ? 0 : (budget[share] ?? 0)))
  const end = laid.at(-1)?.to ?? 0
  const total = budget['total'] ?? end
  return total > end ? [...laid, { stage: 'buffer', from: end, to: total, seen: true }] : laid
}

/** What the network takes is not seen: its share stands in for it. */
export const measuredSegments = (budget: ModelStatus['budget'], times: Times): readonly Segment[] =>
  endToEnd((stage, share, seen) => (seen ? (times[stage] ?? 0) : share === null ? 0 : (budget[share] ?? 0)))

function endToEnd(length: (stage: Passage, share: string | null, seen: boolean) => number): readonly Segment[] {
  let at = 0
  const segments: Segment[] = []
  for (const { stage, share, seen } of passages) {
    const to = at + Math.max(0, length(stage, share, seen))
    if (to > at) segments.push({ stage, from: at, to, seen })
    at = to
  }
  return segments
}

/** Round steps, about five of them. */
export function ticks(most: number): readonly number[] {
  const rough = most / 5
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((by) => by * size).find((one) => one >= rough) ?? size * 10
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => i * step)
}
