/**
 * The benchmarks still run, and both sides of each still give the same answers. How fast they are is not asked here: a benchmark
 * whose sides disagree ends with an error before it prints a figure.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeWith } from '../services/index.ts'

const root = join(import.meta.dirname, '../..')

interface Line {
  readonly name: string
  readonly ours: number
  readonly theirs: number | null
  readonly ratio: number | null
  readonly floor: number | null
  readonly of_floor: number | null
}

async function bench(...names: readonly string[]): Promise<{ readonly text: string; readonly lines: readonly Line[] }> {
  const jiti = join(root, 'node_modules/jiti/lib/jiti-cli.mjs')
  const program = [jiti, 'benchmarks/run.ts', ...names, '--quick', '--json', '--no-peers']
  const child = spawn(process.execPath, program, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number]
  expect(code, complaints).toBe(0)
  const said = JSON.parse(text.trimEnd().split('\n').at(-1)!) as Line | readonly Line[]
  return { text, lines: Array.isArray(said) ? said : [said as Line] }
}

const measured = (line: Line | undefined): void => {
  expect(line).toBeDefined()
  const { ours, theirs, ratio, floor, of_floor } = line!
  for (const figure of [ours, theirs, ratio, floor, of_floor])
    if (figure !== null) expect(figure, line!.name).toBeGreaterThan(0)
  expect(ratio === null).toBe(theirs === null)
  expect(of_floor === null).toBe(floor === null)
}

describe('npm run bench -- NAME --quick --json', () => {
  it('serve: the pipeline and the tensors give the same, in process too', { timeout: 180_000 }, async () => {
    const { text, lines } = await bench('serve')
    expect(text).toMatch(/all answered 0\.\d+/)
    for (const name of ['serve', 'serve, in process', 'serve, health'])
      measured(lines.find((line) => line.name === name))
  })

  it('join: ours, three hand-written forms, and running sums give the same rows', { timeout: 180_000 }, async () => {
    const { text, lines } = await bench('join')
    expect(text).toMatch(/All of them and ours gave the same: 50000 rows, \d+/)
    expect(text).toMatch(/Dense windows gave the same: 10000 rows, \d+/)
    const of = (name: string): Line | undefined => lines.find((line) => line.name === name)
    for (const name of ['join', 'join dense']) {
      measured(of(name))
      expect(of(name)!.theirs).not.toBeNull()
    }
    // What was not measured is not made up.
    expect(of('join, Feast')).toMatchObject({ theirs: null, ratio: null })
  })

  it('read: features as SQL computes them, records as the raw reads find them', { timeout: 180_000 }, async () => {
    const { text, lines } = await bench('read')
    expect(text).toContain('Features of 40 questions were equal to those computed from the history by SQL')
    expect(lines.length).toBeGreaterThan(0)
    lines.forEach(measured)
  })

  it('ingest: pushed over HTTP, in process, and materialised', { timeout: 180_000 }, async () => {
    const { text, lines } = await bench('ingest')
    expect(text).toContain('The newest rows of 20 entities by SQL were what the state answered, each way')
    expect(text).not.toContain('NaN')
    expect(lines.map(({ name }) => name)).toEqual([
      'ingest materialise',
      'ingest push, HTTP',
      'ingest push, in process',
      'ingest push, windows',
    ])
    lines.forEach(measured)
  })
})

describeWith(['redis'], 'npm run bench -- redis --quick --json', () => {
  it('one round trip a prediction, and answers as with embedded state', { timeout: 180_000 }, async () => {
    const { text, lines } = await bench('redis')
    expect(text).toMatch(/Three views in 1\.\d\d MGET of Redis/)
    expect(text).toContain('answers for 20 users were those of the newest rows by SQL')
    expect(lines.map(({ name }) => name)).toEqual(['predict on Redis'])
    lines.forEach(measured)
  })
})
