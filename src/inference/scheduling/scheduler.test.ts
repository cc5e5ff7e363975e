/** What callers notice of the scheduler, with a model that takes as long as a test says. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Value } from '../../expression/node.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { LoadedModel, Place, Tensors } from '../../ports/model-runtime.ts'
import type { Signature } from '../signature.ts'
import { NoValue } from '../tensors.ts'
import type { SchedulerOptions } from './scheduler.ts'
import { scheduler } from './scheduler.ts'
import type { Due, RowAnswer, Scheduler, TensorsAnswer } from './work.ts'

const signature: Signature = {
  rows: null,
  inputs: [{ input: 'x', type: 'float64', rank: 2, entries: [0, 1] }],
  outputs: [{ name: 'sum', kind: 'number', tensor: 'sum' }],
}
const info = (name: string, columns: number) => ({ name, type: 'float64', shape: [-1, columns] })

/** Gives for each row the sum of its two numbers; a row whose first is 666 fails the call, one with 503 finds its server away. */
class Fake implements LoadedModel {
  readonly calls: { readonly rows: number; readonly first: readonly number[] }[] = []
  readonly inputs = [info('x', 2)]
  readonly outputs = [info('sum', 1), info('twice', 2)]
  readonly concurrency: number
  readonly place: Place
  closed = 0
  #lost: ((error: Error) => void)[] = []
  readonly #takes: (rows: number) => number
  constructor(takes: (rows: number) => number = () => 1, place: Place = 'thread', concurrency = 1) {
    this.#takes = takes
    this.place = place
    this.concurrency = concurrency
  }
  async run(inputs: Tensors): Promise<Tensors> {
    const { shape, data } = inputs['x']!
    const x = Float64Array.from(data as Float64Array)
    const rows = shape[0]!
    this.calls.push({ rows, first: Array.from({ length: rows }, (_, i) => x[2 * i]!) })
    await new Promise<void>((resolve, reject) => {
      this.#lost.push(reject)
      const ms = this.#takes(rows)
      if (ms === 0) setImmediate(resolve)
      else setTimeout(resolve, ms)
    })
    if (x.includes(666)) throw new SixfoldError('SX_MODEL_FAILED', 'It does not like 666.')
    if (x.includes(503)) throw new SixfoldError('SX_REMOTE_UNAVAILABLE', 'It is away.')
    const sum = Float64Array.from({ length: rows }, (_, i) => x[2 * i]! + x[2 * i + 1]!)
    return {
      sum: { type: 'float64', shape: [rows, 1], data: sum },
      twice: { type: 'float64', shape: [rows, 2], data: x.map((value) => 2 * value) },
    }
  }
  lose(): void {
    for (const reject of this.#lost.splice(0)) reject(new SixfoldError('SX_RUNTIME_LOST', 'It is gone.'))
  }
  abandon(): void {
    this.lose()
  }
  async close(): Promise<void> {
    this.closed++
  }
}

const open: Scheduler[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})
function make(first: Fake, options: Partial<SchedulerOptions> = {}): Scheduler {
  const made = scheduler({
    first,
    start: () => Promise.reject(new Error('No other was expected.')),
    signature,
    entries: [(row) => row[0]!, (row) => row[1]!],
    batchRows: 8,
    queueRows: 100,
    workers: { min: 1, max: 1 },
    warmed: [],
    monotonic: () => performance.now(),
    ...options,
  })
  open.push(made)
  return made
}
const within = (ms: number, priority: Due['priority'] = 'live'): Due => ({ deadline: performance.now() + ms, priority })
const row = (...values: readonly number[]): readonly Value[] => values
const tensor = (...rows: readonly (readonly number[])[]): Tensors => ({
  x: { type: 'float64', shape: [rows.length, 2], data: Float64Array.from(rows.flat()) },
})
const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error as SixfoldError).code ?? String(error),
  )
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('batches', () => {
  test('what is there together goes together, and each gets its own', async () => {
    const model = new Fake()
    const waiting = make(model)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => waiting.row(row(i, 100), within(1_000))))
    expect(answers.map(({ outputs }) => outputs[0])).toEqual(Array.from({ length: 20 }, (_, i) => i + 100))
    expect(model.calls.map(({ rows }) => rows)).toEqual([8, 8, 4])
    expect(waiting.snapshot().counts).toMatchObject({ succeeded: 20, rows: 20, calls: 3, failed: 0 })
    expect(waiting.snapshot().counts.batches.map(({ rows, calls }) => [rows, calls])).toEqual([
      [4, 1],
      [8, 2],
    ])
  })

  test('nothing waits for company: the first goes alone, what comes meanwhile goes next', async () => {
    const model = new Fake(() => 20)
    const waiting = make(model)
    const first = waiting.row(row(1, 1), within(1_000))
    await pause(5)
    const others = [2, 3, 4].map((i) => waiting.row(row(i, i), within(1_000)))
    await Promise.all([first, ...others])
    expect(model.calls.map(({ rows }) => rows)).toEqual([1, 3])
    expect(waiting.snapshot().counts.released).toEqual({ idle: 1, busy: 1, full: 0 })
  })

  test('rows of values and tensors of several rows share a call', async () => {
    const model = new Fake()
    const waiting = make(model)
    const [one, two, three] = (await Promise.all([
      waiting.row(row(1, 2), within(1_000)),
      waiting.tensors(tensor([3, 4], [5, 6]), ['twice', 'sum'], 2, within(1_000)),
      waiting.row(row(7, 8), within(1_000)),
    ])) as [RowAnswer, TensorsAnswer, RowAnswer]
    expect(model.calls).toEqual([{ rows: 4, first: [1, 3, 5, 7] }])
    expect([one.outputs[0], three.outputs[0]]).toEqual([3, 15])
    expect(two.outputs['sum']).toEqual({ type: 'float64', shape: [2, 1], data: Float64Array.of(7, 11) })
    expect(two.outputs['twice']).toEqual({ type: 'float64', shape: [2, 2], data: Float64Array.of(6, 8, 10, 12) })
    expect(Object.keys(two.outputs)).toEqual(['twice', 'sum'])
  })

  test('more rows than a batch has go in a call of their own, and no call but that is larger', async () => {
    const model = new Fake()
    const waiting = make(model)
    const many = tensor(...Array.from({ length: 30 }, (_, i) => [i, 1]))
    const answers = await Promise.all([
      waiting.tensors(many, ['sum'], 30, within(1_000)),
      ...Array.from({ length: 10 }, (_, i) => waiting.row(row(i, 0), within(1_000))),
    ])
    expect((answers[0] as TensorsAnswer).outputs['sum']!.data).toEqual(
      Float64Array.from({ length: 30 }, (_, i) => i + 1),
    )
    expect(model.calls.map(({ rows }) => rows).sort((a, b) => a - b)).toEqual([2, 8, 30])
  })

  test('a row of one caller that the model fails over costs the others nothing', async () => {
    const waiting = make(new Fake())
    const asked = [1, 666, 3].map((i) => codeOf(waiting.row(row(i, 0), within(1_000))))
    expect(await Promise.all(asked)).toEqual(['answered', 'SX_MODEL_FAILED', 'answered'])
    expect(waiting.snapshot().counts).toMatchObject({ succeeded: 2, failed: 1 })
  })

  test('rows whose server is away are not sent again one by one', async () => {
    const model = new Fake(() => 1, 'remote', 4)
    const waiting = make(model)
    const asked = [1, 503, 3].map((i) => codeOf(waiting.row(row(i, 0), within(1_000))))
    expect(await Promise.all(asked)).toEqual(Array(3).fill('SX_REMOTE_UNAVAILABLE'))
    expect(model.calls.map(({ rows }) => rows)).toEqual([3])
  })

  test('a row without a tensor is rejected, and the others go on', async () => {
    const waiting = make(new Fake(), {
      entries: [
        (values) => {
          if (values[0] === 13) throw new NoValue()
          return values[0]!
        },
        () => 0,
      ],
    })
    const asked = [1, 13, 3].map((i) => waiting.row(row(i, 0), within(1_000)).catch((error: unknown) => error))
    const [one, none, three] = await Promise.all(asked)
    expect(none).toBeInstanceOf(NoValue)
    expect([(one as RowAnswer).outputs[0], (three as RowAnswer).outputs[0]]).toEqual([1, 3])
  })
})

