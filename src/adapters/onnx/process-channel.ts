/** A process of its own, which a model that crashes or hangs takes with it alone. It may be killed at any time. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { OpenChannel } from './apart.ts'
import type { Answer } from './messages.ts'
import { childFile, childOptions } from './process.ts'

export const processChannel: OpenChannel = (answered, ended) => {
  const child = fork(childFile, [], childOptions)
  const exited = once(child, 'exit')
  child.stderr?.resume()
  child.on('message', (answer: Answer) => answered(answer))
  child.on('error', (error) => ended(error.message))
  child.on('exit', (code, signal) => ended(`its process ended ${signal === null ? `with ${code}` : `by ${signal}`}`))
  return {
    place: 'process',
    // A process that is gone says so by itself.
    send: (question) => void child.send(question, () => {}),
    leave: async () => {
      child.kill('SIGKILL')
      await exited
    },
    abandon: () => void child.kill('SIGKILL'),
  }
}
