/** A real Airflow runs what is exported for it: once published, and once refused by the gate, when what was published stays live. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { airflowProgram } from '../../scripts/installed.mjs'
import { airflowDag } from '../../src/batch/export/airflow.ts'
import type { RunDetail } from '../../src/batch/service.ts'
import type { Batch } from '../../src/definition/batch.ts'
import { cron } from '../../src/definition/batch.ts'
import { describeWith } from '../services/index.ts'
import type { BatchProject } from './batch-project.ts'
import { batchProject } from './batch-project.ts'

const options = { folder: '/srv/it"s', command: 'npx sixfold', pool: null, retries: 2, parallel: null, start: null }
const nightly = {
  name: 'nightly',
  model: { name: 'idle' },
  description: null,
  schedule: cron('0 20  * * *'),
} as never as Batch

test('the same batches give the same text; what is written in them stays text', () => {
  const text = airflowDag([{ ...nightly, description: 'a "quoted"\n"""text"""' } as Batch], options)
  expect(airflowDag([{ ...nightly, description: 'a "quoted"\n"""text"""' } as Batch], options)).toBe(text)
  expect(text.split('\n')[0]).toContain('Not to be edited')
  expect(text).toContain('FOLDER = "/srv/it\\"s"')
  expect(text).toContain('description="a \\"quoted\\"\\n\\"\\"\\"text\\"\\"\\""')
  expect(text).toContain('cron="0 20 * * *"')
})

test('a batch without a schedule, or that makes up for all of no one knows when, is refused', () => {
  const refused = (batches: readonly Batch[], more = {}): unknown => {
    try {
      return airflowDag(batches, { ...options, ...more })
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(refused([])).toContain('No batch has a schedule')
  expect(refused([{ ...nightly, schedule: null } as Batch])).toContain("'nightly' has no schedule")
  const all = { ...nightly, schedule: cron('0 20 * * *', { catchUp: 'all' }) } as Batch
  expect(refused([all])).toContain('from when on')
  expect(refused([all], { start: Date.parse('2026-11-01T00:00:00Z') })).toContain('start="2026-11-01T00:00:00.000Z"')
  expect(refused([nightly], { command: ' ' })).toContain('empty')
})

describeWith(['airflow'], 'Airflow', () => {
  const home = mkdtempSync(join(tmpdir(), 'sixfold-airflow-'))
  let project: BatchProject
  const environment = {
    PATH: process.env['PATH'],
    HOME: home,
    AIRFLOW_HOME: home,
    AIRFLOW__CORE__LOAD_EXAMPLES: 'false',
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: 'false',
    SCARF_ANALYTICS: 'false',
    DO_NOT_TRACK: '1',
  }
  const airflow = async (...words: readonly string[]): Promise<{ readonly code: number; readonly said: string }> => {
    const env = { ...environment, AIRFLOW__CORE__DAGS_FOLDER: project.path('dags') }
    const child = spawn(airflowProgram, words, { cwd: project.folder, env })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    return { code, said }
  }
  const day = (date: string) => airflow('dags', 'test', 'sixfold_nightly', date, '-f', project.path('dags/batches.py'))

  beforeAll(async () => {
    project = await batchProject()
    await project.write('dags/.gitkeep', '')
    const program = join(import.meta.dirname, '../../dist/runtime/bin.js')
    const words = ['--command', `${process.execPath} ${program}`, '--out', 'dags/batches.py']
    const exported = await project.run('batch', 'export', '--airflow', ...words)
    expect(exported.code, exported.err).toBe(0)
    const { code, said } = await airflow('db', 'migrate')
    expect(code, said.slice(-2_000)).toBe(0)
  }, 120_000)
  afterAll(async () => {
    await project?.dispose()
    rmSync(home, { recursive: true, force: true })
  })

  test('publishes a batch, and keeps it when the gate refuses the next', { timeout: 180_000 }, async () => {
    const first = await day('2026-11-20T01:30:00+00:00')
    expect(first.code, first.said.slice(-4_000)).toBe(0)
    const live = await project.told<RunDetail>('batch', 'show', 'nightly', 'live')
    expect(live.answer).toMatchObject({
      live: true,
      run: { version: 1, state: 'published', reason: 'airflow', at: Date.parse('2026-11-20T01:30:00Z') },
    })
    expect(live.answer.run.occasion).toMatch(/^airflow manual__/)
    expect(live.answer.partitions.map(({ state, attempts }) => [state, attempts])).toEqual(Array(3).fill(['done', 1]))

    // Two shops in three are gone.
    await project.shops(800)
    const second = await day('2026-11-21T01:30:00+00:00')
    expect(second.code).not.toBe(0)
    expect(second.said).toContain('The gate refused the batch; what was published before stays live.')
    expect(first.said).toContain('batch publish')
    expect(second.said).not.toContain('batch publish')
    const { answer: still } = await project.told<RunDetail>('batch', 'show', 'nightly', 'live')
    const { answer: latest } = await project.told<RunDetail>('batch', 'show', 'nightly')
    expect([still.run.version, latest.run.version, latest.run.state]).toEqual([1, 2, 'refused'])
  })
})
