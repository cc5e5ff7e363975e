/** What runs on a thread of its own: one session, called with one message after another, until it is told to end. */
import { parentPort } from 'node:worker_threads'
import { isSixfoldError } from '../../kernel/errors.ts'
import type { LoadedModel, Tensors } from '../../ports/model-runtime.ts'
import type { Answer, Question } from './messages.ts'
import { loadHere } from './session.ts'

const port = parentPort!
let loaded: LoadedModel | null = null

async function answer(question: Question): Promise<Answer> {
  const { id } = question
  if (question.do === 'load') {
    loaded = await loadHere(question.path, question.providers)
    return { id, ok: { inputs: loaded.inputs, outputs: loaded.outputs, loadMs: loaded.loadMs } }
  }
  if (question.do !== 'run') return { id, ok: null }
  return { id, ok: await loaded!.run(question.inputs, question.outputs) }
}

/** Numbers are handed over, and not copied. Each lies in memory of its own: what the runtime made. */
const buffersOf = ({ ok }: Answer): ArrayBuffer[] => [
  ...new Set(
    Object.values((ok ?? {}) as Tensors)
      .map(({ data }) => (ArrayBuffer.isView(data) ? data.buffer : null))
      .filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer),
  ),
]

const problemOf = (error: unknown): NonNullable<Answer['error']> => {
  // Of what the runtime says of a file its own words are wanted; all else says what is meant by itself.
  const ofFile = isSixfoldError(error) && error.code === 'SX_ARTIFACT_INVALID'
  const told = ofFile && error.cause instanceof Error ? error.cause : error
  return {
    message: (told instanceof Error ? told.message : String(told)).split('\n')[0]!.slice(0, 1_000),
    code: isSixfoldError(error) ? error.code : 'SX_ARTIFACT_INVALID',
    fix: isSixfoldError(error) ? error.fix : null,
  }
}

let last: Promise<void> = Promise.resolve()
port.on('message', (question: Question | null) => {
  last = last.then(async () => {
    if (question === null) {
      await loaded?.close()
      port.close()
      return
    }
    const reply = await answer(question).catch((error: unknown) => ({ id: question.id, error: problemOf(error) }))
    port.postMessage(reply, 'ok' in reply && question.do === 'run' ? buffersOf(reply) : [])
  })
})
