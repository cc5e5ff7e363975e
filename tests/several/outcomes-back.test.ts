/** An outcome that is told while the index of outcomes loses its last moments: whoever told it hears what became of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fileEventLog } from '../../src/adapters/files/event-log.ts'
import { count, entity, model, platform, source, view } from '../../src/index.ts'
import type { LoggedPrediction } from '../../src/inference/index.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { limits } from '../../src/kernel/limits.ts'
import { outcomes } from '../../src/monitoring/index.ts'
import type { OnlineStore } from '../../src/ports/online-store.ts'
import { memory } from './memory-store.ts'

const user = entity('user', { key: { user: 'string' } })
const visits = source('visits', { fields: { user: 'string', at: 'timestamp' }, time: 'at' })
const activity = view('activity', { entity: user, source: visits, features: () => ({ visits: count().ever() }) })
const buys = model('buys', {
  inputs: { activity },
  vector: ({ activity: { visits } }) => ({ visits }),
  output: { buys: 'probability' },
  fallback: () => ({ buys: 0.5 }),
})

test('it is accepted once, and counted once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-outcomes-'))
  const clock = systemClock()
  const log = fileEventLog({ folder, writable: true })
  const { store, keep } = memory()
  const back = keep()
  let entered: Uint8Array | null = null
  let lost = false
  const losing: OnlineStore = {
    ...store,
    update: async (keys, change) => {
      await store.update(keys, change)
      // The one that enters the outcome, with its position.
      if (keys.length === 2) entered = keys[1]!
    },
    read: (keys, visit) => {
      if (!lost && entered !== null && Buffer.from(keys[0]!).equals(entered)) {
        lost = true
        back()
      }
      return store.read(keys, visit)
    },
  }
  const prediction = (id: string) =>
    ({
      id,
      schema: { outputs: ['buys'] },
      outputs: [0.5],
      at: clock.now(),
      version: null,
      degraded: [],
    }) as unknown as LoggedPrediction
  const predictions = { findAll: async (ids: readonly string[]) => ids.map(prediction) } as never
  const joined = outcomes({
    platform: platform({ user, visits, activity, buys }),
    predictions,
    log,
    store: losing,
    clock,
    limits,
  })
  try {
    const told = await joined.record([{ id: 'buys.a.00000001', outcome: { buys: true } }])
    expect(lost).toBe(true)
    expect(told).toEqual({ accepted: 1, duplicates: 0, unknown: [], conflicts: [] })
    expect((await joined.find('buys.a.00000001'))?.outcome).toEqual({ buys: true })
    expect(joined.quality('buys').outcomes).toBe(1)
  } finally {
    await log.close()
    await rm(folder, { recursive: true, force: true })
  }
})
