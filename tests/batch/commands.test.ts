/** Batches from the command line: what commands answer, how they end, and that each can be repeated. */
import { readFileSync, renameSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BatchAnswer, BatchStanding, RunDetail } from '../../src/batch/index.ts'
import type { BatchProject } from './batch-project.ts'
import { batchProject } from './batch-project.ts'

let project: BatchProject
beforeAll(async () => {
  project = await batchProject()
}, 60_000)
afterAll(() => project?.dispose())
const at = ['--at', '2026-11-20T01:30:00Z']

interface Planned {
  readonly run: string
  readonly partitions: readonly number[]
}

test('step by step, each as often as one likes', { timeout: 60_000 }, async () => {
  const plan = () => project.told<Planned>('batch', 'plan', 'nightly', ...at, '--occasion', "it's; $(touch x) 'one'")
  const planned = await plan()
  expect(planned).toMatchObject({ code: 0, answer: { partitions: [0, 1, 2], version: 1, state: 'scoring' } })
  const { run } = planned.answer
  expect((await project.told('batch', 'score', run, '--partition', '1')).code).toBe(0)
  expect((await plan()).answer).toMatchObject({ run, partitions: [0, 2] })
  for (let times = 0; times < 2; times++) {
    const scored = await project.told<RunDetail>('batch', 'score', run)
    expect([scored.code, scored.answer.run.state]).toEqual([0, 'auditing'])
  }
  expect((await project.told<RunDetail>('batch', 'audit', run)).answer.run.state).toBe('passed')
  expect((await project.told<RunDetail>('batch', 'publish', 'nightly@latest')).answer).toMatchObject({ live: true })
  expect((await project.told<RunDetail>('batch', 'publish', run)).answer.run.state).toBe('published')
  const { answer } = await project.told<{ answers: BatchAnswer[] }>('batch', 'lookup', 'nightly', '-k', 'shop=3')
  // Ten sales, half of its size, and two.
  expect(answer.answers).toMatchObject([{ outputs: { days: 13.5 }, rung: 'exact', version: 1, stale: false }])
})

test('a refusal ends with 3, also when it is to be published all the same without a reason', {
  timeout: 60_000,
}, async () => {
  await project.shops(500)
  const ran = await project.told<RunDetail>('batch', 'run', 'nightly', '--at', '2026-11-21T01:30:00Z')
  expect([ran.code, ran.answer.run.state]).toEqual([3, 'refused'])
  expect((await project.run('batch', 'show', 'nightly')).out).toMatch(/gate\s+refused by/)
  const published = await project.told<{ error: { code: string } }>('batch', 'publish', 'nightly@2')
  expect([published.code, published.answer.error.code]).toEqual([3, 'SX_BATCH_REFUSED'])
  const anyway = ['batch', 'publish', 'nightly@2', '--override']
  expect((await project.run(...anyway)).code).toBe(1)
  expect((await project.run(...anyway, '--reason', 'shops were closed')).code).toBe(0)
  const back = await project.told<RunDetail>('batch', 'rollback', 'nightly', '--reason', 'they were not')
  expect([back.code, back.answer.run.version, back.answer.live]).toEqual([0, 1, true])
})

test('what failed is tried anew where that is asked for', { timeout: 60_000 }, async () => {
  const { run } = (await project.told<Planned>('batch', 'plan', 'nightly', '--at', '2026-11-22T01:30:00Z')).answer
  const [file, away] = [project.path('shops.parquet'), project.path('away.parquet')]
  renameSync(file, away)
  const failed = await project.told<{ error: { code: string } }>('batch', 'score', run)
  expect([failed.code, failed.answer.error.code]).toEqual([1, 'SX_BATCH_FAILED'])
  renameSync(away, file)
  const still = await project.told<{ error: { code: string } }>('batch', 'score', run)
  expect([still.code, still.answer.error.code]).toEqual([1, 'SX_BATCH_STATE'])
  const again = await project.told<RunDetail>('batch', 'score', run, '--again')
  expect([again.code, again.answer.run.state]).toEqual([0, 'auditing'])
  expect((await project.told<RunDetail>('batch', 'cancel', run)).answer.run.state).toBe('cancelled')
})

