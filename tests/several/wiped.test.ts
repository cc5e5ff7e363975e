/** Redis is wiped under a server that runs: what is in the log comes back by itself, and the state still belongs to that log. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { count, entity, model, platform, sixfold, source, view } from 'sixfold'
import { expect, it } from 'vitest'
import { describeWith, startRedis } from '../services/index.ts'
import { answer } from '../services/port.ts'

const user = entity('user', { key: { user: 'string' } })
const visits = source('visits', { fields: { user: 'string', at: 'timestamp' }, time: 'at' })
const activity = view('activity', { entity: user, source: visits, features: () => ({ visits: count().ever() }) })
const buys = model('buys', {
  inputs: { activity },
  vector: ({ activity: { visits } }) => ({ visits }),
  output: { buys: 'probability' },
  fallback: () => ({ buys: 0.5 }),
})
const definitions = platform({ user, visits, activity, buys })

describeWith(['redis'], 'Redis is wiped', () => {
  it('events and outcomes come back from the log, and another log is still refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sixfold-wiped-'))
    const redis = await startRedis()
    const stores = { online: redis.url }
    const app = sixfold(definitions, { data: join(folder, 'one'), stores })
    try {
      await app.push('visits', [{ user: 'ann', at: new Date(Date.now() - 5_000) }])
      const { record } = await app.predict('buys', { user: 'ann' })
      await app.outcomes([{ id: record.id!, outcome: { buys: true } }])
      expect(await answer(redis.port, 'FLUSHALL\r\n')).toMatch('OK')
      const visitsOf = async (): Promise<unknown> => (await app.features('activity', { user: 'ann' })).visits
      await expect.poll(visitsOf, { timeout: 10_000 }).toBe(1)
      await expect
        .poll(async () => (await app.explain(record.id!)).outcome?.values, { timeout: 10_000 })
        .toEqual({ buys: true })
      expect((await app.status()).models[0]!.quality.outcomes).toBe(1)
      const other = sixfold(definitions, { data: join(folder, 'two'), stores })
      await expect(other.status()).rejects.toMatchObject({ code: 'SX_STORE_FOREIGN' })
      await other.close().catch(() => {})
    } finally {
      await app.close()
      await redis.close()
      await rm(folder, { recursive: true, force: true })
    }
  }, 60_000)
})
