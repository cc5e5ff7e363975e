/** The laws of a model runtime, as cases for any place that a model can be computed in. Each case loads models of its own and closes them. */
import type { LoadedModel, Tensor, Tensors } from '../ports/model-runtime.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

export interface ModelRuntimeSetup {
  /** `score` [-1, 1] of `x` float32 [-1, 2]: 2 x0 + 3 x1 + 1. */
  linear(): Promise<LoadedModel>
  /** `score` float32 of `place` int64 [-1, 1]: 10 at 0, 20 at 1; every other place fails the call. */
  table(): Promise<LoadedModel>
  /** `score` float32 of `word` string [-1, 1]: 1 for 'one', 2 for 'zwei', 3 for the empty text, -1 for any other. */
  words(): Promise<LoadedModel>
  /** `same` float32 [-1, 1] of `n` int64 [-1, 1]: the number itself, after a time that grows with its cube; 1,000 takes some ten milliseconds. */
  slow(): Promise<LoadedModel>
}

const x = (...rows: readonly (readonly [number, number])[]): Tensors => ({
  x: { type: 'float32', shape: [rows.length, 2], data: Float32Array.from(rows.flat()) },
})
const integers = (name: string, ...values: readonly bigint[]): Tensors => ({
  [name]: { type: 'int64', shape: [values.length, 1], data: BigInt64Array.from(values) },
})
const scores = ({ data }: Tensor): readonly number[] => Array.from(data as Float32Array)
const scoreOf = (a: number, b: number): number => 2 * a + 3 * b + 1

export function modelRuntimeCases(setup: ModelRuntimeSetup): readonly ContractCase[] {
  const named = (
    name: string,
    model: keyof ModelRuntimeSetup,
    body: (model: LoadedModel) => Promise<void>,
  ): ContractCase => ({
    name,
    run: async () => {
      const loaded = await setup[model]()
      try {
        await body(loaded)
      } finally {
        await loaded.close()
      }
    },
  })
  return [
    named('says what it takes and gives', 'linear', async ({ inputs, outputs, concurrency }) => {
      equal(inputs, [{ name: 'x', type: 'float32', shape: [-1, 2] }], 'the inputs')
      equal(outputs, [{ name: 'score', type: 'float32', shape: [-1, 1] }], 'the outputs')
      check(concurrency >= 1, 'no call is of use at a time')
    }),
    named('row i of the outputs belongs to row i of the inputs', 'linear', async (model) => {
      const rows = Array.from({ length: 100 }, (_, i) => [i, 100 - i] as const)
      const { score } = await model.run(x(...rows), ['score'])
      equal(score!.shape, [100, 1], 'the shape')
      equal(score!.type, 'float32', 'the type')
      equal(
        scores(score!),
        rows.map(([a, b]) => scoreOf(a, b)),
        'the scores',
      )
    }),
    named('a row does not depend on the others of its call', 'linear', async (model) => {
      const rows = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(i)] as const)
      const together = scores((await model.run(x(...rows), ['score']))['score']!)
      for (const [i, row] of rows.entries())
        equal(scores((await model.run(x(row), ['score']))['score']!)[0], together[i], `row ${i}`)
    }),
    named('no rows are an answer of no rows', 'linear', async (model) => {
      const { score } = await model.run(x(), ['score'])
      equal([score!.shape, scores(score!)], [[0, 1], []], 'the answer')
    }),
    named('calls that are made at once each have their own answer', 'linear', async (model) => {
      const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => model.run(x([i, 0], [0, i]), ['score'])))
      for (const [i, { score }] of answers.entries()) equal(scores(score!), [scoreOf(i, 0), scoreOf(0, i)], `call ${i}`)
    }),
    named("the caller's arrays stay as they are, also after the call", 'linear', async (model) => {
      const data = Float32Array.of(9, 9, 1, 2, 9, 9)
      // A part of an array: what lies around it is not the model's.
      const part = data.subarray(2, 4)
      const { score } = await model.run({ x: { type: 'float32', shape: [1, 2], data: part } }, ['score'])
      equal(scores(score!), [scoreOf(1, 2)], 'the score')
      equal(Array.from(data), [9, 9, 1, 2, 9, 9], 'the array')
      equal(part.length, 2, 'the part is still there')
    }),
    named('an answer belongs to the caller', 'linear', async (model) => {
      const first = (await model.run(x([1, 1]), ['score']))['score']!.data as Float32Array
      first[0] = 99
      const second = (await model.run(x([1, 1]), ['score']))['score']!
      equal(scores(second), [scoreOf(1, 1)], 'the second answer')
      equal(first[0], 99, 'the first answer')
    }),
    named('missing values pass through', 'linear', async (model) => {
      const { score } = await model.run(x([Number.NaN, 1], [1, 1]), ['score'])
      const [missing, there] = scores(score!)
      check(Number.isNaN(missing), `a sum with what is missing is ${missing}`)
      equal(there, scoreOf(1, 1), 'the other row')
    }),
    named('texts of every alphabet, empty ones and long ones', 'words', async (model) => {
      const words = ['one', 'zwei', '', 'drei', 'one', '日本語', 'x'.repeat(5_000)]
      const { score } = await model.run({ word: { type: 'string', shape: [words.length, 1], data: words } }, ['score'])
      equal(scores(score!), [1, 2, 3, -1, 1, -1, -1], 'the scores')
    }),
    named('a call that fails says so, and the next does not', 'table', async (model) => {
      const good = await model.run(integers('place', 1n, 0n), ['score'])
      equal(scores(good['score']!), [20, 10], 'the scores')
      const error = await rejects(model.run(integers('place', 0n, 7n), ['score']), 'SX_MODEL_FAILED')
      check(error.message.length > 20, `it says no more than '${error.message}'`)
      equal(scores((await model.run(integers('place', 0n), ['score']))['score']!), [10], 'the next call')
    }),
    named('an output that there is not fails the call', 'linear', async (model) => {
      await rejects(model.run(x([1, 1]), ['scored']), 'SX_MODEL_FAILED')
    }),
    named('closing lets calls under way end; later ones find nothing', 'slow', async (model) => {
      const under = model.run(integers('n', 600n), ['same'])
      const closed = model.close()
      equal(scores((await under)['same']!), [600], 'the call under way')
      await closed
      await rejects(model.run(integers('n', 1n), ['same']), 'SX_RUNTIME_LOST')
      await model.close()
    }),
  ]
}

