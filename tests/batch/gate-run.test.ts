/** The gate on real batches: DuckDB, ONNX Runtime, SQLite. Ten evenings, of which the outcomes come two days later. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check, Verdict } from '../../src/batch/documents.ts'
import { batch } from '../../src/definition/batch.ts'
import { model } from '../../src/definition/model.ts'
import { platform } from '../../src/definition/platform.ts'
import { parquet } from '../../src/definition/source.ts'
import { validate } from '../../src/definition/validate.ts'
import { manualClock } from '../../src/kernel/clock.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { linearModel } from '../cli/onnx.ts'

const day = 86_400_000
const first = Date.parse('2026-11-02T20:00:00Z')
const rows = 4_000

const score = model('score', {
  inputs: { request: { a: 'float64', b: 'float64' } },
  vector: ({ request: { a, b } }) => ({ a, b }),
  output: { score: 'number' },
  fallback: () => ({ score: 0 }),
})
const outcomes = {
  data: parquet('outcomes/*.parquet'),
  ...({ at: 'at', labels: { score: 'came' }, delay: '2d', worst: { score: { meanAbsoluteError: 0.5 } } } as const),
}
const nightly = batch('nightly', {
  model: score,
  key: { id: 'int64' },
  rows: parquet('rows.parquet'),
  decision: ({ output }) => output.score.gt(0.5),
  segments: ({ vector }) => ({ side: vector.b.gt(0.5) }),
  gate: { flips: 0.2, top: { output: 'score', k: 100, overlap: 0.5 }, outcomes },
  publish: { keep: 8 },
})
const defined = platform({ score, nightly })

describe('the gate of real batches', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-gate-'))
  const clock = manualClock(first)
  let opened: Opened

  const sql = async (text: string): Promise<void> => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run(text)
    connection.closeSync()
  }
  /** A key has the same `a` on every day, but for a little noise; `from` moves all of them, `turned` sorts them the other way. */
  const write = (n: number, { turned = false, from = 0 } = {}): Promise<void> =>
    sql(`COPY (SELECT CAST(i AS BIGINT) AS id,
      ${turned ? '1 - ' : ''}((i * 7919) % ${rows}) / ${rows}.0 + ((i * 31 + ${n} * 17) % 100) / 5000.0 + ${from} AS a,
      CAST(i % 2 AS DOUBLE) AS b FROM range(${rows}) t(i)) TO '${join(folder, 'rows.parquet')}'`)
  /** What came of the batch of day n, an hour later, apart from what was said by so much; and again, which is not the first. */
  const came = (n: number, apart: number, keys = rows): Promise<void> =>
    sql(`COPY (SELECT CAST(i AS BIGINT) AS id, to_timestamp(${(first + n * day) / 1000 + 3600} + 60 * again) AS "at",
      ((i * 7919) % ${rows}) / ${rows}.0 + ((i * 31 + ${n} * 17) % 100) / 5000.0 + ${apart} + 100 * again AS came
      FROM range(${keys}) t(i), range(2) u(again)) TO '${join(folder, 'outcomes', `${n}.parquet`)}'`)
  const evening = async (n: number) => {
    clock.advanceTo(first + n * day)
    const { batches } = opened
    const { run } = await batches.run((await batches.begin('nightly', { at: first + n * day, actor: 'test' })).id)
    const verdict = run.verdict as Verdict
    return { run, verdict, refused: verdict.checks.filter(({ outcome }) => outcome === 'refused') }
  }
  const of = ({ checks }: Verdict, kind: string): readonly Check[] => checks.filter((check) => check.kind === kind)

  beforeAll(async () => {
    mkdirSync(join(folder, 'outcomes'))
    await write(0)
    opened = await open(defined, { project: folder, data: join(folder, 'data'), clock })
    writeFileSync(join(folder, 'score.onnx'), linearModel('score', [1, 0], 0))
    const asker = { actor: 'test', reason: null, id: null } as never
    const facts = { description: null, to: 'production', facts: null, golden: null } as const
    expect((await opened.registry.add('score', join(folder, 'score.onnx'), facts, asker)).stopped).toBeNull()
    await opened.refresh()
  })
  afterAll(async () => {
    await opened.close()
    rmSync(folder, { recursive: true })
  })

  it('finds the first, the decisions and the outcomes of the last; and the last of the same weekday when a week is past', async () => {
    for (let n = 0; n < 8; n++) {
      await write(n)
      const { run, refused, verdict } = await evening(n)
      expect(refused, `day ${n}`).toEqual([])
      expect(run.state).toBe('published')
      const [realised] = of(verdict, 'outcomes')
      if (n < 2) expect(realised!.words).toMatch(/^Not enough labels/)
      // The files of outcomes are there from the second day on, and what is matured is of the days until two before.
      if (n === 2) expect(realised).toMatchObject({ outcome: 'passed', bound: 0.5 })
      if (n >= 1) {
        const [top] = of(verdict, 'top')
        const [flips] = of(verdict, 'flips')
        expect(top!.value).toBeGreaterThan(0.5)
        expect(flips!.value).toBeLessThan(0.05)
      }
      await came(n, 0.1)
    }
    const { verdict, refused } = await evening(8)
    expect(refused).toEqual([])
    expect(verdict.checks.some(({ against }) => against === 'weekday')).toBe(true)
    const [realised] = of(verdict, 'outcomes')
    expect(realised).toMatchObject({ of: 'score', measure: 'meanAbsoluteError', outcome: 'passed' })
    // Of each key the first that came: a minute later something quite different did.
    expect(realised!.value).toBeCloseTo(0.1, 5)
    expect(realised!.words).toMatch(/Of versions 5, 6 and 7 12,000 outcomes are known/)
    expect(await opened.batches.report('nightly', 'latest')).toContain('What came of earlier versions')
  }, 120_000)

  it('refuses where the first and the decisions are others, though every distribution is as it was', async () => {
    await write(9, { turned: true })
    const { run, refused } = await evening(9)
    expect(run.state).toBe('refused')
    expect(refused.map(({ kind }) => kind).sort()).toEqual(expect.arrayContaining(['flips', 'top']))
    expect(refused.find(({ kind }) => kind === 'flips')!.words).toMatch(/ of 4,000 keys the decision is another/)
  })

  it('refuses where what was said did not come true, and says so where the file of outcomes is none', async () => {
    await write(10)
    for (const n of [6, 7, 8]) await came(n, 0.9)
    const { run, refused } = await evening(10)
    expect(run.state).toBe('refused')
    expect(refused.map(({ kind, measure }) => [kind, measure])).toEqual([['outcomes', 'meanAbsoluteError']])
    expect(refused[0]!.words).toMatch(
      /mean absolute error of 'score' is 0\.9; at most 0\.5 may be\..* train it on newer rows/,
    )

    writeFileSync(join(folder, 'outcomes', '8.parquet'), 'no Parquet')
    await write(11)
    const broken = await evening(11)
    expect(broken.run.state).toBe('published')
    expect(of(broken.verdict, 'outcomes')[0]!.words).toMatch(
      /Not enough labels.*its outcomes 'outcomes\/\*\.parquet' cannot be read\..*Parquet/,
    )
  })

  it('names what is wrong with outcomes that are declared', () => {
    const wrong = batch('wrong', {
      model: score,
      key: { id: 'int64' },
      rows: parquet('rows.parquet'),
      gate: {
        outcomes: {
          data: parquet(''),
          ...({ at: '', labels: { scor: 'came' }, delay: '2 days' as never, least: 3 } as const),
          worst: { score: { brier: 0.2 } },
        },
      },
    })
    const problems = validate([score, wrong] as never).map(({ where, problem }) => `${where}: ${problem}`)
    for (const part of ['no file', 'no column', "there is no 'scor'", 'not a length of time', 'too few', 'brier'])
      expect(
        problems.some((problem) => problem.includes(part)),
        `${part}: ${problems.join('; ')}`,
      ).toBe(true)
  })
})
