/**
 * A model of another framework becomes an ONNX file in a Python that has the framework, and the framework's own answers become the recording that
 * the version is held to when it is validated.
 */
import type { Stats } from 'node:fs'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConvertAsked, Converted } from '../api/index.ts'
import type { Model, Output } from '../definition/model.ts'
import { typeOf } from '../expression/node.ts'
import type { ErrorCode } from '../kernel/errors.ts'
import { catalogue, SixfoldError } from '../kernel/errors.ts'
import { hashOfFile } from '../kernel/files.ts'
import { hashOf } from '../kernel/hash.ts'
import { shorten } from '../kernel/shorten.ts'
import type { PythonEnd } from './python.ts'
import { askPython } from './python.ts'

const program = fileURLToPath(new URL('../../python/convert_model.py', import.meta.url))
const mostRows = 512
/** The recording is one file of JSON, of which a validation reads 64 MiB. */
const recordingMost = 48 * 1024 * 1024

interface Said {
  readonly framework: string
  readonly packages: readonly string[]
  readonly language: string
  readonly opsets: { readonly [domain: string]: number }
  readonly classes: readonly (string | number | boolean)[] | null
  readonly rows: readonly (readonly (number | string | null)[])[]
  readonly answers: {
    readonly probabilities?: readonly (readonly number[])[]
    readonly labels?: readonly (string | number | boolean)[]
    readonly numbers?: readonly (number | readonly number[])[]
  }
  /** Rows to which the framework answers no number; they are not among these. */
  readonly unanswered: number
}

export async function convert(model: Model, asked: ConvertAsked): Promise<Converted> {
  const source = resolve(asked.path)
  const before = statsOf(source, asked.path)
  const path = join(asked.folder, 'model.onnx')
  const job = {
    ...{ model: source, framework: asked.framework, out: path, trust: asked.trust, rows: rowsOf(model) },
    sample: asked.sample === null ? null : resolve(asked.sample),
    columns: Object.keys(model.vector),
    types: Object.values(model.vector).map((node) => typeOf(node)),
  }
  const said = saidBy(asked.python, await askPython(asked.python, program, job, asked.patienceMs))
  const sha256 = await hashOfModel(source, before)
  if (!existsSync(path)) throw silent(asked.python, 'wrote no file of a model')
  const answers = answersFor(model, said)
  const outputs = Object.keys(answers[0] ?? {})
  const golden = outputs.length === 0 ? null : join(asked.folder, 'golden.json')
  const entries = Object.keys(model.vector)
  if (golden !== null)
    writeFileSync(
      golden,
      JSON.stringify({
        rows: said.rows.map((row, i) => ({
          inputs: Object.fromEntries(entries.map((entry, at) => [entry, row[at]])),
          outputs: answers[i],
        })),
      }),
    )
  return {
    ...{ path, golden, framework: said.framework, packages: said.packages, rows: said.rows.length, outputs },
    unanswered: said.unanswered,
    facts: {
      configuration: {
        parameters: {
          'import.framework': said.framework,
          'import.file': basename(source),
          'import.sha256': sha256,
        },
      },
      dependencies: { packages: said.packages, language: said.language },
    },
  }
}

/** As many as the recording can hold, at some thirty characters for a number. */
function rowsOf({ vector, output }: Model): number {
  const inputs = Object.keys(vector).reduce((sum, name) => sum + Buffer.byteLength(JSON.stringify(name)) + 30, 0)
  const numbers = Object.values(output).map((kind) => (typeof kind === 'object' && 'vector' in kind ? kind.vector : 4))
  const outputs = numbers.reduce((sum, count) => sum + count * 30, 0)
  return Math.max(1, Math.min(mostRows, Math.floor(recordingMost / (inputs + outputs))))
}

const unreadable = (why: string, path: string): SixfoldError =>
  new SixfoldError('SX_IMPORT_INVALID', `${why} '${shorten(path, 200)}'.`, {
    fix: 'Name the model as its framework saved it.',
  })

function statsOf(path: string, asked: string): Stats {
  const stats = statOrNull(path)
  if (stats === null) throw unreadable('There is no file or folder', asked)
  // A pipe or a device may never end.
  if (!stats.isFile() && !stats.isDirectory()) throw unreadable('Neither a file nor a folder is', asked)
  return stats
}

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

/** Of a folder, that of its files' names and contents. What was converted is what has the hash, or nothing is said of it. */
async function hashOfModel(path: string, before: Stats): Promise<string> {
  try {
    return await hashOfFiles(path, before)
  } catch (error) {
    if (error instanceof SixfoldError) throw error
    throw unreadable(`${(error as Error).message}, so that nothing is known of`, path)
  }
}

async function hashOfFiles(path: string, before: Stats): Promise<string> {
  if (before.isDirectory()) {
    const found = await readdir(path, { recursive: true, withFileTypes: true })
    const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const hashes: { [name: string]: string } = {}
    for (const file of files) hashes[relative(path, file)] = (await hashOfFile(file)).sha256
    return hashOf(hashes)
  }
  const { sha256 } = await hashOfFile(path)
  if (statOrNull(path)?.mtimeMs === before.mtimeMs) return sha256
  throw unreadable('While it was converted, somebody changed', path)
}

