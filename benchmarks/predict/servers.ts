/** The servers that are asked: each in a process of its own, which says its address when it is ready. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { feastProgram, lastOf, python } from '../peers/python.ts'
import type { Workplace } from '../workplace.ts'
import { project } from '../workplace.ts'

const here = import.meta.dirname
const program = join(here, '../../dist/runtime/bin.js')
export const modelFile = join(here, 'model.onnx')

export interface Server {
  readonly url: string
  /** What is posted; %d stands for a user. */
  readonly template: string
  /** Seconds of processor time that the process has used; NaN where that cannot be read. */
  cpuSeconds(): number
  stop(): Promise<void>
}

/** `sixfold serve`, one process. */
export async function ourServer({ environment }: Workplace, ...options: readonly string[]): Promise<Server> {
  const child = spawn(
    process.execPath,
    [program, '--project', project, '--json', 'serve', '--port', '0', ...options],
    piped(environment),
  )
  const line = await firstLine(child)
  const { url } = JSON.parse(line) as { readonly url?: string }
  if (url === undefined) throw new Error(`The server did not start: ${line}`)
  return { url, template: '{"keys":{"user_id":%d}}', ...over(child) }
}

export async function bareServer(): Promise<Server> {
  const child = spawn(process.execPath, [join(here, 'bare-server.mjs'), modelFile], piped())
  return { url: await firstLine(child), template: '{"keys":{"user_id":%d}}', ...over(child) }
}

/** FastAPI, Feast and onnxruntime, one process. */
export async function fastApiServer(repo: string, port: number): Promise<Server> {
  const app = ['fastapi_feast:app', '--port', String(port), '--no-access-log', '--log-level', 'warning']
  const child = spawn(python, ['-W', 'ignore', '-m', 'uvicorn', ...app], {
    ...piped({ FEAST_REPO: repo, MODEL: modelFile, FEAST_USAGE: 'False' }),
    cwd: join(here, '../peers'),
  })
  const url = `http://127.0.0.1:${port}`
  await answering(child, `${url}/docs`)
  return { url: `${url}/predict`, template: '{"user_id":%d}', ...over(child) }
}

/** `feast serve`, one worker that is not started over meanwhile. Answers features, and calls no model. */
export async function feastServer(repo: string, port: number): Promise<Server> {
  const options = ['--port', String(port), '--no-access-log', '--workers', '1']
  const lasting = ['--max-requests', '0', '--max-requests-jitter', '0']
  const child = spawn(feastProgram, ['--chdir', repo, 'serve', ...options, ...lasting], piped({ FEAST_USAGE: 'False' }))
  const url = `http://127.0.0.1:${port}`
  await answering(child, `${url}/health`)
  return {
    url: `${url}/get-online-features`,
    template: '{"feature_service":"all","full_feature_names":true,"entities":{"user_id":[%d]}}',
    ...over(child),
    // Its work is done by a process of its own.
    cpuSeconds: () => Number.NaN,
  }
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  const complaints = lastOf(child)
  for (let attempt = 0; ; attempt++) {
    if (child.exitCode !== null || attempt > 300) throw new Error(`${url} does not answer: ${complaints()}`)
    const answers = await fetch(url).then(
      () => true,
      () => false,
    )
    if (answers) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

const piped = (environment: NodeJS.ProcessEnv = {}) => ({
  env: { ...process.env, ...environment },
  stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
})

async function firstLine(child: ChildProcess): Promise<string> {
  const complaints = lastOf(child)
  return new Promise((resolve, reject) => {
    let out = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      const end = out.indexOf('\n')
      if (end >= 0) resolve(out.slice(0, end))
    })
    child.once('exit', (code) => reject(new Error(`A server ended with ${code}: ${out} ${complaints()}`)))
  })
}

function over(child: ChildProcess): Pick<Server, 'cpuSeconds' | 'stop'> {
  const ended = once(child, 'exit')
  return {
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** User and system time of the process and its threads, in hundredths of a second as Linux counts them. */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}
