/**
 * Drift of twenty columns, half a million rows on either side, of which four have drifted: ours from Parquet files to verdicts, and from columns in
 * memory; beside it Evidently's preset, from the same files and from frames.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Benchmark, Outcome, Settings } from './measure.ts'
import { interleave, seconds } from './measure.ts'
import { driftEnvironment } from './peers/drift.ts'
import { drift as compare, driftOf, profileOf } from './sixfold.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

export const drift: Benchmark = {
  summary: 'twenty columns of two files held against each other: Evidently',
  run: (settings) => inWorkplace('drift', (place) => measure(place, settings)),
}

const numbers = 15
const texts = 5
const normal = 'sqrt(-2 * ln(random() + 1e-12)) * cos(6.2831853 * random())'

async function write({ db, path }: Workplace, rows: number, side: 'reference' | 'current'): Promise<void> {
  const shifted = side === 'current'
  const columns = [
    ...Array.from({ length: numbers }, (_, i) => `${normal} + ${shifted && i < 3 ? 0.3 : 0} AS n${i}`),
    ...Array.from({ length: texts }, (_, i) => {
      const shares = shifted && i === 0 ? [0.2, 0.4, 0.6, 0.8, 0.9] : [0.5, 0.7, 0.8, 0.9, 0.95]
      const cases = shares.map((share, at) => `WHEN u${i} < ${share} THEN '${'abcdef'[at]}'`)
      return `CASE ${cases.join(' ')} ELSE 'f' END AS c${i}`
    }),
  ]
  const drawn = Array.from({ length: texts }, (_, i) => `random() AS u${i}`)
  await db.run(
    `COPY (SELECT ${columns.join(', ')} FROM (SELECT ${drawn.join(', ')} FROM range(${rows}))) TO '${path(`${side}.parquet`)}' (FORMAT parquet)`,
  )
}

async function measure(place: Workplace, { quick, peers, say }: Settings): Promise<Outcome> {
  const rows = quick ? 50_000 : 500_000
  const { db, path } = place
  say(`Writing two files of ${rows.toLocaleString('en-US')} rows`)
  await write(place, rows, 'reference')
  await write(place, rows, 'current')
  const [reference, current] = [path('reference.parquet'), path('current.parquet')]
  const memory: { [side: string]: { [column: string]: Float64Array | string[] } } = { reference: {}, current: {} }
  for (const side of ['reference', 'current'] as const)
    for (const name of [...Array(numbers).keys()]
      .map((i) => `n${i}`)
      .concat([...Array(texts).keys()].map((i) => `c${i}`))) {
      const values = (await db.rows(`SELECT ${name} FROM '${path(`${side}.parquet`)}'`)).map(([value]) => value)
      memory[side]![name] = name.startsWith('n') ? Float64Array.from(values as number[]) : (values as string[])
    }
  const profiled = (side: string) =>
    Object.fromEntries(Object.entries(memory[side]!).map(([name, values]) => [name, profileOf(values)]))
  const check = (drifted: number, who: string): void => {
    if (drifted !== 4) throw new Error(`${who} found ${drifted} columns to have drifted, not 4.`)
  }
  const asked = { reference, current, columns: null, method: 'standard', thresholds: {} } as const
  const fromFiles = (): Promise<number> =>
    seconds(async () => {
      const found = await compare(asked)
      if (found.method === 'standard')
        check(found.columns.filter(({ verdict }) => verdict === 'drifted').length, 'Ours')
    })
  const fromMemory = (): Promise<number> =>
    seconds(() => check(driftOf(profiled('reference'), profiled('current')).drifted, 'Ours'))
  const python = join(driftEnvironment, 'bin/python')
  const without = !peers
    ? 'Python peers were left out'
    : existsSync(join(driftEnvironment, 'made'))
      ? null
      : 'Evidently is not installed: run `npx jiti benchmarks/peers/setup.ts evidently`'
  const times: { read: number; seconds: number }[] = []
  const theirs = (): number => {
    const script = join(import.meta.dirname, 'peers/drift_evidently.py')
    const output = execFileSync(python, [script, reference, current], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const told = JSON.parse(output.trim().split('\n').at(-1)!) as (typeof times)[number] & { readonly drifted: number }
    check(told.drifted, 'Evidently')
    times.push(told)
    return told.read + told.seconds
  }
  // What is compiled as it runs is compiled before.
  await fromFiles()
  await fromMemory()
  say('Taking turns')
  const rates = await interleave(quick ? 1 : 3, {
    files: fromFiles,
    memory: fromMemory,
    ...(without === null ? { theirs } : {}),
  } as Record<string, () => number | Promise<number>>)
  const common = { unit: 's', better: 'less', floor: null, floorIs: null, wanted: { ratio: 20 } } as const
  return {
    measures: [
      {
        ...common,
        name: 'drift, from files',
        ours: rates['files']!,
        theirs: rates['theirs'] ?? null,
        peer: 'Evidently, DataDriftPreset',
      },
      {
        ...{ ...common, name: 'drift, from memory', ours: rates['memory']! },
        ...{ theirs: without === null ? times.map((one) => one.seconds) : null, peer: 'Evidently, DataDriftPreset' },
      },
    ],
    notes: [
      `${rows.toLocaleString('en-US')} rows on either side, ${numbers} columns of numbers and ${texts} of texts; both found the 4 that had drifted`,
      ...(without === null ? [] : [without]),
    ],
  }
}
