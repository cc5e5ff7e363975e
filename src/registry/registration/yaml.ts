/**
 * YAML from whoever may send a file. A few kilobytes of it can be made to take a parser minutes, so it is read in a thread of its own, which
 * is ended when it takes too long; whoever else asks for something meanwhile does not notice.
 */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

/** What its own libraries write is read in milliseconds. */
const longestMs = 5_000
const idleMs = 30_000
const memoryMb = 256

/** Later keys count, as for those libraries: looking for the same key twice takes time that grows with the square of the keys. */
const program = `
const { parentPort, workerData } = require('node:worker_threads')
const { parse } = require(workerData)
parentPort.on('message', (text) => {
  try {
    parentPort.postMessage({ value: parse(text, { maxAliasCount: 20, uniqueKeys: false, prettyErrors: false, logLevel: 'error' }) })
  } catch (error) {
    parentPort.postMessage({ problem: String(error.message).split('\\n')[0] })
  }
})
parentPort.postMessage({})
`

interface Answer {
  readonly value?: unknown
  readonly problem?: string
}

let warm: Promise<Worker> | null = null
let idle: NodeJS.Timeout | undefined
let last: Promise<unknown> = Promise.resolve()

/** One after another; rejects with what is wrong with it. */
export function readYaml(text: string): Promise<unknown> {
  const asked = last.then(() => read(text))
  last = asked.catch(() => null)
  return asked
}

async function read(text: string): Promise<unknown> {
  clearTimeout(idle)
  warm ??= started()
  const thread = await warm.catch((error: unknown) => {
    warm = null
    throw error
  })
  const end = (): void => {
    warm = null
    void thread.terminate()
  }
  thread.ref()
  try {
    const { value, problem } = await answered(thread, () => thread.postMessage(text))
    if (problem !== undefined) throw new Error(problem)
    return value
  } catch (error) {
    if (error instanceof Ended) end()
    throw error
  } finally {
    thread.unref()
    if (warm !== null) idle = setTimeout(end, idleMs).unref()
  }
}

class Ended extends Error {}

/** Its start is not the file's fault, and takes as long as it does. */
async function started(): Promise<Worker> {
  const thread = new Worker(program, {
    eval: true,
    workerData: createRequire(import.meta.url).resolve('yaml'),
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    env: {},
  })
  // One that fails while nobody asks it fails whoever asks it next.
  thread.on('error', () => {})
  await answered(thread, () => {}, null)
  return thread
}

function answered(thread: Worker, ask: () => void, within: number | null = longestMs): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const failed = (why: string) => (): void => over(() => reject(new Ended(why)))
    const heard = {
      message: (answer: Answer) => over(() => resolve(answer)),
      error: failed('it takes more memory than there is for it'),
      exit: failed('its reader ended'),
    }
    const over = (settle: () => void): void => {
      clearTimeout(timer)
      for (const [event, listener] of Object.entries(heard)) thread.removeListener(event, listener)
      settle()
    }
    const timer =
      within === null ? undefined : setTimeout(failed(`it takes more than ${within / 1000} seconds`), within)
    for (const [event, listener] of Object.entries(heard)) thread.on(event, listener)
    ask()
  })
}