/** Of places that do not compute on the thread that calls them. */
export function modelApartCases(setup: Pick<ModelRuntimeSetup, 'slow'>): readonly ContractCase[] {
  return [
    {
      name: 'nobody waits while it computes',
      run: async () => {
        const model = await setup.slow()
        try {
          let longest = 0
          let last = performance.now()
          let running = true
          const turns = (async () => {
            while (running) {
              await new Promise((resolve) => setTimeout(resolve, 1))
              longest = Math.max(longest, performance.now() - last)
              last = performance.now()
            }
          })()
          const began = performance.now()
          for (let i = 0; i < 5; i++) await model.run(integers('n', 2_500n), ['same'])
          const took = (performance.now() - began) / 5
          running = false
          await turns
          check(took > 40, `the calls took ${took} ms: too short to see anything`)
          check(longest < took / 2, `a turn took ${longest} ms while calls took ${took}`)
        } finally {
          await model.close()
        }
      },
    },
    {
      name: 'one that hangs can be given up: its calls end at once, and another takes its place',
      run: async () => {
        // The best of three: another process may take the processor for longer than giving up takes.
        const took: number[] = []
        while (took.length < 3 && !took.some((ms) => ms < 20)) {
          const hanging = await setup.slow()
          const under = [hanging.run(integers('n', 5_000n), ['same']), hanging.run(integers('n', 1n), ['same'])]
          await new Promise((resolve) => setTimeout(resolve, 50))
          const began = performance.now()
          hanging.abandon()
          for (const call of under) await rejects(call, 'SX_RUNTIME_LOST')
          took.push(performance.now() - began)
          await rejects(hanging.run(integers('n', 1n), ['same']), 'SX_RUNTIME_LOST')
          await hanging.close()
        }
        check(Math.min(...took) < 20, `giving up took ${took.join(', ')} ms`)
        const other = await setup.slow()
        equal(scores((await other.run(integers('n', 3n), ['same']))['same']!), [3], 'the other')
        await other.close()
      },
    },
  ]
}
