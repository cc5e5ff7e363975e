/** The drill as a test: kills at random instants and at each failure point of registering, validating, promoting and rolling back. */
import { expect, test } from 'vitest'
import { promoteKill } from '../../drills/promote-kill.ts'
import { random } from '../../drills/random.ts'

test('kill -9 while versions are registered, validated, promoted and rolled back leaves nothing half', async () => {
  const dice = random()
  const said: string[] = []
  const { faults, checked, steps, points, ...counts } = await promoteKill(dice, 40, (text) => said.push(text))
  process.stdout.write(`${said.at(-1)}\n`)
  expect(counts, `SEED=${dice.seed}: ${said.join('\n')}`).toEqual({
    name: 'promote-kill',
    lost: 0,
    doubled: 0,
    half_visible: 0,
  })
  expect(faults).toBe(40)
  expect(checked).toBeGreaterThan(1000)
  expect(Object.keys(points).length).toBeGreaterThan(15)
  // One that was passed for the first time towards the end has not had its turn.
  expect(Object.values(points).filter((times) => times === 0).length).toBeLessThan(8)
  expect(steps).toMatchObject({ register: expect.any(Number), validate: expect.any(Number) })
}, 400_000)
