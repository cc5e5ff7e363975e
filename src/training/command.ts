/**
 * The user's command: any program, started without a shell, in a process group of its own, so that whatever it starts ends with it. What it
 * writes is handed on as it comes and kept, beginning and end, however much it is.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { SixfoldError } from '../kernel/errors.ts'
import { atMost } from '../kernel/persist.ts'
import { formatBytes } from '../kernel/size.ts'

export interface CommandOptions {
  readonly command: readonly string[]
  readonly folder: string
  readonly environment: { readonly [name: string]: string | undefined }
  /** The file in which its output is kept. */
  readonly log: string
  /** Gets what it writes; the command waits while this does. */
  output(chunk: Uint8Array): void | Promise<void>
  /** Told of its process group once it runs. */
  started?(group: number): Promise<void>
  /** Ends it: its whole group is told to, and killed after some seconds. */
  readonly signal: AbortSignal
}

export interface CommandEnd {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly endedBy: string | null
  /** True: it was told to. */
  readonly stopped: boolean
}

const keptBytes = 1024 * 1024
const graceMs = 10_000
/** What it left running may hold its output open. */
const drainMs = 2_000

/** Throws SX_TRAINING_FAILED where there is no such program. */
export async function runCommand(options: CommandOptions): Promise<CommandEnd> {
  const { command, folder, environment, log, output, started, signal } = options
  const [program, ...args] = command
  const child = spawn(program!, args, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('exit', (code, endedBy) => resolve([code, endedBy]))
    child.once('error', reject)
  })
  // Whoever awaits it does so after the process has been told of.
  ended.catch(() => {})
  if (child.pid === undefined) return refuse(await ended.catch((error: unknown) => error), program!, folder)
  const group = child.pid
  const kept = keeper(log)
  const read = async (stream: Readable): Promise<void> => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      await kept.add(chunk)
      await output(chunk)
    }
  }
  const reading = Promise.all([child.stdout, child.stderr].map(read))
  reading.catch(() => {})
  let grace: NodeJS.Timeout | null = null
  const stop = (): void => {
    tell(group, 'SIGTERM')
    grace = setTimeout(() => tell(group, 'SIGKILL'), graceMs)
  }
  const whenGone = (): void => tell(group, 'SIGKILL')
  process.once('exit', whenGone)
  try {
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    await started?.(group)
    const [code, endedBy] = await ended
    return { code, endedBy, stopped: signal.aborted }
  } finally {
    if (grace !== null) clearTimeout(grace)
    signal.removeEventListener('abort', stop)
    process.removeListener('exit', whenGone)
    tell(group, 'SIGKILL')
    await atMost(drainMs, reading)
    for (const stream of [child.stdout, child.stderr]) stream.destroy()
    await kept.close()
  }
}

function refuse(error: unknown, program: string, folder: string): never {
  const { code } = error as NodeJS.ErrnoException
  const why =
    code === 'ENOENT'
      ? `there is no program '${program}', or no folder '${folder}'`
      : code === 'EACCES'
        ? `'${program}' may not be executed`
        : `'${program}' could not be started: ${error instanceof Error ? error.message : String(error)}`
  throw new SixfoldError('SX_TRAINING_FAILED', `The command did not begin: ${why}.`, {
    fix: 'Correct `command` in the training definition; a program without a slash is looked for on the path.',
    cause: error,
  })
}

/** A group whose last process has ended is gone. */
function tell(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The exit code as a shell would say it. */
export const exitCodeOf = ({ code, endedBy }: CommandEnd): number =>
  code ?? 128 + (constants.signals[endedBy as NodeJS.Signals] ?? 0)

/** The first and the last of what is added, in a file: as much memory as the last takes. */
function keeper(path: string): { add(chunk: Buffer): Promise<void>; close(): Promise<void> } {
  const file = createWriteStream(path)
  let first = 0
  let last: Buffer[] = []
  let lastBytes = 0
  let left = 0
  const write = async (chunk: Buffer): Promise<void> => {
    if (!file.write(chunk)) await once(file, 'drain')
  }
  return {
    add: async (chunk) => {
      const head = chunk.subarray(0, Math.max(0, keptBytes - first))
      first += head.length
      if (head.length > 0) await write(head)
      const rest = chunk.subarray(head.length)
      if (rest.length === 0) return
      last.push(rest)
      lastBytes += rest.length
      // Whole chunks, so that nothing is copied; at least as much as is to be kept stays.
      while (lastBytes - last[0]!.length >= keptBytes) {
        const gone = last.shift()!
        lastBytes -= gone.length
        left += gone.length
      }
    },
    close: async () => {
      if (left > 0) await write(Buffer.from(`\n… ${formatBytes(left)} left out …\n`))
      for (const chunk of last) await write(chunk)
      last = []
      await new Promise<void>((resolve, reject) =>
        file.end((error?: Error | null) => (error ? reject(error) : resolve())),
      )
    },
  }
}
