/**
 * A program of ours in a Python of the user's: it is given a description, writes what it likes, and says what came of it in its last line.
 * Whatever that Python is, this ends: by itself, by its patience, or with whoever asked.
 */
import { spawn } from 'node:child_process'
import { formatDuration } from '../kernel/duration.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import { formatBytes } from '../kernel/size.ts'

/** Of what is written beside: the end of it is shown where it breaks off. */
const tailMost = 4_000
/** Of one line, which is held whole; lines before the last are let go. */
const lineMost = 256 * 1024 * 1024
/** What it left running may hold its output open. */
const drainMs = 1_000

export interface PythonEnd {
  /** The last line that is not empty. */
  readonly said: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last of what it wrote for people, in one line. */
  readonly words: string
}

/** Throws SX_IMPORT_PYTHON where it cannot be started, takes longer than `patienceMs`, or writes a line without end. */
export async function askPython(
  python: string,
  program: string,
  asked: object,
  patienceMs: number,
): Promise<PythonEnd> {
  const child = await started(python, program)
  const kill = (): void => tell(child.pid!)
  let broken: SixfoldError | null = null
  const breakOff = (what: string, fix: string): void => {
    broken ??= new SixfoldError('SX_IMPORT_PYTHON', `'${python}' ${what}.`, { fix })
    kill()
  }
  const timer = setTimeout(
    () =>
      breakOff(
        `had not ended after ${formatDuration(patienceMs)}, and was stopped`,
        'Give it longer, --timeout 2h, or see what it waits for.',
      ),
    patienceMs,
  )
  // Its group is its own, so that what it starts ends with it; a terminal's Ctrl-C must then be handed on.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const handOn = (signal: NodeJS.Signals): void => {
    kill()
    for (const name of signals) process.removeListener(name, handOn)
    process.kill(process.pid, signal)
  }
  for (const name of signals) process.once(name, handOn)
  process.once('exit', kill)
  const lines = lastLine(() =>
    breakOff(`wrote a line of more than ${formatBytes(lineMost)}`, 'Give fewer rows, or a model of fewer columns.'),
  )
  let err = ''
  child.stdout.setEncoding('utf8').on('data', lines.add)
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-tailMost)
  })
  // One that ended before it was asked says so by its end.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(asked))
  try {
    const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('close', (code, signal) => resolve([code, signal]))
      child.once('exit', (code, signal) => setTimeout(() => resolve([code, signal]), drainMs))
    })
    if (broken !== null) throw broken
    return { said: lines.last(), code, signal, words: wordsOf(err) }
  } finally {
    clearTimeout(timer)
    for (const name of signals) process.removeListener(name, handOn)
    process.removeListener('exit', kill)
    kill()
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
  }
}

const reasons: { readonly [code: string]: string | undefined } = {
  EACCES: 'it may not be executed',
  ENOTDIR: 'what it should lie in is no folder',
  ENAMETOOLONG: 'no name is that long',
  ENOEXEC: 'it is no program',
  ERR_INVALID_ARG_VALUE: 'that is no name',
}

async function started(python: string, program: string) {
  const cannot = (error: unknown): SixfoldError => {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? `There is no program '${shorten(python)}'`
        : `'${shorten(python)}' cannot be started: ${reasons[code ?? ''] ?? shorten(message)}`
    return new SixfoldError('SX_IMPORT_PYTHON', `${why}.`, {
      fix: 'Name the Python of an environment: --python venv/bin/python.',
      cause: error,
    })
  }
  try {
    const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    return child
  } catch (error) {
    throw cannot(error)
  }
}

/** The last line that is not empty, of however many. */
function lastLine(tooLong: () => void): { add(text: string): void; last(): string } {
  let [parts, length, kept]: [string[], number, string] = [[], 0, '']
  const take = (): void => {
    const line = parts.join('')
    if (line.trim() !== '') kept = line
    parts = []
    length = 0
  }
  return {
    add: (text) => {
      const [first, ...more] = text.split('\n')
      parts.push(first!)
      length += first!.length
      for (const line of more) {
        take()
        parts.push(line)
        length = line.length
      }
      if (length > lineMost) {
        parts = []
        length = 0
        tooLong()
      }
    },
    last: () => {
      take()
      return kept
    },
  }
}

const wordsOf = (err: string): string => err.trim().split('\n').slice(-3).join(' ').slice(-1_000)

/** A group whose last process has ended is gone. */
function tell(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