const silent = (python: string, what: string, { words }: Pick<PythonEnd, 'words'> = { words: '' }): SixfoldError =>
  new SixfoldError('SX_IMPORT_PYTHON', `'${python}' ${what}.${words === '' ? '' : ` Its last words: ${words}`}`)

/** Throws what it refuses; and SX_IMPORT_PYTHON where what it says is not what the program of ours says. */
function saidBy(python: string, end: PythonEnd): Said {
  const { said, code, signal } = end
  const reply = parsed(said)
  const error = reply?.['error'] as { readonly [part: string]: unknown } | undefined
  if (typeof error?.['code'] === 'string' && typeof error['message'] === 'string')
    throw refusal(error['code'], error['message'], error['fix'])
  if (reply !== null && isSaid(reply)) return reply
  const memory = signal === 'SIGKILL' ? ', as systems do where memory runs out' : ''
  throw silent(
    python,
    `${signal === null ? `ended with ${code}` : `was ended by ${signal}${memory}`}, and said nothing of the model`,
    end,
  )
}

function parsed(text: string): { readonly [name: string]: unknown } | null {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown }) : null
  } catch {
    return null
  }
}

function isSaid(reply: object): reply is Said {
  const { framework, packages, rows, answers, unanswered } = reply as { readonly [name in keyof Said]?: unknown }
  const count = Array.isArray(rows) && rows.every(Array.isArray) ? rows.length : 0
  return (
    typeof framework === 'string' &&
    Array.isArray(packages) &&
    count > 0 &&
    typeof unanswered === 'number' &&
    typeof answers === 'object' &&
    answers !== null &&
    Object.values(answers).every((values) => Array.isArray(values) && values.length === count)
  )
}

const refusal = (code: string, message: string, fix: unknown): SixfoldError =>
  Object.hasOwn(catalogue, code)
    ? new SixfoldError(code as ErrorCode, message, typeof fix === 'string' ? { fix } : {})
    : new SixfoldError('SX_IMPORT_INVALID', message)

/** Row by row, of those outputs that the file gives as they are. */
function answersFor({ output, post }: Model, { answers, classes, rows }: Said) {
  const given = Object.entries(output).filter(([name]) => !Object.hasOwn(post, name))
  return rows.map((_, i) => {
    const all: { [output: string]: unknown } = {}
    for (const [name, kind] of given) {
      all[name] = answerOf(kind as Output, i, answers, classes)
      if (all[name] === undefined) throw unlike(name, kind as Output, i, answers)
    }
    return all
  })
}

/** A file may leave open how many numbers it gives, so that nothing else would find it. */
function unlike(name: string, kind: Output, row: number, { probabilities, labels, numbers }: Said['answers']) {
  const number = numbers?.[row]
  const given = [
    probabilities === undefined ? [] : `probabilities of ${probabilities[row]!.length} classes`,
    labels === undefined ? [] : 'labels',
    number === undefined ? [] : typeof number === 'number' ? 'a number' : `${number.length} numbers`,
  ].flat()
  const wanted = typeof kind === 'string' ? kind : 'vector' in kind ? `vector(${kind.vector})` : 'label'
  return new SixfoldError(
    'SX_SIGNATURE_MISMATCH',
    `To a row the model answers ${given.join(' and ')}, of which none is the output '${name}', a ${wanted}.`,
    { fix: 'Correct the output of the definition, or compute it by `post`.' },
  )
}

function answerOf(
  kind: Output,
  row: number,
  { probabilities, labels, numbers }: Said['answers'],
  classes: Said['classes'],
): unknown {
  const [shares, number] = [probabilities?.[row], numbers?.[row]]
  if (kind === 'probability') return shares?.length === 2 ? shares[1] : typeof number === 'number' ? number : undefined
  if (kind === 'number') return typeof number === 'number' ? number : undefined
  if ('vector' in kind) {
    const vector = shares ?? (typeof number === 'number' ? undefined : number)
    return vector?.length === kind.vector ? vector : undefined
  }
  const most = shares === undefined ? undefined : shares.indexOf(Math.max(...shares))
  const label = labels?.[row] ?? (most === undefined ? undefined : (classes?.[most] ?? most))
  if (label === undefined) return undefined
  // Numbers of classes stand for their places in the definition.
  const named = kind.label.includes(String(label)) ? String(label) : kind.label[Number(label)]
  if (named !== undefined) return named
  throw new SixfoldError(
    'SX_SIGNATURE_MISMATCH',
    `The model answers the class '${shorten(String(label))}', which the definition does not name: ${kind.label.join(', ')}.`,
    { fix: 'Name in label(…) all classes that the model knows; of numbers, in their order from 0.' },
  )
}
