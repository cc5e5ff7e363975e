/**
 * The file that stands for a model on another server: JSON that says where it is, how it is asked, and what goes in and comes out. That is
 * written down when the version is added, so that it can be served while that server is away, and so that a change of it is noticed.
 */
import { open } from 'node:fs/promises'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import { arrays } from './json.ts'

export const protocols = ['v2', 'tfserving', 'mlflow'] as const
export type ProtocolName = (typeof protocols)[number]

/** Where it is. */
export interface RemoteAddress {
  readonly protocol: ProtocolName
  /** What stands before the paths of the protocol: 'http://triton:8000'. */
  readonly url: string
  /** Null where the server has one model. */
  readonly model: string | null
  /** Null: the one that the server chooses. */
  readonly version: string | null
}

export interface RemoteFile extends RemoteAddress {
  /**
   * How tensors are sent. v2: 'binary' or 'json'. mlflow: 'columns', a data frame with a column an input; 'named', an object of arrays;
   * 'array', the only input by itself. tfserving: 'json'.
   */
  readonly form: Form
  /** Rows that it takes in one call. */
  readonly rows: number
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
}
const forms = { v2: ['binary', 'json'], tfserving: ['json'], mlflow: ['columns', 'named', 'array'] } as const
export type Form = (typeof forms)[ProtocolName][number]

const mostBytes = 1024 * 1024
const longest = 1_000

const invalid = (what: string): SixfoldError =>
  new SixfoldError('SX_ARTIFACT_INVALID', `It does not describe a model on another server: ${what}.`, {
    fix: 'Let `sixfold model add MODEL --remote URL` write it, or write it as docs/how-to/serve-remote-models.md shows.',
  })

/** Null where the file is anything else. Throws SX_ARTIFACT_INVALID where it is one, and a wrong one. */
export async function readRemoteFile(path: string): Promise<RemoteFile | null> {
  const file = await open(path).catch(() => null)
  if (file === null) return null
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > mostBytes) return null
    const head = Buffer.alloc(1)
    await file.read(head, 0, 1, 0)
    if (head[0] !== 0x7b) return null
    return parsed(await file.readFile('utf8'))
  } catch (error) {
    if (isSixfoldError(error)) throw new SixfoldError(error.code, `'${path}': ${error.message}`, { fix: error.fix })
    throw error
  } finally {
    await file.close()
  }
}

/** The same model always gives the same text, so that it is known again. */
export const remoteText = ({ protocol, url, model, version, form, rows, inputs, outputs }: RemoteFile): string =>
  `${JSON.stringify({ protocol, url, model, version, form, rows, inputs: inputs.map(plain), outputs: outputs.map(plain) }, null, 2)}\n`

const plain = ({ name, type, shape }: TensorInfo): TensorInfo => ({ name, type, shape })

function parsed(text: string): RemoteFile | null {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return null
  }
  const of = json as Readonly<Record<string, unknown>>
  if (!Object.hasOwn(of, 'protocol')) return null
  const members = ['protocol', 'url', 'model', 'version', 'form', 'rows', 'inputs', 'outputs']
  const unknown = Object.keys(of).find((name) => !members.includes(name))
  if (unknown !== undefined) throw invalid(`'${shorten(unknown)}' means nothing`)
  const protocol = protocols.find((one) => one === of['protocol'])
  if (protocol === undefined) throw invalid(`'protocol' is to be ${protocols.join(', ')}`)
  const url = originAndPath(of['url'])
  const model = textOrNull(of, 'model')
  if ((model === null) !== (protocol === 'mlflow'))
    throw invalid(protocol === 'mlflow' ? "with mlflow it has no 'model'" : "'model' is missing")
  const form = (forms[protocol] as readonly Form[]).find((one) => one === of['form'])
  if (form === undefined) throw invalid(`'form' is to be ${forms[protocol].join(', ')}`)
  const { rows } = of
  if (typeof rows !== 'number' || !Number.isSafeInteger(rows) || rows < 1) throw invalid("'rows' is to be a number")
  const inputs = tensors(of, 'inputs')
  if (form === 'array' && inputs.length !== 1) throw invalid("with the form 'array' it has one input")
  return {
    protocol,
    url,
    model,
    version: textOrNull(of, 'version'),
    form,
    rows,
    inputs,
    outputs: tensors(of, 'outputs'),
  }
}

function textOrNull(of: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = of[name] ?? null
  if (value !== null && (typeof value !== 'string' || /^\.{0,2}$/.test(value) || value.length > longest))
    throw invalid(`'${name}' is to be a name`)
  return value
}

function originAndPath(value: unknown): string {
  const problem = typeof value === 'string' ? problemOfUrl(value) : 'is no text'
  if (problem !== null) throw invalid(`'url' ${problem}`)
  return value as string
}

/** Null: it can be asked. */
export function problemOfUrl(text: string): string | null {
  if (text.length > longest || !URL.canParse(text)) return 'is no URL'
  const { protocol, username, password, search, hash } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return 'does not begin with http:// or https://'
  if (username !== '' || password !== '') return 'holds a password, which everybody who sees the version would see'
  return search === '' && hash === '' ? null : 'has a query or a fragment'
}

function tensors(of: Readonly<Record<string, unknown>>, member: string): readonly TensorInfo[] {
  const list = of[member]
  if (!Array.isArray(list) || list.length === 0 || list.length > longest)
    throw invalid(`'${member}' is to be a list of tensors`)
  const read = list.map((one: unknown): TensorInfo => {
    const { name, type, shape } = (one ?? {}) as Readonly<Record<string, unknown>>
    const known = typeof name === 'string' && name !== '' && name.length <= longest && typeof type === 'string'
    if (!known || !(types as readonly string[]).includes(type) || !isShape(shape))
      throw invalid(`'${member}' is to hold tensors such as {"name": "x", "type": "float32", "shape": [-1, 12]}`)
    return { name, type, shape }
  })
  if (new Set(read.map(({ name }) => name)).size < read.length) throw invalid(`'${member}' names one twice`)
  return read
}

/** What `Tensor.data` can hold; 'no tensor' is what a server gives beside, and nobody asks for. */
export const types = [...Object.keys(arrays), 'string', 'no tensor']

const isShape = (shape: unknown): shape is readonly number[] =>
  Array.isArray(shape) && shape.length <= 16 && shape.every((size) => Number.isSafeInteger(size) && size >= -1)
