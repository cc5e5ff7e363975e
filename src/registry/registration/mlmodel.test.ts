/** The MLmodel of strangers: read as its libraries write it; what was made to take long is refused, and nobody waits for it but who sent it. */
import { expect, test } from 'vitest'
import { readMlModel } from './mlmodel.ts'

const refusal = (text: string): Promise<unknown> => readMlModel(text).catch((error: unknown) => error)

test('what is not as expected is not there', async () => {
  const good = 'flavors:\n  onnx:\n    data: model.onnx\n  python_function:\n    python_version: 3.12.1\n'
  const none = { inputs: null }
  expect(await readMlModel(good)).toEqual({ flavor: 'onnx', entry: 'model.onnx', language: 'python 3.12.1', ...none })
  expect(await readMlModel('')).toEqual({ flavor: null, entry: null, language: null, ...none })
  expect(await readMlModel('__proto__: {flavors: {onnx: 1}}')).toEqual({
    ...{ flavor: null, entry: null, language: null },
    ...none,
  })
  expect(await refusal('a: [')).toMatchObject({ code: 'SX_ARTIFACT_INVALID' })
})

test('hostile ones stop neither the process nor those who come after', { timeout: 60_000 }, async () => {
  let longest = 0
  let before = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - before)
    before = performance.now()
  }, 10)
  const hostile = [
    '? '.repeat(8_000),
    '['.repeat(300_000),
    Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'),
  ]
  const found = await Promise.all([...hostile.map(refusal), readMlModel('flavors: {sklearn: {}}')])
  clearInterval(timer)
  expect(found[0]).toMatchObject({ code: 'SX_ARTIFACT_INVALID' })
  expect(found.at(-1)).toMatchObject({ flavor: 'sklearn' })
  expect(longest).toBeLessThan(1_000)
})
