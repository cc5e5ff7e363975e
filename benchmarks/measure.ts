/**
 * How a benchmark measures. The sides take turns in one run, so that a neighbour on the machine disturbs them alike, and a ratio is
 * the median over the rounds of the ratio within a round; lowest and highest are kept, and shown.
 */

export interface Measure {
  readonly name: string
  readonly unit: string
  /** Of times, less is better; of rates, more. */
  readonly better: 'less' | 'more'
  /** One value a round. */
  readonly ours: readonly number[]
  /** What a user would pick instead; null where it is not to be had here. */
  readonly theirs: readonly number[] | null
  readonly peer: string
  /** The least that the machine needs for such work; null where no such limit is measured. */
  readonly floor: readonly number[] | null
  readonly floorIs: string | null
  /** What is aimed at, as ratio to the peer or as share of the floor. */
  readonly wanted: { readonly ratio?: number; readonly ofFloor?: number }
}

export interface Outcome {
  readonly measures: readonly Measure[]
  /** Facts beside the measures: sizes, what was compared and found equal, CPU per request. */
  readonly notes: readonly string[]
}

export interface Settings {
  readonly quick: boolean
  /** Peers that need Python are left out. */
  readonly peers: boolean
  readonly say: (text: string) => void
}

export interface Benchmark {
  readonly summary: string
  run(settings: Settings): Promise<Outcome>
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Turned so that more is better. One for each round in which both were measured. */
export function ratios(
  ours: readonly number[],
  theirs: readonly number[],
  better: Measure['better'],
): readonly number[] {
  return ours
    .slice(0, theirs.length)
    .map((value, round) => (better === 'less' ? theirs[round]! / value : value / theirs[round]!))
}

type Side = () => number | Promise<number>

/** Each side once a round, in an order that turns about from round to round. */
export async function interleave<Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, Side>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const names = Object.keys(sides) as Name[]
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : names.toReversed()) values[name].push(await sides[name]())
  return values
}

/** Seconds that a piece of work takes. */
export async function seconds(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

/** The same numbers for the same seed: mulberry32, https://github.com/bryc/code/blob/master/jshash/PRNGs.md. */
export function random(seed: number): { below(limit: number): number } {
  let state = seed >>> 0
  return {
    below: (limit) => {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit)
    },
  }
}

/** Both sides must have done the same work: a benchmark that compares different answers ends here. */
export function equal(what: string, ours: unknown, theirs: unknown): void {
  if (ours !== theirs) throw new Error(`${what}: ours is ${String(ours)}, theirs is ${String(theirs)}.`)
}
