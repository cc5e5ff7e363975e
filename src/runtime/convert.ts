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
import type { Model } from '../definition/model.ts'
import { typeOf } from '../expression/node.ts'
import type { ErrorCode } from '../kernel/errors.ts'
import { catalogue, SixfoldError } from '../kernel/errors.ts'
import { hashOfFile } from '../kernel/files.ts'
import { hashOf } from '../kernel/hash.ts'
import { shorten } from '../kernel/shorten.ts'
import type { Said } from './framework-answers.ts'
import { answersFor, isSaid } from './framework-answers.ts'
import type { PythonEnd } from './python.ts'
import { askPython } from './python.ts'

const program = fileURLToPath(new URL('../../python/convert_model.py', import.meta.url))
const mostRows = 512
/** The recording is one file of JSON, of which a validation reads 64 MiB. */
const recordingMost = 48 * 1024 * 1024

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

const refusal = (code: string, message: string, fix: unknown): SixfoldError =>
  Object.hasOwn(catalogue, code)
    ? new SixfoldError(code as ErrorCode, message, typeof fix === 'string' ? { fix } : {})
    : new SixfoldError('SX_IMPORT_INVALID', message)
