/** The laws of a model runtime, for each place in which onnxruntime computes; and what only some of them have. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import type { LoadedModel, LoadOptions, Tensors } from '../../src/ports/model-runtime.ts'
import { modelApartCases, modelRuntimeCases } from '../../src/testing/model-runtime.ts'
import { linear, lookup, slow, table } from '../models/graphs.ts'
import type { Graph } from '../models/onnx.ts'
import { onnx } from '../models/onnx.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-runtime-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, graph: Graph): string => {
  const path = join(folder, `${name}.onnx`)
  writeFileSync(path, onnx(graph))
  return path
}
const files = {
  linear: file('linear', linear([2, 3], 1)),
  table: file('table', table([10, 20])),
  words: file('words', lookup(['one', 'zwei', ''], [1, 2, 3])),
  slow: file('slow', slow),
}
const runtime = onnxModelRuntime()
const places = ['inline', 'thread', 'process'] as const
const load = (path: string, place: LoadOptions['place']): Promise<LoadedModel> =>
  runtime.load(path, { place, providers: ['cpu'] })
const n = (value: bigint): Tensors => ({ n: { type: 'int64', shape: [1, 1], data: BigInt64Array.of(value) } })
const x: Tensors = { x: { type: 'float32', shape: [1, 2], data: Float32Array.of(1, 1) } }

for (const place of places)
  describe(place, () => {
    const setup = {
      linear: () => load(files.linear, place),
      table: () => load(files.table, place),
      words: () => load(files.words, place),
      slow: () => load(files.slow, place),
    }
    for (const { name, run } of modelRuntimeCases(setup)) it(name, run, 30_000)
    if (place !== 'inline') for (const { name, run } of modelApartCases(setup)) it(name, run, 60_000)

    it('refuses what is no model, and what is not there', async () => {
      const nonsense = join(folder, 'nonsense.onnx')
      writeFileSync(nonsense, 'nonsense')
      await expect(load(nonsense, place)).rejects.toMatchObject({ code: 'SX_ARTIFACT_INVALID' })
      await expect(load(join(folder, 'none.onnx'), place)).rejects.toMatchObject({ code: 'SX_ARTIFACT_INVALID' })
    })

    it('says plainly what it cannot compute by', async () => {
      const offered = await runtime.providers()
      expect(offered[0]).toBe('cpu')
      if (offered.includes('cuda')) return
      await expect(runtime.load(files.linear, { place, providers: ['cuda', 'cpu'] })).rejects.toMatchObject({
        code: 'SX_PROVIDER_MISSING',
        message: expect.stringContaining('cuda'),
      })
    })
  })

test('eight threads at once, each with a session of its own', async () => {
  const models = await Promise.all(Array.from({ length: 8 }, () => load(files.linear, 'thread')))
  for (let round = 0; round < 50; round++)
    for (const { score } of await Promise.all(models.map((model) => model.run(x, ['score']))))
      expect(Array.from(score!.data as Float32Array)).toEqual([6])
  await Promise.all(models.map((model) => model.close()))
}, 60_000)

test('a process that is killed in the midst of a call: the call says so, and this one goes on', async () => {
  const children = (): number[] =>
    spawnSync('ps', ['-o', 'pid=', '--ppid', String(process.pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .map(Number)
      .filter((pid) => pid > 0)
  const before = children()
  const model = await load(files.slow, 'process')
  const [child] = children().filter((pid) => !before.includes(pid) && isModelProcess(pid))
  const call = model.run(n(3_000n), ['same'])
  await new Promise((resolve) => setTimeout(resolve, 50))
  process.kill(child!, 'SIGKILL')
  await expect(call).rejects.toMatchObject({ code: 'SX_RUNTIME_LOST', message: expect.stringContaining('SIGKILL') })
  await expect(model.run(n(1n), ['same'])).rejects.toMatchObject({ code: 'SX_RUNTIME_LOST' })
  await model.close()
}, 60_000)

const isModelProcess = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('child.')
  } catch {
    return false
  }
}

test('a hundred sessions, one after another, leave no memory and no thread behind', async () => {
  const threads = (): number => readdirSync(`/proc/${process.pid}/task`).length
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const model = await load(files.linear, i % 4 === 0 ? 'thread' : 'inline')
      await model.run(x, ['score'])
      await model.close()
    }
  }
  await round(20)
  const before = { memory: process.memoryUsage.rss(), threads: threads() }
  await round(100)
  expect(threads() - before.threads).toBeLessThanOrEqual(2)
  expect(process.memoryUsage.rss() - before.memory).toBeLessThan(80 * 1024 * 1024)
}, 120_000)
