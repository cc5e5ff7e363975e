/** The drill as a test: at least 20 kills at random instants, and nothing lost, doubled, or seen half. */
import { expect, test } from 'vitest'
import { ingestKill } from '../../drills/ingest-kill.ts'
import { random } from '../../drills/random.ts'

test('kill -9 while pushing, predicting and materialising loses nothing and counts nothing twice', async () => {
  const dice = random()
  const { faults, checked, lost, doubled, half_visible } = await ingestKill(dice, 14, () => {})
  expect({ lost, doubled, half_visible }, `SEED=${dice.seed}`).toEqual({ lost: 0, doubled: 0, half_visible: 0 })
  expect(faults).toBeGreaterThanOrEqual(20)
  expect(checked).toBeGreaterThan(1000)
}, 300_000)
