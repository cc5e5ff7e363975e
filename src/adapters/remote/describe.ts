/** Asks a server what it says of a model. */
import { SixfoldError } from '../../kernel/errors.ts'
import { isNamed, parseAddress, parseTensor } from './address.ts'
import { checkDescribed } from './check.ts'
import { ask, connection } from './connection.ts'
import { capital, invalid, nameOf, networkWord, refusalOf, unavailable } from './errors.ts'
import { readJson, Unexpected } from './json.ts'
import type { Described, Get } from './protocol.ts'
import { NoSuchModel } from './protocol.ts'
import { protocolsByName } from './protocols.ts'
import type { Form, RemoteAddress, RemoteFile } from './remote-file.ts'

const patienceMs = 10_000
/** Rows of a call where the server does not say how many it takes. */
const usualRows = 1_024

/** Throws SX_REMOTE_REFUSED: only servers that the configuration names are asked for anything. */
export function checkAllowed(address: RemoteAddress, remotes: readonly string[]): void {
  const { origin } = new URL(address.url)
  if (remotes.some((one) => new URL(one).origin === origin)) return
  throw new SixfoldError('SX_REMOTE_REFUSED', `${origin} is not among the servers that may be asked.`, {
    fix: `Write \`remotes: ['${origin}']\` in sixfold.config.ts.`,
  })
}

/** Tokens of servers, by the address under which the configuration has them. */
export interface Tokens {
  readonly [origin: string]: string
}

export function tokenFor({ url }: Pick<RemoteAddress, 'url'>, tokens: Tokens): string | null {
  const { origin } = new URL(url)
  return Object.entries(tokens).find(([of]) => new URL(of).origin === origin)?.[1] ?? null
}

/** Throws SX_REMOTE_UNAVAILABLE and SX_REMOTE_INVALID. */
export async function describe(
  address: RemoteAddress,
  token: string | null = null,
  timeoutMs = patienceMs,
): Promise<Described> {
  const net = connection(new URL(address.url).origin, 1, token)
  const until = performance.now() + timeoutMs
  const get: Get = async (path) => {
    const left = Math.max(1, until - performance.now())
    const request = { method: 'GET', path, headers: { accept: 'application/json' }, body: null } as const
    const answer = await ask(net, request, left).catch((error: Error) => {
      throw unavailable(address, `does not answer (${networkWord(error)})`, error)
    })
    if (answer.status === 404) return null
    if (answer.status === 200) return answer.body.toString().trim() === '' ? {} : readJson(answer.body)
    const refused = refusalOf(address, answer)
    // Of a question about the model no rows are wrong: this is how some servers say that they do not have it.
    throw refused.code === 'SX_MODEL_FAILED' ? unavailable(address, `answers with ${answer.status}`) : refused
  }
  try {
    return await protocolsByName[address.protocol].describe(address, get)
  } catch (error) {
    if (error instanceof NoSuchModel)
      throw new SixfoldError('SX_REMOTE_INVALID', `There is no ${nameOf(address).replace(/^the /, '')}.`)
    if (error instanceof Unexpected) throw invalid(address, error.message)
    throw error
  } finally {
    net.destroy()
  }
}

/** Throws SX_REMOTE_INVALID where the model is not what was registered, and SX_REMOTE_UNAVAILABLE. */
export async function checkRegistered(file: RemoteFile, token: string | null, timeoutMs?: number): Promise<void> {
  const told = await describe(file, token, timeoutMs)
  try {
    checkDescribed(file, told)
  } catch (error) {
    if (error instanceof Unexpected)
      throw new SixfoldError(
        'SX_REMOTE_INVALID',
        `${capital(nameOf(file))} is not what was registered: ${error.message}.`,
      )
    throw error
  }
}

export interface RemoteRequest {
  /** 'v2+http://triton:8000/models/late' */
  readonly url: string
  /** What the server does not say: 'x:float32[-1,12]'. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

/** What is written down of a model on another server. Throws SX_REQUEST_INVALID, SX_REMOTE_REFUSED and what `describe` throws. */
export async function remoteFile(
  request: RemoteRequest,
  remotes: readonly string[],
  tokens: Tokens = {},
): Promise<RemoteFile> {
  const address = parseAddress(request.url)
  const given = {
    inputs: request.inputs.map((text) => parseTensor(text, 'input')),
    outputs: request.outputs.map((text) => parseTensor(text, 'output')),
  }
  checkAllowed(address, remotes)
  const told = await describe(address, tokenFor(address, tokens))
  const inputs = given.inputs.length > 0 ? given.inputs : told.inputs
  const outputs = given.outputs.length > 0 ? given.outputs : told.outputs
  if (inputs === null || outputs === null)
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `${capital(nameOf(address))} does not say what its ${inputs === null ? 'inputs' : 'outputs'} are.`,
      { fix: "Say it: --input 'x:float32[-1,12]' --output 'y:float32[-1,1]'." },
    )
  const file = { ...address, form: formFor(address, request, told), rows: told.rows ?? usualRows, inputs, outputs }
  if (given.inputs.length + given.outputs.length > 0)
    try {
      checkDescribed(file, told)
    } catch (error) {
      if (error instanceof Unexpected) throw invalid(address, error.message)
      throw error
    }
  return file
}

function formFor({ protocol }: RemoteAddress, { inputs }: RemoteRequest, { binary }: Described): Form {
  if (protocol === 'v2') return binary ? 'binary' : 'json'
  if (protocol === 'tfserving') return 'json'
  if (inputs.length === 1 && !isNamed(inputs[0]!)) return 'array'
  return inputs.every((text) => parseTensor(text, '').shape.length === 1) ? 'columns' : 'named'
}
