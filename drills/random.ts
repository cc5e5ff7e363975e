/** Numbers that look random and can be had again: mulberry32, seeded from SEED or from the clock, and printed. */
export interface Random {
  readonly seed: number
  /** From 0 to below 1. */
  next(): number
  /** A whole number from 0 to below n. */
  below(n: number): number
}

export function random(seed: number = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return { seed, next, below: (n) => Math.floor(next() * n) }
}
