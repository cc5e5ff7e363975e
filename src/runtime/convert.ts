/**
 * A model of another framework becomes an ONNX file in a Python that has the framework, and the framework's own answers become the recording that
 * the version is held to when it is validated.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, existsSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { ConvertAsked, Converted } from '../api/index.ts'
import type { Model, Output } from '../definition/model.ts'
import { typeOf } from '../expression/node.ts'
import type { ErrorCode } from '../kernel/errors.ts'
import { catalogue, SixfoldError } from '../kernel/errors.ts'

const program = fileURLToPath(new URL('../../python/convert_model.py', import.meta.url))
const sampleRows = 512
/** Of what a framework writes beside: the end of it is shown where it breaks off. */
const tailMost = 4_000
const outMost = 256 * 1024 * 1024
const patienceMs = 30 * 60_000

interface Said {
  readonly framework: string
  readonly packages: readonly string[]
  readonly language: string
  readonly opsets: { readonly [domain: string]: number }
  readonly classes: readonly (string | number)[] | null
  readonly rows: readonly (readonly (number | string | null)[])[]
  readonly answers: {
    readonly probabilities?: readonly (readonly number[])[]
    readonly labels?: readonly (string | number | boolean)[]
    readonly numbers?: readonly (number | readonly number[])[]
  }
}

export async function convert(model: Model, asked: ConvertAsked): Promise<Converted> {
  const source = resolve(asked.path)
  if (!existsSync(source))
    throw new SixfoldError('SX_IMPORT_INVALID', `There is no file or folder '${asked.path}'.`, {
      fix: 'Name the model as its framework saved it.',
    })
  const path = join(asked.folder, 'model.onnx')
  const said = await askPython(asked.python, {
    ...{ model: source, framework: asked.framework, out: path, trust: asked.trust, rows: sampleRows, double: false },
    sample: asked.sample === null ? null : resolve(asked.sample),
    columns: Object.keys(model.vector),
    types: Object.values(model.vector).map((node) => typeOf(node)),
  })
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
    facts: {
      configuration: {
        parameters: {
          'import.framework': said.framework,
          'import.file': basename(source),
          ...(statSync(source).isFile() ? { 'import.sha256': await hashOf(source) } : {}),
        },
      },
      dependencies: { packages: said.packages, language: said.language },
    },
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function askPython(python: string, job: object): Promise<Said> {
  const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  let [out, bytes, err] = ['', 0, '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    bytes += text.length
    if (bytes > outMost) child.kill('SIGKILL')
    else out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-tailMost)
  })
  // One that ended before it was asked says so by its end.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(job))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    const said = lastLine(out)
    if (said !== null && 'error' in said) throw refusal(said.error)
    if (said !== null) return said
    throw new SixfoldError(
      'SX_IMPORT_PYTHON',
      `'${python}' ended with ${code ?? 'a signal'}, and said nothing of the model.${err === '' ? '' : ` Its last words: ${err.trim().split('\n').slice(-3).join(' ')}`}`,
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'EACCES')
      throw error
    throw new SixfoldError('SX_IMPORT_PYTHON', `There is no program '${python}' that can be started.`, {
      fix: 'Name the Python of an environment: --python venv/bin/python.',
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

interface Refusal {
  readonly error: { readonly code: string; readonly message: string; readonly fix: string | null }
}

function lastLine(out: string): Said | Refusal | null {
  try {
    return JSON.parse(out.trim().split('\n').at(-1) ?? '') as Said | Refusal
  } catch {
    return null
  }
}

const refusal = ({ code, message, fix }: Refusal['error']): SixfoldError =>
  Object.hasOwn(catalogue, code)
    ? new SixfoldError(code as ErrorCode, message, fix === null ? {} : { fix })
    : new SixfoldError('SX_IMPORT_INVALID', message)

/** Row by row, of those outputs that the file gives as they are. */
function answersFor({ output, post }: Model, { answers, classes, rows }: Said) {
  const given = Object.entries(output).filter(([name]) => !Object.hasOwn(post, name))
  return rows.map((_, i) => {
    const all: { [output: string]: unknown } = {}
    for (const [name, kind] of given) {
      const value = answerOf(kind as Output, i, answers, classes)
      if (value !== undefined) all[name] = value
    }
    return all
  })
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
  return kind.label.includes(String(label)) ? String(label) : kind.label[Number(label)]
}
