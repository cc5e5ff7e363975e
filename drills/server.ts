/** A real server in a process of its own, which can be killed. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
export const program = join(root, 'dist/runtime/bin.js')
export const project = join(root, 'drills/project')

export interface RunningServer {
  readonly url: string
  readonly child: ChildProcess
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export async function startServer(environment: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<RunningServer> {
  const child = spawn(process.execPath, [program, '--project', project, '--json', 'serve', '--port', '0', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-8000)
  })
  const url = await new Promise<string>((resolve, reject) => {
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      const line = out.split('\n').find((text) => text.startsWith('{'))
      if (line === undefined || !out.includes('\n')) return
      const said = JSON.parse(line) as { readonly url?: string }
      if (said.url === undefined) reject(new Error(`The server did not start: ${line}`))
      else resolve(said.url)
    })
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}: ${out} ${complaints}`)))
  })
  const ended = once(child, 'exit')
  return {
    url,
    child,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Runs a command of `sixfold`; true if it ended well. */
export async function runCommand(environment: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [program, '--project', project, '--json', ...args], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}

/** Runs a command of `sixfold`, and kills it after so many milliseconds; true if it ended by itself, and well. */
export async function runAndKill(
  afterMs: number,
  environment: NodeJS.ProcessEnv,
  ...args: readonly string[]
): Promise<boolean> {
  const child = spawn(process.execPath, [program, '--project', project, '--json', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  clearTimeout(timer)
  if (signal === null && code !== 0) throw new Error(`sixfold ${args.join(' ')} ended with ${code}: ${said}`)
  return signal === null
}

/** Runs a command of `sixfold`, killing it after so many milliseconds where they are given. */
export async function tell(
  killAfterMs: number | null,
  environment: NodeJS.ProcessEnv,
  ...args: readonly string[]
): Promise<{ readonly ended: 'well' | 'badly' | 'killed'; readonly said: string }> {
  const child = spawn(process.execPath, [program, '--project', project, '--json', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [said, complaints] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  return {
    ended: signal !== null ? 'killed' : code === 0 ? 'well' : 'badly',
    said: code === 0 ? said : said + complaints,
  }
}
