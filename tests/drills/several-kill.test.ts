/** The drill as a test, with each log that servers can share: nothing lost or doubled, and nothing seen half. */
import { expect, it } from 'vitest'
import { random } from '../../drills/random.ts'
import { severalKill, sharedLogs } from '../../drills/several-kill.ts'
import { describeWith } from '../services/index.ts'

for (const log of sharedLogs)
  describeWith(
    log === 'kafka' ? ['redis', 'postgres', 'kafka'] : ['redis', 'postgres'],
    `several servers on ${log}`,
    () => {
      it('agree on what was acknowledged, whatever is killed', async () => {
        const dice = random()
        const told: string[] = []
        const result = await severalKill(log, dice, 20_000, (text) => told.push(text))
        process.stdout.write(`${JSON.stringify(result)}\n`)
        const { lost, doubled, half_visible } = result
        expect({ lost, doubled, half_visible }, `SEED=${dice.seed}\n${told.join('\n')}`).toEqual({
          lost: 0,
          doubled: 0,
          half_visible: 0,
        })
        expect(result.server_kills).toBeGreaterThan(0)
        expect(result.redis_kills).toBeGreaterThan(0)
        expect(result.checked).toBeGreaterThan(1_000)
        expect(result.reads).toBeGreaterThan(100)
      }, 180_000)
    },
  )
