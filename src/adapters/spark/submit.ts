/** `spark-submit` of one job, until it has ended. Its last words say what was wrong. */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ErrorCode } from '../../kernel/errors.ts'
import { catalogue, SixfoldError } from '../../kernel/errors.ts'
import type { SparkJob } from './job.ts'

export interface SparkSettings {
  /** The program, by default `spark-submit` of the path. */
  readonly submit: string
  /** 'local[*]', 'spark://host:7077', 'yarn'; null: what Spark is configured with. */
  readonly master: string | null
  readonly conf: { readonly [name: string]: string }
}
export const standardSpark: SparkSettings = { submit: 'spark-submit', master: null, conf: {} }

/** What a job made: the names of the outputs' columns, and what it took on all machines together. */
export interface SparkDone {
  readonly columns: readonly string[]
  readonly cpuMs: number
  readonly modelMs: number
}

const tailMost = 8_000
/** After it was asked to end. */
const killMs = 10_000

/** `folder` is there already, and everything that is written lies below it. Throws SX_BATCH_ENGINE, and what the data are to blame for. */
export async function submitJob(
  job: SparkJob,
  { submit, master, conf }: SparkSettings,
  folder: string,
  signal: AbortSignal,
): Promise<SparkDone> {
  mkdirSync(folder, { recursive: true })
  const description = join(folder, 'job.json')
  writeFileSync(description, JSON.stringify(job))
  const settings = Object.entries(conf).flatMap(([name, value]) => ['--conf', `${name}=${value}`])
  const words = [...(master === null ? [] : ['--master', master]), ...settings, programFile(), description]
  try {
    const { code, out, err } = await ended(submit, words, signal)
    signal.throwIfAborted()
    const done = code === 0 ? doneIn(out) : null
    if (done !== null) return done
    throw refusalIn(out) ?? refusalIn(err) ?? brokeOff(submit, code, err === '' ? out : err)
  } finally {
    rmSync(description, { force: true })
  }
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function ended(submit: string, words: readonly string[], signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // Its own group: the program is a script, which starts Java, which starts Python.
    const child = spawn(submit, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      out = (out + chunk.toString()).slice(-tailMost)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err = (err + chunk.toString()).slice(-tailMost)
    })
    const tell = (name: 'SIGTERM' | 'SIGKILL'): void => {
      try {
        process.kill(-child.pid!, name)
      } catch {
        // It has ended.
      }
    }
    let killing: NodeJS.Timeout | undefined
    const stop = (): void => {
      tell('SIGTERM')
      killing = setTimeout(() => tell('SIGKILL'), killMs)
    }
    signal.addEventListener('abort', stop, { once: true })
    const over = (): void => {
      signal.removeEventListener('abort', stop)
      clearTimeout(killing)
    }
    child.once('error', (error) => {
      over()
      reject(
        new SixfoldError('SX_BATCH_ENGINE', `Spark cannot be started: ${error.message}.`, {
          fix: "Install Spark, or say where spark-submit is: batch: { spark: { submit: '/opt/spark/bin/spark-submit' } }.",
          cause: error,
        }),
      )
    })
    child.once('close', (code) => {
      over()
      resolve({ code, out, err })
    })
    if (signal.aborted) stop()
  })
}

function doneIn(out: string): SparkDone | null {
  for (const line of out.trim().split('\n').reverse())
    if (line.startsWith('{"done":')) return (JSON.parse(line) as { readonly done: SparkDone }).done
  return null
}

/** What the job itself says: a line of JSON, or, of a query that refuses a value, an error's code with its words. */
function refusalIn(text: string): SixfoldError | null {
  for (const line of text.trim().split('\n').reverse()) {
    const told = /^\{"error":/.test(line) ? readRefusal(line) : /\b(SX_[A-Z_]+): ([^\n]+)/.exec(line)
    if (told !== null && told[1]! in catalogue) return new SixfoldError(told[1] as ErrorCode, told[2]!)
  }
  return null
}
function readRefusal(line: string): readonly (string | undefined)[] | null {
  try {
    const { error } = JSON.parse(line) as { error: { code: string; message: string } }
    return [line, error.code, error.message]
  } catch {
    return null
  }
}

/** The lines that say why, among hundreds that say where. */
function brokeOff(submit: string, code: number | null, text: string): SixfoldError {
  const lines = text.split('\n').filter((line) => /(Error|Exception)\b/.test(line) && !/^\s*at /.test(line))
  const why = lines.at(-1)?.trim() ?? text.trim().split('\n').at(-1) ?? ''
  return new SixfoldError('SX_BATCH_ENGINE', `${submit} ended with code ${code}: ${why.slice(0, 500)}`, {
    details: { tail: text.slice(-2_000) },
  })
}

/** Beside the compiled package, from there and from its sources alike. */
const programFile = (): string => fileURLToPath(new URL('../../../python/spark_batch.py', import.meta.url))
