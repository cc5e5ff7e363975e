/** Runs of the schedule in processes of their own: they end, are asked to end, and are less urgent than a server. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { inProcess } from '../../src/runtime/batch-schedule.ts'
import { newRun } from '../../src/testing/batch-store-tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-schedule-process-'))
afterAll(() => rmSync(folder, { recursive: true }))
const program = join(folder, 'program.mjs')
writeFileSync(
  program,
  `import { writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
const [, , ...words] = process.argv
const told = { words, nice: getPriority(), ended: null }
const write = () => writeFileSync(words.at(-1), JSON.stringify(told))
process.on('SIGTERM', () => { told.ended = 'SIGTERM'; write(); process.exit(0) })
setTimeout(() => { told.nice = getPriority(); write(); if (process.env.ENDS) { console.error('done'); process.exit(0) } }, 150)
setInterval(() => {}, 1000)
`,
)
const run = { ...newRun(), version: 3 } as never as Parameters<typeof inProcess>[0]
const lines: string[] = []
const logger = pino({ level: 'info' }, { write: (line) => lines.push(line) })

test('one that ends by itself has ended, with its last words in the log', async () => {
  process.env['ENDS'] = '1'
  const out = join(folder, 'one.json')
  await inProcess(run, { program, project: out, logger }).ended
  delete process.env['ENDS']
  const { words, nice } = JSON.parse(readFileSync(out, 'utf8')) as { words: string[]; nice: number }
  expect(words).toEqual(['batch', 'resume', run.id, '--project', out])
  expect(nice).toBeGreaterThan(getPriority())
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ code: 0, said: 'done', version: 3 })
})

test('one that is stopped is asked to end', async () => {
  const out = join(folder, 'two.json')
  const work = inProcess(run, { program, project: out, logger })
  await pause(400)
  work.stop()
  await work.ended
  expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ ended: 'SIGTERM' })
})

test('one that cannot be started has ended', async () => {
  await inProcess(run, { program: join(folder, 'none.mjs'), project: 'x', logger }).ended
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ code: 1, said: expect.stringContaining('Cannot find module') })
})