describe('what waits', () => {
  test('what is due first goes first, live before shadow before backfill', async () => {
    const model = new Fake(() => 10)
    const waiting = make(model, { batchRows: 1 })
    const asked = [
      waiting.row(row(0, 0), within(500)),
      ...[
        [1, 900, 'backfill'],
        [2, 800, 'live'],
        [3, 700, 'live'],
        [4, 600, 'shadow'],
        [5, 950, 'live'],
      ].map(([i, ms, priority]) => waiting.row(row(i as number, 0), within(ms as number, priority as Due['priority']))),
    ]
    await Promise.all(asked)
    // The first two turns took what was most urgent then.
    expect(model.calls.map(({ first }) => first[0])).toEqual([0, 3, 2, 5, 4, 1])
  })

  test('what is due while the only worker is busy is told so within 5 ms', async () => {
    const waiting = make(new Fake(() => 300))
    const busy = waiting.row(row(0, 0), within(5_000))
    await pause(5)
    await Promise.all(
      [40, 60, 100, 100].map(async (ms) => {
        const due = within(ms)
        // A machine with other work is late by itself: as late as a timer for the same instant.
        const timer = new Promise<number>((resolve) => setTimeout(() => resolve(performance.now()), ms))
        expect(await codeOf(waiting.row(row(1, 1), due))).toBe('SX_DEADLINE_EXCEEDED')
        const told = performance.now()
        expect(told - due.deadline).toBeGreaterThan(-2)
        expect(told - (await timer)).toBeLessThan(5)
      }),
    )
    expect(waiting.snapshot().counts.expired).toBe(4)
    await busy
  })

  test('the bound is in rows', async () => {
    const waiting = make(new Fake(() => 50), { queueRows: 10 })
    const busy = waiting.row(row(0, 0), within(5_000))
    await pause(5)
    const seven = waiting.tensors(tensor(...Array.from({ length: 7 }, () => [1, 1])), ['sum'], 7, within(5_000))
    const refused = waiting.tensors(tensor(...Array.from({ length: 4 }, () => [1, 1])), ['sum'], 4, within(5_000))
    const error = (await refused.catch((thrown: unknown) => thrown)) as SixfoldError
    expect([error.code, error.details['reason']]).toEqual(['SX_OVERLOADED', 'full'])
    expect(error.details['retryMs']).toBeGreaterThan(0)
    expect(waiting.snapshot().counts.refused.full).toBe(1)
    await Promise.all([busy, seven])
  })

  test('what cannot be computed in time is turned away at once, and what can is not', async () => {
    const waiting = make(new Fake((rows) => 20 + rows), {
      batchRows: 4,
      warmed: [
        { rows: 1, milliseconds: 21 },
        { rows: 4, milliseconds: 24 },
      ],
    })
    const began = performance.now()
    const asked = Array.from({ length: 40 }, () => {
      const due = within(100)
      return codeOf(waiting.row(row(1, 1), due)).then((code) => ({ code, after: performance.now() - began }))
    })
    const told = await Promise.all(asked)
    const answered = told.filter(({ code }) => code === 'answered')
    const refused = told.filter(({ code }) => code === 'SX_OVERLOADED')
    expect(answered.length + refused.length).toBe(40)
    expect(answered.length).toBeGreaterThanOrEqual(8)
    expect(answered.length).toBeLessThanOrEqual(16)
    for (const { after } of answered) expect(after).toBeLessThan(115)
    expect(Math.max(...refused.map(({ after }) => after))).toBeLessThan(20)
    expect(waiting.snapshot().counts.refused.late).toBe(refused.length)
  })

  test('slow calls do not close the door for ever', async () => {
    let slow = true
    const waiting = make(new Fake(() => (slow ? 150 : 2)), { batchRows: 1 })
    for (let i = 0; i < 4; i++) await waiting.row(row(1, 1), within(5_000))
    slow = false
    expect(await codeOf(waiting.row(row(1, 1), within(50)))).toBe('SX_DEADLINE_EXCEEDED')
    expect(waiting.snapshot().counts.refused).toEqual({ full: 0, late: 0, limit: 0, short: 1 })
    await pause(1_050)
    let answered = 0
    for (let i = 0; i < 30; i++) {
      if ((await codeOf(waiting.row(row(1, 1), within(50)))) === 'answered') answered++
      await pause(40)
    }
    expect(answered).toBeGreaterThan(10)
  }, 20_000)
})

