/** Who keeps the schedules, over a real store: one process, and another when it is gone; a run an instant, whatever happens. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { Scheduler, SchedulerOptions } from '../../src/batch/schedule/scheduler.ts'
import { scheduler } from '../../src/batch/schedule/scheduler.ts'
import type { BeginOptions } from '../../src/batch/service.ts'
import type { CatchUp } from '../../src/definition/batch.ts'
import { batch, cron } from '../../src/definition/batch.ts'
import { hashOfDefinition } from '../../src/definition/describe.ts'
import { count, entity, model, parquet, source, view } from '../../src/index.ts'
import { SixfoldError } from '../../src/kernel/errors.ts'
import type { BatchRun, BatchStore, RunState } from '../../src/ports/batch-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import { aboutRun, author, newRun, parts } from '../../src/testing/batch-store-tools.ts'

const flight = entity('flight', { key: { flight: 'int64' } })
const seen = source('seen', {
  fields: { flight: 'int64', at: 'timestamp' },
  time: 'at',
  history: parquet('seen.parquet'),
})
const seenFlights = view('seen_flights', {
  entity: flight,
  source: seen,
  features: () => ({ times: count().over('1d') }),
})
const late = model('late', {
  inputs: { seen: seenFlights, request: { distance: 'float64' } },
  vector: ({ request }) => ({ distance: request.distance }),
  output: { late: 'probability' },
  fallback: () => ({ late: 0.2 }),
})
const evening = (name: string, catchUp: CatchUp = 'latest', text = '0 20 * * *') =>
  batch(name, { model: late, rows: parquet('rows.parquet'), schedule: cron(text, { catchUp }) })

const environment = 'here'
const folder = mkdtempSync(join(tmpdir(), 'sixfold-scheduler-'))
let metadata: MetadataStore
let store: BatchStore
let now = 0
let said: string[] = []
let opened: Scheduler[] = []

beforeEach(async () => {
  metadata = await sqliteMetadataStore(join(folder, `${randomBytes(6).toString('hex')}.sqlite`))
  store = metadata.batches
  now = Date.parse('2026-11-25T20:00:10Z')
  said = []
  opened = []
})
afterEach(async () => {
  for (const one of opened) await one.close()
  await metadata.close()
  if (opened.length === 0) rmSync(folder, { recursive: true, force: true })
})

interface Works {
  readonly started: BatchRun[]
  readonly stopped: string[]
  /** Brings it to a state, and ends its process. */
  end(run: BatchRun, to?: RunState, error?: { code: string; message: string }): Promise<void>
}

function keeping(batches: SchedulerOptions['batches'], more: Partial<SchedulerOptions> = {}): [Scheduler, Works] {
  const ends = new Map<string, () => void>()
  const works: Works = {
    started: [],
    stopped: [],
    end: async (run, to, error) => {
      if (to !== undefined) await bring(run, to, error)
      ends.get(run.id)!()
      await pause(20)
    },
  }
  const one = scheduler({
    batches,
    environment,
    store,
    parallel: 1,
    holder: randomBytes(3).toString('hex'),
    now: () => now,
    log: (level, about, words) => said.push(`${level}: ${words} ${JSON.stringify(about)}`),
    service: {
      begin: (name, options) => begin(batches, name, options),
      cancel: async (id) => {
        const run = (await store.run(id))!
        await bring(run, 'cancelled')
        return null as never
      },
    },
    work: (run) => {
      works.started.push(run)
      return {
        ended: new Promise((resolve) => ends.set(run.id, resolve)),
        stop: () => {
          works.stopped.push(run.id)
          ends.get(run.id)!()
        },
      }
    },
    ...more,
  })
  opened.push(one)
  return [one, works]
}

const begin = (batches: SchedulerOptions['batches'], name: string, { at, occasion, reason }: BeginOptions) =>
  store.begin(
    newRun({
      ...{ batch: name, environment, at: at!, occasion: occasion!, reason: reason!, actor: 'schedule' },
      definition: hashOfDefinition(batches.find((one) => one.name === name)!),
    }),
  )

async function bring(run: BatchRun, to: RunState, error?: { code: string; message: string }): Promise<void> {
  const lease = (await store.lease(`run/${run.id}`, 'worker', 60_000))!
  const { state } = (await store.run(run.id))!
  expect(await store.advance(run.id, lease, state, to as 'failed', error === undefined ? {} : { error })).toBe(true)
  await store.release(lease)
}

