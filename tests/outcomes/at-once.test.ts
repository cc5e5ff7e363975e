/** An outcome may be told, and a prediction explained, as soon as its answer is there: the log need not have been written yet. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { count, entity, model, platform, sixfold, source, view } from 'sixfold'
import { afterEach, beforeEach, expect, test } from 'vitest'

const user = entity('user', { key: { user: 'string' } })
const visits = source('visits', { fields: { user: 'string', at: 'timestamp' }, time: 'at' })
const activity = view('activity', { entity: user, source: visits, features: () => ({ visits: count().ever() }) })
const buys = model('buys', {
  inputs: { activity },
  vector: ({ activity: { visits } }) => ({ visits }),
  output: { buys: 'probability' },
  fallback: () => ({ buys: 0.5 }),
})

let data: string
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'sixfold-outcomes-'))
})
afterEach(() => rm(data, { recursive: true, force: true }))

test('an outcome told right after its prediction is taken', async () => {
  const app = sixfold(platform({ user, visits, activity, buys }), { data })
  const { record } = await app.predict('buys', { user: 'ann' })
  const told = await app.outcomes([{ id: record.id!, outcome: { buys: true } }])
  expect(told).toEqual({ accepted: 1, duplicates: 0, unknown: [], conflicts: [] })
  expect((await app.status()).models[0]!.quality.outcomes).toBe(1)
  await app.close()
})

test('a prediction can be explained right after it was answered', async () => {
  const app = sixfold(platform({ user, visits, activity, buys }), { data })
  const { record } = await app.predict('buys', { user: 'ann' })
  expect(await app.explain(record.id!)).toMatchObject({ id: record.id, outputs: { buys: 0.5 } })
  await app.close()
})

test('an id that no prediction has is unknown, and told so at once', async () => {
  const app = sixfold(platform({ user, visits, activity, buys }), { data })
  const { record } = await app.predict('buys', { user: 'ann' })
  const never = record.id!.replace(/\.[0-9a-z]+\./, '.zz.')
  const told = await app.outcomes([{ id: never, outcome: { buys: true } }])
  expect(told.unknown).toEqual([never])
  await app.close()
})
