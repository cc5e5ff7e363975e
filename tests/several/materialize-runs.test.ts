/**
 * Runs that materialise, where something comes in between: another run, a store that lost its last moments, a rebuild over what was
 * killed. Each event of history counts once, and what answers goes on until the next is whole.
 */
import { expect, test } from 'vitest'
import type { MaterializeRequest, RunningView } from '../../src/features/index.ts'
import { featureReader, materialize, runningViews } from '../../src/features/index.ts'
import { count, entity, parquet, platform, source, view } from '../../src/index.ts'
import { manualClock } from '../../src/kernel/clock.ts'
import { limits } from '../../src/kernel/limits.ts'
import type { HistoryRequest, OfflineStore } from '../../src/ports/offline-store.ts'
import type { OnlineStore } from '../../src/ports/online-store.ts'
import { memory } from './memory-store.ts'

const account = entity('account', { key: { account: 'string' } })
const payments = source('payments', {
  fields: { account: 'string', at: 'timestamp' },
  time: 'at',
  history: parquet('none.parquet'),
})
const spending = view('spending', { entity: account, source: payments, features: () => ({ payments: count().ever() }) })
const definitions = platform({ account, payments, spending })

// More than two updates hold.
const accounts = Array.from({ length: 1_200 }, (_, i) => `a${String(i).padStart(4, '0')}`)
const [early, late] = [1_000_000, 2_000_000]
const now = 3_000_000

/** One event of each account early, and one late. `between` is called behind each so many rows that are handed over. */
function historyWith(between: (row: number) => Promise<unknown>): OfflineStore {
  const rows = accounts.flatMap((name) => [early, late].map((at) => [name, at] as const))
  return {
    summarize: async () => ({ rows: rows.length, withoutTime: 0, lastVisible: late + 1 }),
    async *history({ after, through, afterKey }: HistoryRequest) {
      const wanted = rows.filter(
        ([name, at]) => at + 1 > after && at + 1 <= through && (afterKey === null || name > String(afterKey[0])),
      )
      for (const [i, row] of wanted.entries()) {
        await between(i)
        yield { rows: [row] }
      }
    },
  } as unknown as OfflineStore
}

async function processOn(store: OnlineStore) {
  const views = await runningViews(definitions, store)
  const running: RunningView = views.named('spending')
  const reader = featureReader([{ group: 'spending', view: spending }], ['account'], views, store)
  const run = (request: MaterializeRequest, between: (row: number) => Promise<unknown> = async () => {}) =>
    materialize(
      running,
      request,
      { store, offline: historyWith(between), clock: manualClock(now), limits, lanesOver: async () => [] },
      () => {},
    )
  const countOf = async (name: string): Promise<unknown> => {
    const into: never[] = []
    await reader.read([name], now, into, 0, new Float64Array(1))
    return into[0]
  }
  return { views, run, countOf, counts: async () => [...new Set(await Promise.all(accounts.map(countOf)))] }
}

const until = (through: number) => ({ through: through + 1, rebuild: false })

test('two runs that add the same history at once add it once', async () => {
  const { store } = memory()
  const [one, other] = [await processOn(store), await processOn(store)]
  await one.run(until(early))
  let beside = false
  await one.run(until(late), async (row) => {
    if (row !== 700 || beside) return
    beside = true
    await other.run(until(late))
  })
  await one.views.refresh()
  expect(await one.counts()).toEqual([2])
})

test('a run goes on from where its store has gone back to', async () => {
  const { store, keep } = memory()
  const one = await processOn(store)
  await one.run(until(early))
  let back: (() => void) | null = null
  let gone = false
  const result = await one.run({ through: late + 1, rebuild: true }, async (row) => {
    // After the first update, and after the second.
    if (row === 1_200) back ??= keep()
    if (row !== 2_300 || gone) return
    gone = true
    back!()
  })
  expect(gone).toBe(true)
  expect(result.mode).toBe('built')
  expect(await one.counts()).toEqual([2])
})

test('a run that a store has forgotten altogether is begun once more', async () => {
  const { store, keep } = memory()
  const one = await processOn(store)
  await one.run(until(early))
  const back = keep()
  let gone = false
  await one.run({ through: late + 1, rebuild: true }, async (row) => {
    if (row !== 2_300 || gone) return
    gone = true
    back()
  })
  expect(await one.counts()).toEqual([2])
})

test('what a store needs again that went back is not deleted', async () => {
  const { store, keep } = memory()
  const one = await processOn(store)
  await one.run(until(early))
  let back: (() => void) | null = null
  const losing: OnlineStore = {
    ...store,
    clear: (prefix, held) => {
      back?.()
      back = null
      return store.clear(prefix, held)
    },
  }
  const other = await processOn(losing)
  await other.run({ through: late + 1, rebuild: true }, async (row) => {
    // Before it steps over, which is then forgotten; what it is about to delete answers again.
    if (row === 2_399) back = keep()
  })
  expect(back).toBe(null)
  await one.views.refresh()
  expect(await one.counts()).toEqual([1])
  await one.run(until(late))
  expect(await one.counts()).toEqual([2])
})

test('what answers goes on while it is rebuilt over a run that was to add to it and was killed', async () => {
  const { store } = memory()
  const one = await processOn(store)
  await one.run(until(early))
  const killed = one.run(until(late), async (row) => {
    if (row === 700) throw new Error('killed')
  })
  await expect(killed).rejects.toThrow('killed')
  const seen = new Set<unknown>()
  await one.run({ through: late + 1, rebuild: true }, async (row) => {
    if (row % 300 === 10) for (const name of ['a0001', 'a1100']) seen.add(await one.countOf(name))
  })
  expect([...seen].sort()).toEqual([1, 2])
  expect(await one.counts()).toEqual([2])
})

test('a reader follows a view that went back with its store, and forth again', async () => {
  const { store, keep } = memory()
  const [server, other] = [await processOn(store), await processOn(store)]
  await other.run(until(early))
  const back = keep()
  await other.run({ through: early + 1, rebuild: true })
  const forth = keep()
  expect(await server.countOf('a0001')).toBe(1)
  back()
  await server.views.refresh()
  forth()
  expect(await server.countOf('a0001')).toBe(1)
})