const times = (runs: readonly BatchRun[]): string[] => runs.map(({ at }) => new Date(at).toISOString().slice(5, 16))

test('what is due is begun once, and what comes after it when it is due', async () => {
  const [one, works] = keeping([evening('risk')])
  await one.turn()
  await one.turn()
  expect(times(works.started)).toEqual(['11-25T20:00'])
  expect(works.started[0]).toMatchObject({ reason: 'schedule', occasion: 'schedule 2026-11-25T20:00:00.000Z' })
  expect(one.standing()).toEqual({
    leads: true,
    working: [works.started[0]!.id],
    batches: [{ batch: 'risk', next: Date.parse('2026-11-26T20:00:00Z') }],
  })
  await works.end(works.started[0]!, 'cancelled')
  await one.turn()
  expect(works.started).toHaveLength(1)
  now = Date.parse('2026-11-26T20:00:00Z')
  await one.turn()
  expect(times(works.started)).toEqual(['11-25T20:00', '11-26T20:00'])
})

test('one process keeps the schedules; another takes them over when it is dead, and goes on with what is left', async () => {
  const [one, works] = keeping([evening('risk')], { leaseMs: 300 })
  const [other, others] = keeping([evening('risk')], { leaseMs: 300 })
  await Promise.all([one.turn(), other.turn(), one.turn(), other.turn()])
  const [first, leader, next, follower] = one.standing().leads
    ? [one, works, other, others]
    : [other, others, one, works]
  expect([leader.started.length, follower.started.length]).toEqual([1, 0])
  // Its process is gone, with no word.
  const began = performance.now()
  while (follower.started.length === 0 && performance.now() - began < 5_000) {
    await next.turn()
    await pause(20)
  }
  expect(performance.now() - began).toBeLessThan(2_000)
  expect(follower.started.map(({ id }) => id)).toEqual([leader.started[0]!.id])
  expect(await store.runs({ environment, limit: 9 })).toHaveLength(1)
  await first.turn()
  expect(first.standing().leads).toBe(false)
  expect(leader.stopped).toHaveLength(1)
})

test('a run on which somebody still works is left to them', async () => {
  const risk = evening('risk')
  const run = await begin([risk], 'risk', { at: now - 10_000, occasion: 'o', reason: 'schedule', actor: 'schedule' })
  const lease = (await store.lease(`run/${run.id}`, 'w', 60_000))!
  await store.planned(run.id, lease, {}, parts(2))
  await store.release(lease)
  const taken = (await store.take(run.id, 'w', 60_000))!
  const [one, works] = keeping([risk])
  await one.turn()
  expect(works.started).toEqual([])
  await store.release(taken.lease)
  await one.turn()
  expect(works.started.map(({ id }) => id)).toEqual([run.id])
})

test('what has passed of a held batch waits, holds up nobody, and goes on at once when it is released', async () => {
  const risk = evening('risk')
  const [one, works] = keeping([risk])
  await one.turn()
  const [run] = works.started as [BatchRun]
  const change = (kind: 'batch.held' | 'batch.released') =>
    metadata.registry.change({ kind, ...aboutRun(run) }, { ...author(), id: randomBytes(16).toString('hex') })
  await change('batch.held')
  for (const to of ['scoring', 'auditing', 'passed'] as const) {
    if (to === 'scoring') {
      const lease = (await store.lease(`run/${run.id}`, 'worker', 60_000))!
      await store.planned(run.id, lease, {}, parts(1))
      await store.release(lease)
    } else if (to === 'passed') await works.end(run, to)
    else await bring(run, to)
  }
  await one.turn()
  expect(works.started).toHaveLength(1)
  expect(said.filter((line) => !line.startsWith('info'))).toEqual([])
  await change('batch.released')
  await one.turn()
  expect(works.started.map(({ id }) => id)).toEqual([run.id, run.id])
  await change('batch.held')
  await works.end(run)
  // The next evening is scored all the same.
  now = Date.parse('2026-11-26T20:00:00Z')
  await one.turn()
  expect(times(works.started)).toEqual(['11-25T20:00', '11-25T20:00', '11-26T20:00'])
})

