/** What goes wrong between here and a server on which a model is, in the words of whoever has to see to it. */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Answer } from './connection.ts'
import { readJson } from './json.ts'
import type { RemoteAddress, RemoteFile } from './remote-file.ts'

/** "the model 'late' at http://triton:8000" */
export const nameOf = ({ url, model }: RemoteAddress): string =>
  model === null ? `the model at ${url}` : `the model '${shorten(model)}' at ${url}`

export const unavailable = (address: RemoteAddress, why: string, cause?: unknown): SixfoldError =>
  new SixfoldError('SX_REMOTE_UNAVAILABLE', `${capital(nameOf(address))} ${why}.`, { cause })

export const invalid = (address: RemoteAddress, why: string): SixfoldError =>
  new SixfoldError('SX_REMOTE_INVALID', `The answer of ${nameOf(address)} cannot be used: ${why}.`)

export const late = (address: RemoteAddress, timeoutMs: number): SixfoldError =>
  new SixfoldError(
    'SX_DEADLINE_EXCEEDED',
    `${capital(nameOf(address))} did not answer within ${Math.round(timeoutMs)} ms.`,
  )

export const lost = (address: RemoteAddress): SixfoldError =>
  new SixfoldError('SX_RUNTIME_LOST', `The session with ${nameOf(address)} was ended.`)

export const noOutput = (file: RemoteFile, name: string): SixfoldError =>
  new SixfoldError('SX_MODEL_FAILED', `${capital(nameOf(file))} has no output '${shorten(name)}'.`, {
    fix: `Ask for ${file.outputs.map((one) => one.name).join(', ')}.`,
  })

/** The network's own word. */
export function networkWord(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  // A name with several addresses has an error for each.
  const [first] = error instanceof AggregateError ? (error.errors as readonly NodeJS.ErrnoException[]) : []
  return code ?? first?.code ?? shorten(error.message, 200)
}

/** Of an answer with another status than 200: whose fault that is, as an error. */
export function refusalOf(address: RemoteAddress, { status, body }: Answer): SixfoldError {
  const words = wordsOf(body)
  const said = words === '' ? '' : `: ${words}`
  if (status === 408 || status === 504)
    return new SixfoldError('SX_DEADLINE_EXCEEDED', `${capital(nameOf(address))} says that time is over${said}.`)
  if (status >= 300 && status < 400)
    return invalid(
      address,
      `it is a redirect (${status}), which is not followed; register it at the address it has now`,
    )
  // It is not there (now), wants a key, or is asked too often: no word on these rows.
  if (status >= 500 || status < 400 || [401, 403, 404, 405, 425, 429].includes(status))
    return unavailable(address, `answers with ${status}${said}`)
  return new SixfoldError('SX_MODEL_FAILED', `${capital(nameOf(address))} does not take these rows${said}.`)
}

/** Servers say what is wrong under one of these names. */
function wordsOf(body: Buffer): string {
  try {
    const json = readJson(body.subarray(0, 64 * 1024))
    const words = json['error'] ?? json['message'] ?? json['detail'] ?? ''
    return shorten(typeof words === 'string' ? words : JSON.stringify(words), 300).replace(/[.\s]+$/, '')
  } catch {
    return ''
  }
}

/** At the beginning of a sentence. */
export const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1)
