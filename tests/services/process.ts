/**
 * A service as a child process. It is started until it is healthy, and an error says what it wrote last. It ends with the process
 * that started it, however that ends: by `exit` where it can still run code, by the kernel (Linux) where it was killed.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from '../../scripts/installed.mjs'

export interface Service {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Of the process that runs now; null: none does. */
  pid(): number | null
  /** As its operator would stop it: what it holds is written. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Again, on the same port with the same data. */
  start(): Promise<void>
  /** Stops it and deletes its data. */
  close(): Promise<void>
}

export interface Recipe {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Its data: deleted at the end. */
  readonly folder: string
  readonly command: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
  /** What this user is to run as, as arguments of setpriv. */
  readonly user?: readonly string[]
  readonly stopSignal: NodeJS.Signals
  /** Rejects while the service does not answer. Ends by itself within seconds. */
  healthy(): Promise<void>
  /** Written by a process that may be started again at once, since only the one killed before it stands in its way. */
  readonly again?: RegExp
}

const startMs = 90_000
const stopMs = 30_000
const tailBytes = 4_000

/** What this process has begun and not closed: the folder of each, and the child that runs in it now. */
const begun = new Map<string, ChildProcess | null>()
process.on('exit', () => {
  for (const [folder, child] of begun) {
    if (child !== null) killGroup(child)
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  }
})

export async function dataFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `sixfold-${name}-`))
  begun.set(folder, null)
  return folder
}

export async function startService(recipe: Recipe): Promise<Service> {
  const { name, port, url, folder } = recipe
  let child: ChildProcess | null = null
  let closed = false

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === null) return
    const ending = child
    child = null
    const ended = gone(ending)
    if (signal === 'SIGKILL') killGroup(ending)
    else ending.kill(signal)
    if (await Promise.race([ended.then(() => true), sleep(stopMs, false, { ref: false })])) return
    killGroup(ending)
    await ended
    throw new Error(`${name} did not end within ${stopMs / 1000} s of ${signal}.`)
  }

  const start = async (): Promise<void> => {
    if (closed) throw new Error(`${name} is closed.`)
    if (child !== null) throw new Error(`${name} runs already.`)
    const until = performance.now() + startMs
    for (;;) {
      const { child: started, tail } = run(recipe)
      let problem: unknown = null
      while (!hasEnded(started) && performance.now() < until) {
        try {
          await recipe.healthy()
          // Another's process may have answered on this port while ours was ending.
          await sleep(0)
          if (hasEnded(started)) break
          child = started
          return
        } catch (error) {
          problem = error
          await sleep(25)
        }
      }
      const ended = hasEnded(started)
      if (!ended) {
        killGroup(started)
        await gone(started)
      }
      if (ended && recipe.again?.test(tail()) && performance.now() < until) {
        await sleep(100)
        continue
      }
      const reason = ended ? `ended with ${started.exitCode ?? started.signalCode}` : `was not healthy: ${problem}`
      throw new Error(`${name} on port ${port} ${reason}. It wrote last:\n${tail()}`)
    }
  }

  const close = async (): Promise<void> => {
    closed = true
    try {
      await end(recipe.stopSignal)
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 10 })
      begun.delete(folder)
    }
  }

  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    ...{ name, port, url, start, close },
    pid: () => child?.pid ?? null,
    stop: () => end(recipe.stopSignal),
    kill: () => end('SIGKILL'),
  }
}

function run({ folder, command, env, user = [], stopSignal }: Recipe): {
  readonly child: ChildProcess
  tail(): string
} {
  const setpriv = program('setpriv')
  // The signal that has it end its own processes as well: an nginx that is killed leaves its workers behind.
  const [file, ...args] =
    setpriv === null ? command : [setpriv, '--pdeathsig', stopSignal.slice(3), ...user, '--', ...command]
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that a kill reaches the processes that it starts as well.
    detached: true,
  })
  begun.set(folder, child)
  child.once('exit', () => begun.set(folder, null))
  let written = ''
  const keep = (bytes: Buffer): void => {
    written = (written + bytes.toString()).slice(-tailBytes)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.once('error', (error) => keep(Buffer.from(error.message)))
  return { child, tail: () => written }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null

const gone = (child: ChildProcess): Promise<void> =>
  hasEnded(child) ? Promise.resolve() : new Promise((resolve) => child.once('exit', () => resolve()))

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