describe('workers', () => {
  test('one that is lost is started again, and its rows are computed by another', async () => {
    const second = new Fake()
    const first = new Fake(() => 1_000)
    const waiting = make(first, { start: async () => second })
    const asked = waiting.row(row(2, 3), within(3_000))
    await pause(20)
    first.lose()
    expect((await asked).outputs[0]).toBe(5)
    expect(second.calls).toHaveLength(1)
    expect(first.closed).toBe(1)
    expect(waiting.snapshot().counts.restarts).toBe(1)
  })

  test('a row that takes two workers with it is given up', async () => {
    const fakes = Array.from({ length: 6 }, () => new Fake(() => 1_000))
    let next = 0
    const waiting = make(fakes[0]!, { start: async () => fakes[++next]! })
    const asked = codeOf(waiting.row(row(2, 3), within(5_000)))
    for (const fake of fakes.slice(0, 2)) {
      while (fake.calls.length === 0) await pause(5)
      fake.lose()
    }
    expect(await asked).toBe('SX_RUNTIME_LOST')
  })

  test('one that hangs is given up when its callers are, and replaced', async () => {
    const hanging = new Fake(() => 100_000)
    const waiting = make(hanging, { start: async () => new Fake() })
    expect(await codeOf(waiting.row(row(1, 1), within(200)))).toBe('SX_RUNTIME_LOST')
    expect((await waiting.row(row(1, 1), within(2_000))).outputs[0]).toBe(2)
  }, 10_000)

  test('several compute at once, and there are more when many wait, up to the bound', async () => {
    const fakes: Fake[] = []
    const start = async (): Promise<LoadedModel> => {
      const fake = new Fake(() => 50)
      fakes.push(fake)
      return fake
    }
    const waiting = make(new Fake(() => 50), { start, batchRows: 1, workers: { min: 1, max: 3 }, queueRows: 1_000 })
    let stopped = false
    const load = (async () => {
      while (!stopped) {
        void codeOf(waiting.row(row(1, 1), within(150)))
        await pause(10)
      }
    })()
    const until = performance.now() + 6_000
    while (waiting.snapshot().workers.ready < 3 && performance.now() < until) await pause(50)
    stopped = true
    await load
    expect(waiting.snapshot().workers).toMatchObject({ ready: 3, min: 1, max: 3 })
    expect(fakes.every(({ calls }) => calls.length > 0)).toBe(true)
    waiting.resize({ min: 1, max: 1 })
    await pause(300)
    expect(waiting.snapshot().workers.ready).toBe(1)
  }, 20_000)

  test('closing answers what waits', async () => {
    const model = new Fake(() => 20)
    const waiting = make(model, { batchRows: 1 })
    const asked = [1, 2, 3].map((i) => codeOf(waiting.row(row(i, 0), within(2_000))))
    const closed = waiting.close()
    expect(await codeOf(waiting.row(row(9, 9), within(100)))).toBe('SX_STOPPING')
    await closed
    expect(await Promise.all(asked)).toEqual(['answered', 'answered', 'answered'])
    expect(model.closed).toBe(1)
  })
})
