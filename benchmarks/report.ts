/** What a benchmark prints: the machine, a table, and with --json one line for a program to read. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import type { Measure, Outcome } from './measure.ts'
import { median, ratios } from './measure.ts'

export interface Line {
  readonly name: string
  readonly unit: string
  readonly ours: number
  readonly theirs: number | null
  readonly peer: string
  readonly ratio: number | null
  readonly floor: number | null
  readonly of_floor: number | null
}

export function machine(): string {
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`
  return `${cpuModel()}, ${availableParallelism()} cores, ${memory}, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`
}

function cpuModel(): string {
  try {
    const found = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))
    if (found) return found[1]!
  } catch {
    // Not Linux.
  }
  return cpus()[0]?.model ?? 'unknown processor'
}

const over = (values: readonly number[] | null): number | null => (values === null ? null : round(median(values)))
const round = (value: number): number => Number(value.toPrecision(4))

export function lineOf({ name, unit, better, ours, theirs, peer, floor }: Measure): Line {
  return {
    name,
    unit,
    ours: over(ours)!,
    theirs: over(theirs),
    peer,
    ratio: theirs === null ? null : over(ratios(ours, theirs, better)),
    floor: over(floor),
    of_floor: floor === null ? null : over(ratios(ours, floor, better)),
  }
}

export function table({ measures, notes }: Outcome): string {
  const blocks = measures.map((measure) => {
    const { ours, theirs, peer, floor, floorIs, better, wanted } = measure
    const rows = [['ours', ...spread(ours), '']]
    if (theirs === null) rows.push([peer, 'not measured', '', '', ''])
    else rows.push([peer, ...spread(theirs), against('ratio', ratios(ours, theirs, better), wanted.ratio)])
    if (floor !== null)
      rows.push([
        `floor: ${floorIs}`,
        ...spread(floor),
        against('of floor', ratios(ours, floor, better), wanted.ofFloor),
      ])
    const width = Math.max(...rows.map(([first]) => first!.length))
    return [
      `${measure.name}, ${measure.unit} (${better} is better), ${ours.length} rounds: median, lowest, highest`,
      ...rows.map(([first, mid, low, high, last]) =>
        `  ${first!.padEnd(width)} ${mid!.padStart(12)} ${low!.padStart(10)} ${high!.padStart(10)}   ${last}`.trimEnd(),
      ),
    ].join('\n')
  })
  return [...blocks, notes.map((note) => `- ${note}`).join('\n')].filter((block) => block !== '').join('\n\n')
}

const spread = (values: readonly number[]): readonly string[] =>
  [median(values), Math.min(...values), Math.max(...values)].map(number)
const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

function against(what: string, values: readonly number[], wanted: number | undefined): string {
  const [mid, low, high] = spread(values)
  const aim = wanted === undefined ? '' : `, aim ≥ ${number(wanted)}: ${median(values) >= wanted ? 'met' : 'NOT met'}`
  return `${what} ${mid} (${low} to ${high})${aim}`
}
