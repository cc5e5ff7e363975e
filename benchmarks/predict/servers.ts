/** The servers that are asked: each in a process of its own, which says its address when it is ready. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { feastProgram, python } from '../peers/python.ts'
import { answering, firstLine, over, piped, program } from '../processes.ts'
import type { Opened } from '../sixfold.ts'
import type { Workplace } from '../workplace.ts'
import { project } from '../workplace.ts'

const here = import.meta.dirname
export const modelFile = join(here, 'model.onnx')

/** A version that is in production, for the server that starts next. */
export const addScore = ({ registry }: Opened): Promise<unknown> =>
  registry.add(
    'score',
    modelFile,
    { description: null, to: 'production', facts: null, golden: null },
    { actor: 'local:bench', reason: null },
  )

export interface Server {
  readonly url: string
  /** What is posted; %d stands for a user. */
  readonly template: string
  /** Seconds of processor time that the process has used; NaN where that cannot be read. */
  cpuSeconds(): number
  /** What it and what it started have to themselves. */
  memoryMiB?(): number
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
