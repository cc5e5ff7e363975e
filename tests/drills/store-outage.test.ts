/**
 * The drill as a test, for each store: away for 20 seconds, and behind a network that is slow, breaks off and falls silent. Prints what
 * it counted.
 */
import { expect, it } from 'vitest'
import { random } from '../../drills/random.ts'
import type { OutageStore } from '../../drills/store-outage.ts'
import { storeOutage } from '../../drills/store-outage.ts'
import type { ServiceName } from '../services/index.ts'
import { describeWith } from '../services/index.ts'

const needed: { readonly [S in OutageStore]: ServiceName[] } = {
  redis: ['redis', 'postgres'],
  postgres: ['redis', 'postgres'],
  kafka: ['redis', 'postgres', 'kafka'],
  s3: ['redis', 'postgres', 's3'],
}

for (const [store, services] of Object.entries(needed) as [OutageStore, ServiceName[]][])
  describeWith(services, `${store} goes away for 20 seconds, and is slow, broken off and silent`, () => {
    it('no prediction fails, nothing acknowledged is lost or doubled, and all goes on without a start over', async () => {
      const dice = random()
      const told: string[] = []
      const result = await storeOutage(store, dice, { awayMs: 20_000, brokenMs: 5_000 }, (text) => told.push(text))
      process.stdout.write(`${told.join('\n')}\n${JSON.stringify(result)}\n`)
      const { lost, doubled, server_errors } = result
      expect({ lost, doubled, server_errors }, `SEED=${dice.seed}\n${told.join('\n')}`).toEqual({
        lost: 0,
        doubled: 0,
        server_errors: 0,
      })
      expect(result.predictions).toBeGreaterThan(1_000)
      expect(result.checked).toBeGreaterThan(500)
      // Some seconds are the adapters' to notice that a connection is dead; a server that had to be started again would take for ever.
      expect(result.recovered_ms).toBeLessThan(20_000)
      expect(result.grown_mb).toBeLessThan(300)
    }, 300_000)
  })
