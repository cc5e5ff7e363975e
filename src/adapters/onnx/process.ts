/**
 * One process for model files (`child.ts`), supervised: a call that takes too long or too much memory, or during which it ends, rejects
 * with SX_ARTIFACT_INVALID, and the process is gone.
 */
import type { ChildProcess, ForkOptions } from 'node:child_process'
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { SixfoldError } from '../../kernel/errors.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { Answer, Wanted } from './messages.ts'

export interface ModelProcess {
  /** Throws Died where the process ended over it, else what it answered. */
  ask(wanted: Wanted): Promise<unknown>
  readonly alive: boolean
  /** Models that it has loaded. */
  readonly loads: number
  /** Idle, it does not keep this process from ending. */
  idle(): void
  end(): void
}

/** The process has ended, and why. Whose fault that is, whoever asked knows. */
export class Died extends Error {}

export interface Supervision {
  readonly timeoutMs: number
  readonly memoryBytes: number
}
export const supervision: Supervision = {
  timeoutMs: 60_000,
  /** What a file makes of itself when it is loaded is not known from its size. */
  memoryBytes: Math.min(8 * 1024 ** 3, totalmem() * 0.75),
}

/** How often memory is looked at: what grows by a gigabyte a second is ended before it has taken much. */
const lookMs = 100

/** What such a process runs, and how it is started. */
export const childFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url),
)
export const childOptions: ForkOptions = {
  // From sources, in tests, Node needs help to read TypeScript.
  execArgv: childFile.endsWith('.ts') ? ['--import', 'jiti/register'] : [],
  // Nothing that this process knows and a model need not.
  env: {},
  serialization: 'advanced',
  stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
}

/** Resolves when the process is ready, so that its start counts for no file. */
export function startProcess({ timeoutMs, memoryBytes }: Supervision): Promise<ModelProcess> {
  const child = fork(childFile, [], childOptions)
  let errors = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000)
  })
  let ended: string | null = null
  let killed: string | null = null
  let loads = 0
  let count = 0
  let waiting: { readonly id: number; answer(answer: Answer): void; died(why: string): void } | null = null
  const settle = (why: string): void => {
    if (ended !== null) return
    ended = why
    waiting?.died(why)
  }
  const kill = (why: string): void => {
    killed ??= why
    child.kill('SIGKILL')
  }
  child.on('error', (error) => settle(error.message))
  child.on('exit', (code, signal) => {
    const told = errors.trim().split('\n').at(-1) ?? ''
    settle(
      killed ??
        (signal === null
          ? `the runtime ended with code ${code}${told && `: ${told}`}`
          : `the runtime ended by ${signal}`),
    )
  })
  child.on('message', (answer: Answer) => {
    if (answer.id === waiting?.id) waiting.answer(answer)
  })
  const within = <T>(id: number, map: (answer: Answer) => T, wanted: Wanted | null): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => kill(`it took more than ${timeoutMs / 1000} seconds`), timeoutMs)
      const look = setInterval(() => {
        const bytes = memoryOf(child)
        if (bytes > memoryBytes) kill(`it took more than ${formatBytes(memoryBytes)} of memory`)
      }, lookMs)
      const over = (settled: () => void): void => {
        clearTimeout(timer)
        clearInterval(look)
        waiting = null
        settled()
      }
      waiting = {
        id,
        answer: (answer) =>
          over(() => {
            try {
              resolve(map(answer))
            } catch (error) {
              reject(error)
            }
          }),
        died: (why) => over(() => reject(new Died(why))),
      }
      if (ended !== null) waiting.died(ended)
      else if (wanted !== null)
        child.send({ ...wanted, id }, (error) => {
          if (error !== null && waiting?.id === id) waiting.died(error.message)
        })
    })

  let last: Promise<unknown> = Promise.resolve()
  const made: ModelProcess = {
    ask: (wanted) => {
      const asked = last.then(() => {
        if (wanted.do === 'load' || wanted.do === 'structure') loads++
        child.ref()
        child.channel?.ref()
        return within(++count, resultOf, wanted)
      })
      last = asked.catch(() => null)
      return asked
    },
    get alive() {
      return ended === null && killed === null
    },
    get loads() {
      return loads
    },
    idle: () => {
      child.unref()
      child.channel?.unref()
      ;(child.stderr as unknown as { unref(): void }).unref()
    },
    end: () => kill('it was ended'),
  }
  return within(0, () => made, null)
}

function resultOf({ ok, error }: Answer): unknown {
  if (error === undefined) return ok
  throw new SixfoldError(error.code, error.message, error.fix === null ? {} : { fix: error.fix })
}

/** Resident; 0 where the system does not tell it cheaply, and the timeout alone holds. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
  } catch {
    return 0
  }
}
