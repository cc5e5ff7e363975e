/** Started as a process of its own by `inspect`: loads the model named on its command line, and writes what it is as JSON. */
import { readFileSync } from 'node:fs'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { externalDataOf, opsetOf } from './file.ts'
import { onnxModelRuntime } from './model-runtime.ts'

/** Without the path, which is named already, and the place in the runtime's sources. */
const plain = (message: string): string =>
  message
    .split('\n')[0]!
    .replace(/^Load model from .* failed:\s*/, '')
    .replace(/^\S+\.(cc|h):\d+ .*\) /, '')
    .replace(/[.\s]+$/, '')

const path = process.argv[2]!
try {
  const file = readFileSync(path)
  // A version is one file, named by its contents; and a path out of the model's folder would be read as whoever serves.
  const external = externalDataOf(file)
  if (external !== null)
    throw new SixfoldError('SX_ARTIFACT_INVALID', `its weights lie outside of the file, in '${shorten(external)}'`, {
      fix: 'Export the model as one file: onnx.save(model, path, save_as_external_data=False).',
    })
  const model = await onnxModelRuntime().load(path)
  process.stdout.write(JSON.stringify({ ok: { inputs: model.inputs, outputs: model.outputs, opset: opsetOf(file) } }))
} catch (error) {
  // The runtime's own words: whoever asked knows which file it is about.
  const told = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const message = plain(told instanceof Error ? told.message : String(told))
  const known = isSixfoldError(error) ? { code: error.code, fix: error.fix } : { code: 'unknown' }
  process.stdout.write(JSON.stringify({ error: message, ...known }))
}