test('what a server was asked for is worked on, also of a batch without a schedule; what was begun by hand is not', async () => {
  const alone = batch('asked', { model: late, rows: parquet('rows.parquet') })
  const asked = await begin([alone], 'asked', { at: now, occasion: 'a', reason: 'request', actor: 'key:x' })
  await begin([alone], 'asked', { at: now, occasion: 'b', reason: 'manual', actor: 'local:x' })
  const [one, works] = keeping([alone], { parallel: 2 })
  await one.turn()
  expect(works.started.map(({ id }) => id)).toEqual([asked.id])
  await works.end(asked, 'failed', { code: 'SX_ROWS_INVALID', message: 'x' })
  expect((await store.again(asked.id, true)).reason).toBe('request')
})

test('no more at once than may be, and of one batch one after another', async () => {
  const batches = [evening('a', 'all'), evening('b'), evening('c')]
  await begin(batches, 'a', {
    at: Date.parse('2026-11-23T20:00Z'),
    occasion: 'o',
    reason: 'schedule',
    actor: 'x',
  }).then((run) => bring(run, 'cancelled'))
  const [one, works] = keeping(batches, { parallel: 2 })
  await one.turn()
  await one.turn()
  expect(works.started.map(({ batch: name }) => name)).toEqual(['a', 'b'])
  await works.end(works.started[0]!, 'cancelled')
  await one.turn()
  expect(works.started.map(({ batch: name }) => name)).toEqual(['a', 'b', 'a'])
  expect(times(works.started)).toEqual(['11-24T20:00', '11-25T20:00', '11-25T20:00'])
})

test('a run that others asked for counts for nothing, and is not gone on with', async () => {
  const risk = evening('risk')
  for (let i = 0; i < 3; i++)
    await begin([risk], 'risk', { at: now, occasion: `by hand ${i}`, reason: 'manual', actor: 'somebody' })
  const [one, works] = keeping([risk])
  await one.turn()
  expect(works.started.map(({ reason }) => reason)).toEqual(['schedule'])
})

test('what breaks off is tried again later, some times, and then left to people', async () => {
  const [one, works] = keeping([evening('risk')])
  await one.turn()
  const run = works.started[0]!
  for (let tried = 1; tried <= 4; tried++) {
    await works.end(run)
    await one.turn()
    expect(works.started).toHaveLength(tried)
    now += 30_000 * 2 ** (tried - 1)
    await one.turn()
    expect(works.started).toHaveLength(Math.min(4, tried + 1))
  }
  expect(said.at(-1)).toContain('not tried again by itself')
  now = Date.parse('2026-11-26T20:00:00Z')
  await one.turn()
  expect(times(works.started).at(-1)).toBe('11-26T20:00')
})

test('what failed because of its rows is not tried again; because of a store it is', async () => {
  const [one, works] = keeping([evening('a'), evening('b')], { parallel: 2 })
  await one.turn()
  const [a, b] = works.started as [BatchRun, BatchRun]
  await works.end(a, 'failed', { code: 'SX_ROWS_INVALID', message: 'no' })
  await works.end(b, 'failed', { code: 'SX_OVERLOADED', message: 'away' })
  now += 40_000
  await one.turn()
  expect(works.started.map(({ batch: name }) => name)).toEqual(['a', 'b', 'b'])
})

test('where no version answers, its instant stays due', async () => {
  let ready = false
  const risk = evening('risk')
  const [one, works] = keeping([risk], {
    service: {
      begin: (name, options) =>
        ready ? begin([risk], name, options) : Promise.reject(new SixfoldError('SX_MODEL_UNREADY', 'none')),
      cancel: () => Promise.reject(new Error('no')),
    },
  })
  await one.turn()
  await one.turn()
  expect(said.filter((text) => text.startsWith('error'))).toHaveLength(1)
  ready = true
  now += 30_000
  await one.turn()
  expect(times(works.started)).toEqual(['11-25T20:00'])
})

test('a run of a batch that is defined otherwise by now is cancelled', async () => {
  const run = await begin([evening('risk')], 'risk', {
    at: now - 10_000,
    occasion: 'o',
    reason: 'schedule',
    actor: 'x',
  })
  const [one, works] = keeping([evening('risk', 'latest', '0 20 * * 1')])
  await one.turn()
  expect(await store.run(run.id)).toMatchObject({ state: 'cancelled' })
  expect(works.started).toEqual([])
})

test('closing stops what is under way, and gives the schedules back at once', async () => {
  const [one, works] = keeping([evening('risk')])
  await one.turn()
  await one.close()
  expect(works.stopped).toEqual([works.started[0]!.id])
  const [other, others] = keeping([evening('risk')])
  await other.turn()
  expect(others.started.map(({ id }) => id)).toEqual(works.stopped)
})
