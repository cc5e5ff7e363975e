/** What answers while stores come and go: what is pending stays in force until it is known what became of it. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SixfoldError } from '../../src/kernel/errors.ts'
import type { RegistryStore } from '../../src/ports/registry-store.ts'
import type { PendingRollback, PendingRollbacks, Serving } from '../../src/registry/index.ts'
import { serving } from '../../src/registry/index.ts'
import type { Stage } from './stage.ts'
import { ana, stage } from './stage.ts'

/** One place for all servers, as the online store is, which may be out of reach. */
interface Shared extends PendingRollbacks {
  readonly kept: Map<string, PendingRollback>
  away: boolean
}
function place(): Shared {
  const kept = new Map<string, PendingRollback>()
  const self: Shared = {
    kept,
    away: false,
    all: async () => (self.away ? { found: [], whole: false } : { found: [...kept.values()], whole: true }),
    put: async (one) => void kept.set(one.id, one),
    remove: async ({ id }) => void kept.delete(id),
  }
  return self
}

let s: Stage
let shared: Shared
let reached: boolean[]
let servers: Serving[]
beforeEach(async () => {
  s = await stage()
  shared = place()
  reached = [true, true]
  servers = reached.map((_, i) =>
    serving({
      registry: new Proxy(s.metadata.registry, {
        get: (store, name) =>
          reached[i]
            ? store[name as keyof RegistryStore]
            : () => Promise.reject(new SixfoldError('SX_STORE_UNAVAILABLE', 'Away.')),
      }),
      pending: shared,
      environment: 'default',
      models: ['eta'],
      say: () => {},
    }),
  )
  for (const y of [1, 2, 3]) {
    const path = await s.file(y)
    await s.registry.add('eta', path, { description: null, to: 'production', facts: null, golden: null }, ana)
  }
  for (const one of servers) await one.refresh()
})
afterEach(() => s.close())

const answering = (): (number | null)[] => servers.map((one) => one.target('eta')?.version ?? null)
const author = (letter: string, at = Date.now()) => ({ id: letter.repeat(32), at, actor: 'local:ana', reason: null })
const rollbacks = async () =>
  (await s.metadata.registry.audit({ after: 0, limit: 100 }))
    .filter(({ action, details }) => action === 'rollback.superseded' || details['rollback'] === true)
    .map(({ id, action, version }) => [id[0], action, version])

test('stays in force where neither store says what became of it', async () => {
  const [first, second] = servers as [Serving, Serving]
  reached.fill(false)
  expect(await first.rollBackAlone('eta', null, author('a'))).toMatchObject({ from: 3, version: 2 })
  await second.look()
  expect(answering()).toEqual([2, 2])
  shared.away = true
  await second.look()
  expect(answering()).toEqual([2, 2])
  shared.away = false
  reached[0] = true
  await first.refresh()
  expect(shared.kept.size).toBe(0)
  // It is gone from the one store, and the other does not answer this server yet.
  await expect(second.refresh()).rejects.toThrow('Away.')
  expect(answering()).toEqual([2, 2])
  reached[1] = true
  await second.refresh()
  expect(second.pending('eta')).toBeNull()
  expect(answering()).toEqual([2, 2])
  expect(await rollbacks()).toEqual([['a', 'stage.changed', 2]])
})

test('several are written down in their order, once, whichever servers do it', async () => {
  const [first, second] = servers as [Serving, Serving]
  reached.fill(false)
  await first.rollBackAlone('eta', null, author('b'))
  expect(await first.rollBackAlone('eta', null, author('b'))).toMatchObject({ version: 2 })
  await second.look()
  expect(await second.rollBackAlone('eta', null, author('a'))).toMatchObject({ from: 2, version: 1 })
  await expect(second.rollBackAlone('eta', null, author('c'))).rejects.toMatchObject({
    code: 'SX_NOTHING_TO_ROLL_BACK',
  })
  await expect(second.rollBackAlone('eta', 1, author('c'))).rejects.toMatchObject({ code: 'SX_STAGE_INVALID' })
  await expect(second.rollBackAlone('eta', 2, author('c'), { production: 3 })).rejects.toMatchObject({
    code: 'SX_REGISTRY_CONFLICT',
  })
  reached.fill(true)
  await Promise.all([first.refresh(), second.refresh()])
  for (const one of servers) await one.refresh()
  expect(answering()).toEqual([1, 1])
  expect(await rollbacks()).toEqual([
    ['b', 'stage.changed', 2],
    ['a', 'stage.changed', 1],
  ])
})

test('is later than what it undoes, also where that was promoted by a clock that is ahead', async () => {
  const [first] = servers as [Serving]
  reached.fill(false)
  await first.rollBackAlone('eta', null, author('a', Date.now() - 60_000))
  expect(answering()[0]).toBe(2)
  reached.fill(true)
  await first.refresh()
  expect(await rollbacks()).toEqual([['a', 'stage.changed', 2]])
})

test('one that another way was faster with has an entry of its own', async () => {
  const [first, second] = servers as [Serving, Serving]
  reached.fill(false)
  await first.rollBackAlone('eta', null, author('a', Date.now() - 1_000))
  await s.registry.rollback('eta', 2, { ...ana, id: 'f'.repeat(32) })
  reached.fill(true)
  await second.refresh()
  await first.refresh()
  expect(answering()).toEqual([2, 2])
  expect(await rollbacks()).toEqual([
    ['f', 'stage.changed', 2],
    ['a', 'rollback.superseded', 2],
  ])
})