test('what there is of batches', { timeout: 60_000 }, async () => {
  const { answer } = await project.told<{ batches: BatchStanding[] }>('batch', 'list')
  expect(answer.batches).toMatchObject([
    { batch: 'nightly', live: { version: 1 }, schedule: { zone: 'Europe/Berlin' } },
  ])
  expect((await project.run('batch', 'list', 'nightly')).out).toMatch(/\n2\s+2026-11-21T01:30:00.000Z[^\n]*\n1 /)
  expect((await project.run('batch', 'report', 'nightly', '2', '--out', 'report.html')).code).toBe(0)
  expect(readFileSync(project.path('report.html'), 'utf8')).toMatch(/^<!doctype html>/i)
  const lines = (await project.run('batch', 'lineage', 'nightly', '1')).out.trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { eventType: string }).eventType)).toEqual(['START', 'COMPLETE'])
  expect((await project.run('batch', 'files', 'nightly')).out.trim().split('\n')).toHaveLength(3)
  expect((await project.run('batch', 'compare', 'nightly', '1', '2')).out).toContain('500 keys in both')
})

test('a run whose rows are not there says so, and is planned when they are', { timeout: 60_000 }, async () => {
  renameSync(project.path('shops.parquet'), project.path('elsewhere.parquet'))
  const { code } = await project.run('batch', 'run', 'nightly', '--at', '2026-11-21T12:00:00Z')
  expect(code).toBe(1)
  const { answer } = await project.told<RunDetail>('batch', 'show', 'nightly', 'latest')
  expect(answer.run).toMatchObject({
    state: 'planning',
    error: { code: 'SX_ROWS_INVALID', message: expect.stringContaining('shops.parquet') },
  })
  renameSync(project.path('elsewhere.parquet'), project.path('shops.parquet'))
  const resumed = await project.told<RunDetail>('batch', 'resume', answer.run.id)
  expect([resumed.code, resumed.answer.run.error]).toEqual([expect.any(Number), null])
  expect(['published', 'refused', 'passed']).toContain(resumed.answer.run.state)
})

test('what is held waits, and says by whom it is held', { timeout: 60_000 }, async () => {
  await project.shops(2500)
  const held = await project.run('batch', 'hold', 'nightly', '--reason', 'a look')
  expect([held.code, held.out]).toEqual([0, expect.stringContaining('nothing goes live by itself')])
  const { answer } = await project.told<RunDetail>('batch', 'run', 'nightly', '--at', '2026-11-22T01:30:00Z')
  expect([answer.run.state, answer.live]).toEqual(['passed', false])
  expect((await project.run('batch', 'publish', 'nightly@latest')).code).toBe(0)
  expect((await project.run('batch', 'release', 'nightly')).out).toContain('goes live by itself again')
  expect((await project.run('batch', 'release', 'nightly')).code).toBe(1)
  expect((await project.run('audit', 'list')).out).toMatch(/batch\.held +idle 1 +nightly in 'default' +a look/)
  expect((await project.run('batch', 'show', 'nightly', 'live')).out).toMatch(/wasted +100 % of its predictions so far/)
})

test('what is called wrongly is refused, by what it is', { timeout: 60_000 }, async () => {
  const cases: readonly (readonly [words: readonly string[], code: number, says: string])[] = [
    [['batch', 'plan', 'nigthly'], 4, "'nightly'"],
    [['batch', 'plan', 'nightly', '--at', 'tomorrow'], 2, "'tomorrow' is no instant"],
    [['batch', 'run', 'nightly', '--engine', 'flink'], 2, 'local or spark'],
    [['batch', 'score', 'nightly'], 2, 'BATCH@VERSION'],
    [['batch', 'score', 'nightly@latest', '--partition', '-1'], 2, 'no whole number'],
    [['batch', 'show', 'nightly', '99'], 4, "no version '99'"],
    [['batch', 'resume', 'f'.repeat(32)], 4, 'no run'],
    [['batch', 'lookup', 'nightly', '-k', 'shop'], 2, '--key shop='],
    [['batch', 'lookup', 'nightly', '-k', 'shop=many'], 1, 'shop'],
    [['batch', 'export', '--airflow', '--parallel', '0'], 2, '--parallel'],
  ]
  await Promise.all(
    cases.map(async ([words, code, says]) => {
      const ran = await project.run(...words)
      expect([ran.code, ran.err], words.join(' ')).toEqual([code, expect.stringContaining(says)])
    }),
  )
})
