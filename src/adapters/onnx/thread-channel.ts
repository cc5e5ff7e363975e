/**
 * A thread of its own. It is never terminated: that would end the whole process if it happened while the runtime computes. It is told to
 * end, and does so between two calls; one that hangs is left behind, and ends if it ever comes back.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { OpenChannel } from './apart.ts'
import type { Answer } from './messages.ts'

export const threadChannel: OpenChannel = (answered, ended) => {
  const source = import.meta.url.endsWith('.ts')
  const file = fileURLToPath(new URL(source ? './thread.ts' : './thread.js', import.meta.url))
  // From sources, in tests, Node needs help to read TypeScript.
  const worker = new Worker(file, { execArgv: source ? ['--import', 'jiti/register'] : [], name: 'model' })
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('message', (answer: Answer) => answered(answer))
  worker.on('error', (error) => ended(error.message))
  worker.on('exit', (code) => ended(`its thread ended with ${code}`))
  return {
    place: 'thread',
    send: (question) => worker.postMessage(question),
    leave: () => {
      worker.postMessage(null)
      return exited
    },
    abandon: () => {
      worker.postMessage(null)
      worker.unref()
    },
  }
}
