/** What somebody writes of a model on another server: 'v2+http://triton:8000/models/late', and of a tensor: 'x:float32[-1,12]'. */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import type { ProtocolName, RemoteAddress } from './remote-file.ts'
import { problemOfUrl, protocols, types } from './remote-file.ts'

const examples: { readonly [P in ProtocolName]: string } = {
  v2: 'v2+http://triton:8000/models/late, perhaps with /versions/3',
  tfserving: 'tfserving+http://tf:8501/v1/models/late, perhaps with /versions/3',
  mlflow: 'mlflow+http://mlflow:5001',
}

const invalid = (text: string, why: string, protocol: ProtocolName | null = null): SixfoldError =>
  new SixfoldError('SX_REQUEST_INVALID', `'${shorten(text, 200)}' ${why}.`, {
    fix: `Write ${(protocol === null ? protocols : [protocol]).map((one) => examples[one]).join('; or ')}.`,
  })

/** A path may stand before those of the protocol, where a proxy serves several. */
const paths: { readonly [P in ProtocolName]: RegExp } = {
  v2: /^(?<base>.*?)(?:\/v2)?\/models\/(?<model>[^/]+)(?:\/versions\/(?<version>[^/]+))?\/?$/,
  tfserving: /^(?<base>.*?)(?:\/v1)?\/models\/(?<model>[^/:]+)(?:\/versions\/(?<version>\d+))?\/?$/,
  mlflow: /^(?<base>.*?)(?:\/invocations)?\/?$/,
}

/** Throws SX_REQUEST_INVALID. */
export function parseAddress(text: string): RemoteAddress {
  const [, name = '', url = ''] = /^([a-z0-9]+)\+(.*)$/s.exec(text) ?? []
  const protocol = protocols.find((one) => one === name)
  if (protocol === undefined)
    throw invalid(text, `does not begin with a protocol, ${protocols.map((one) => `${one}+`).join(', ')}`)
  const problem = problemOfUrl(url)
  if (problem !== null) throw invalid(text, problem, protocol)
  const { origin, pathname } = new URL(url)
  const found = paths[protocol].exec(pathname)?.groups
  if (found === undefined) throw invalid(text, 'names no model', protocol)
  return {
    protocol,
    url: origin + found['base']!,
    model: decoded(text, found['model']),
    version: decoded(text, found['version']),
  }
}

function decoded(text: string, part: string | undefined): string | null {
  if (part === undefined) return null
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid(text, 'has a % that begins no character')
  }
}

/** Throws SX_REQUEST_INVALID. A tensor without a name gets `name`. */
export function parseTensor(text: string, name: string): TensorInfo {
  const found = /^(?:(?<name>[^[\]]+):)?(?<type>\w+)\[(?<shape>[-\d,\s?]*)\]$/.exec(text.trim())?.groups
  const wrong = (why: string): SixfoldError =>
    new SixfoldError('SX_REQUEST_INVALID', `'${shorten(text)}' is no tensor: ${why}.`, {
      fix: "Write it as 'x:float32[-1,12]', with -1 for any number of rows.",
    })
  if (found === undefined) throw wrong('it is not of that form')
  const known = types.filter((type) => type !== 'no tensor')
  const type = known.find((one) => one === found['type'])
  if (type === undefined) throw wrong(`there is no type '${found['type']}'. ${suggestion(found['type']!, known)}`)
  const sizes = found['shape']!.trim() === '' ? [] : found['shape']!.split(',').map((size) => size.trim())
  const shape = sizes.map((size) => (size === '?' ? -1 : Number(size)))
  if (sizes.some((size) => !/^(\?|-1|\d{1,9})$/.test(size))) throw wrong('its shape holds what is no size')
  return { name: found['name'] ?? name, type, shape }
}

/** Whether a tensor was written with a name of its own. */
export const isNamed = (text: string): boolean => text.includes(':')
