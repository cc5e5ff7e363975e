/** The drill as a test: kills at random instants and at each failure point between the rows of a batch and its publication. */
import { expect, test } from 'vitest'
import { batchKill } from '../../drills/batch-kill.ts'
import { random } from '../../drills/random.ts'

test('kill -9 at every step of a batch leaves whole batches, and is gone on with', async () => {
  const dice = random()
  const said: string[] = []
  const { faults, checked, lookups, points, runs, ...counts } = await batchKill(dice, 24, (text) => said.push(text))
  process.stdout.write(`${said.at(-1)}; ${runs} runs, ${lookups} look-ups\n`)
  expect(counts, `SEED=${dice.seed}: ${said.join('\n')}`).toEqual({
    name: 'batch-kill',
    lost: 0,
    doubled: 0,
    half_visible: 0,
  })
  expect(faults).toBe(24)
  expect(checked).toBeGreaterThan(10_000)
  expect(Object.keys(points).length).toBeGreaterThan(12)
}, 400_000)
