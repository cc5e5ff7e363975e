/** The two servers, each in a process of its own on a port of loopback. */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { mlflowPython } from '../../scripts/installed.mjs'
import { freePort } from '../predict.ts'
import { answering, firstLine, over, piped, program } from '../processes.ts'
import type { Workplace } from '../workplace.ts'
import { project } from '../workplace.ts'

export interface RegistryServer {
  readonly url: string
  /** From its start until it answered. */
  readonly startedMs: number
  /** Now, with the processes that it started. */
  memoryMiB(): number
  stop(): Promise<void>
}

export async function ourRegistry({ environment }: Workplace): Promise<RegistryServer> {
  const began = performance.now()
  const child = spawn(
    process.execPath,
    [program, '--project', project, '--json', 'serve', '--port', '0'],
    piped(environment),
  )
  const { url } = JSON.parse(await firstLine(child)) as { readonly url?: string }
  if (url === undefined) throw new Error('Our server did not start.')
  return { url, startedMs: performance.now() - began, ...over(child) }
}

/** `mlflow server` with one worker, runs and models in SQLite. */
export async function mlflowServer(folder: string): Promise<RegistryServer> {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const began = performance.now()
  const store = ['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`]
  const files = ['--artifacts-destination', join(folder, 'artifacts')]
  const child = spawn(
    mlflowPython,
    ['-m', 'mlflow', 'server', ...store, ...files, '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
    { ...piped({ MLFLOW_DISABLE_TELEMETRY: 'true' }), cwd: folder, detached: true },
  )
  // Nobody reads what it says of each request; a pipe that is full would stop it.
  child.stdout!.resume()
  const url = `http://127.0.0.1:${port}`
  await answering(child, `${url}/health`)
  const running = over(child)
  return {
    url,
    startedMs: performance.now() - began,
    ...running,
    stop: async () => {
      // Its workers are processes of their own, in a group with it.
      process.kill(-child.pid!, 'SIGTERM')
      await running.stop()
    },
  }
}
