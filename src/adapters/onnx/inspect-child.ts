/** Started as a process of its own by `inspect`: loads the model named on its command line, and writes what it is as JSON. */
import { readFileSync } from 'node:fs'
import { isSixfoldError } from '../../kernel/errors.ts'
import { onnxModelRuntime } from './model-runtime.ts'
import { opsetOf } from './opset.ts'

const path = process.argv[2]!
try {
  const model = await onnxModelRuntime().load(path)
  process.stdout.write(
    JSON.stringify({ ok: { inputs: model.inputs, outputs: model.outputs, opset: opsetOf(readFileSync(path)) } }),
  )
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  process.stdout.write(JSON.stringify({ error: message, code: isSixfoldError(error) ? error.code : 'unknown' }))
}
