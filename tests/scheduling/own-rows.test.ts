/**
 * Whoever asks gets the answers to his own rows, whatever went together: requests of one to sixty-four rows, rows of values and tensors
 * mixed, all there at once, bit for bit what the model gives to each row alone. `RUNS=100000` makes as many requests.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from '../../benchmarks/measure.ts'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import type { Value } from '../../src/expression/node.ts'
import { scheduler } from '../../src/inference/scheduling/scheduler.ts'
import type { Scheduler } from '../../src/inference/scheduling/work.ts'
import type { Signature } from '../../src/inference/signature.ts'
import type { LoadedModel, LoadOptions, Tensors } from '../../src/ports/model-runtime.ts'

const file = join(import.meta.dirname, '../../benchmarks/predict/model.onnx')
const width = 20
const requests = Number(process.env['RUNS'] ?? 6_000)
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const runtime = onnxModelRuntime()
const load = (place: LoadOptions['place']): Promise<LoadedModel> => runtime.load(file, { place, providers: ['cpu'] })

const signature: Signature = {
  rows: null,
  inputs: [{ input: 'x', type: 'float32', rank: 2, entries: Array.from({ length: width }, (_, i) => i) }],
  outputs: [{ name: 'score', kind: 'probability', tensor: 'probabilities' }],
}
const entries = Array.from({ length: width }, (_, i) => (row: readonly Value[]) => row[i]!)

const kinds = 512
let rows: readonly Float32Array[]
/** Of each row alone: both probabilities. */
let alone: readonly Float32Array[]

beforeAll(async () => {
  const numbers = random(seed)
  rows = Array.from({ length: kinds }, () =>
    Float32Array.from({ length: width }, () => numbers.below(4_000) / 1_000 - 2),
  )
  const model = await load('inline')
  const answers: Float32Array[] = []
  for (const row of rows) {
    const { probabilities } = await model.run({ x: { type: 'float32', shape: [1, width], data: row } }, [
      'probabilities',
    ])
    answers.push(probabilities!.data as Float32Array)
  }
  alone = answers
  await model.close()
})

const tensorOf = (which: readonly number[]): Tensors => {
  const data = new Float32Array(which.length * width)
  for (const [i, kind] of which.entries()) data.set(rows[kind]!, i * width)
  return { x: { type: 'float32', shape: [which.length, width], data } }
}

for (const [place, workers] of [
  ['inline', 1],
  ['thread', 2],
  ['process', 2],
] as const)
  describe(place, () => {
    let waiting: Scheduler
    let largest = 0
    beforeAll(async () => {
      const watched = async (): Promise<LoadedModel> => {
        const model = await load(place)
        return {
          ...model,
          run: (inputs, outputs) => {
            largest = Math.max(largest, inputs['x']!.shape[0]!)
            return model.run(inputs, outputs)
          },
        }
      }
      waiting = scheduler({
        ...{ first: await watched(), start: watched, signature, entries, batchRows: 32, queueRows: 100_000_000 },
        ...{ workers: { min: workers, max: workers }, warmed: [], monotonic: () => performance.now() },
      })
    }, 60_000)
    afterAll(() => waiting.close())

    test(`${requests} requests at once, seed ${seed}`, async () => {
      const numbers = random(seed + 1)
      const due = { deadline: Number.POSITIVE_INFINITY, priority: 'live' } as const
      const wrong: string[] = []
      const ask = async (i: number): Promise<void> => {
        // As many alone as with others, and now and then more than one call takes.
        const size = i % 2 === 0 ? 1 : 1 + numbers.below(i % 50 === 1 ? 64 : 8)
        const which = Array.from({ length: size }, () => numbers.below(kinds))
        if (i % 3 === 0) {
          const { outputs } = await waiting.row(Array.from(rows[which[0]!]!), due)
          if (outputs[0] !== alone[which[0]!]![1]) wrong.push(`row ${i}`)
          return
        }
        const { outputs } = await waiting.tensors(tensorOf(which), ['probabilities'], size, due)
        const { data, shape } = outputs['probabilities']!
        if (shape[0] !== size || data.length !== size * 2) wrong.push(`shape of ${i}`)
        for (const [k, kind] of which.entries())
          if (data[2 * k] !== alone[kind]![0] || data[2 * k + 1] !== alone[kind]![1]) wrong.push(`row ${k} of ${i}`)
      }
      await Promise.all(Array.from({ length: requests }, (_, i) => ask(i)))
      expect(wrong.slice(0, 5)).toEqual([])
      const { counts } = waiting.snapshot()
      expect(counts).toMatchObject({ succeeded: requests, failed: 0, expired: 0 })
      // Of those that share a call none is larger than a batch; a request that is goes alone.
      for (const { rows: together } of counts.batches) expect(together).toBeLessThanOrEqual(64)
      expect(largest).toBeLessThanOrEqual(64)
      expect(counts.rows / counts.calls).toBeGreaterThan(10)
    }, 900_000)
  })
