/** Work that takes longer than a second: it says so, it can be ended, and what was ended is taken up again. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Project } from './project.ts'
import { project } from './project.ts'

const rows = 1_200_000

let p: Project
beforeAll(async () => {
  p = await project()
  await p.sql(
    `COPY (SELECT n AS "order", 'courier ' || (n % 20000) AS courier, CAST(n AS DOUBLE) AS minutes,
       TIMESTAMP '2024-01-01' + INTERVAL (n) SECOND AS delivered FROM range(${rows}) t(n)) TO '${p.path('history.parquet')}' (FORMAT parquet)`,
  )
})
afterAll(() => p.dispose())

test('materialize tells on standard error how far it is, ends at Ctrl-C, and then goes on where it was', async () => {
  const first = p.start('materialize')
  await first.says(/^pace: [1-8]0 %$/m)
  const began = performance.now()
  const ended = await first.end('SIGINT')
  expect(performance.now() - began).toBeLessThan(1_000)
  expect(first.child.signalCode).toBe('SIGINT')
  expect(ended.out).toBe('')

  const second = await p.run('materialize')
  expect(second.code).toBe(0)
  expect(second.out).toMatch(/^pace +built, resumed +1,200,000 /m)
  // Lines for whoever reads a log: nothing that moves a cursor.
  expect(second.err).toMatch(/^(pace( …|: \d+ %)\n)+$/)
  const { out } = await p.run('features', 'get', 'pace', '-k', 'courier=courier 7')
  expect(out).toContain(`deliveries_ever  ${rows / 20_000}`)
})
