/** Files of runs and logged models over HTTP: they stream both ways, and are never held in memory whole. */
import { createReadStream } from 'node:fs'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Tracking } from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { demand } from '../access.ts'
import { hasAlready } from '../etag.ts'
import { fileAnswer } from './answers.ts'

/** So long nothing may come of an upload that has begun. */
const silenceMs = 60_000

/** The path after the last fixed part; it was decoded once. */
export const pathOf = (request: FastifyRequest): string => (request.params as { readonly '*': string })['*']

export async function upload(request: FastifyRequest, tracking: Tracking): Promise<object> {
  const body = request.body as AsyncIterable<Uint8Array> | null | undefined
  try {
    await tracking.putFile(pathOf(request), body ? heard(body, request.raw.socket) : nothing())
  } catch (error) {
    // Whoever broke off is told nothing.
    if (request.raw.destroyed && (!request.raw.complete || request.raw.errored !== null))
      throw new SixfoldError('SX_REQUEST_MALFORMED', 'The upload was broken off.', { cause: error })
    throw error
  }
  return {}
}

/** As it comes; whoever falls silent before the end is left. How long it takes to store it afterwards is not theirs to answer for. */
async function* heard(body: AsyncIterable<Uint8Array>, socket: Socket): AsyncGenerator<Uint8Array> {
  const leave = (): void => void socket.destroy()
  socket.setTimeout(silenceMs, leave)
  try {
    yield* body
  } finally {
    socket.setTimeout(0)
    socket.removeListener('timeout', leave)
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export async function download(
  request: FastifyRequest,
  reply: FastifyReply,
  tracking: Tracking,
): Promise<FastifyReply> {
  const path = pathOf(request)
  demandModel(request, path)
  const { local, bytes, sha256 } = await tracking.openFile(path)
  const name = path.slice(path.lastIndexOf('/') + 1)
  const etag = `"${sha256}"`
  reply
    .type(typeOf(name))
    .header('content-disposition', attachment(name))
    // What it holds comes from strangers: a browser is to save it, and to run nothing of it.
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('accept-ranges', 'bytes')
    .header('etag', etag)
  if (hasAlready(request.headers['if-none-match'], etag)) return reply.code(304).send()
  const range = rangeOf(request.headers.range, bytes)
  if (range === 'beyond') return reply.code(416).header('content-range', `bytes */${bytes}`).send()
  const [start, end] = range ?? [0, bytes - 1]
  if (range !== null) reply.code(206).header('content-range', `bytes ${start}-${end}/${bytes}`)
  reply.header('content-length', String(end - start + 1))
  if (request.method === 'HEAD') {
    reply.hijack()
    reply.raw.writeHead(reply.statusCode, reply.getHeaders() as NodeJS.Dict<string>)
    reply.raw.end()
    return reply
  }
  return reply.send(bytes === 0 ? Buffer.alloc(0) : createReadStream(local, { start, end }))
}

/** One range of bytes; null where none is asked for, or one that need not be understood. */
function rangeOf(header: string | undefined, bytes: number): readonly [number, number] | 'beyond' | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return null
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  return start > end ? 'beyond' : [start, end]
}

/** Files of versions belong to their model, as it is named there or, by some clients, once more encoded. */
function demandModel(request: FastifyRequest, path: string): void {
  const [folder, model] = path.split('/')
  if (folder !== 'versions' || model === undefined) return
  demand(request.caller, 'read', model)
  if (model.includes('%')) demand(request.caller, 'read', decoded(model))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export async function listing(request: FastifyRequest, tracking: Tracking): Promise<object> {
  const { path = '' } = request.query as { readonly path?: unknown }
  if (typeof path !== 'string') throw new SixfoldError('SX_REQUEST_INVALID', "'path' is given more than once.")
  demandModel(request, path)
  const files = await tracking.listFiles(path.replace(/\/+$/, ''))
  return files.length === 0 ? {} : { files: files.map((file) => fileAnswer(file)) }
}

const types: { readonly [extension: string]: string } = {
  json: 'application/json',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
  ...Object.fromEntries(
    [
      'txt',
      'log',
      'md',
      'csv',
      'tsv',
      'py',
      'yaml',
      'yml',
      'cfg',
      'ini',
      'toml',
      'sh',
      'sql',
      'mlmodel',
      'mlproject',
    ].map((extension) => [extension, 'text/plain; charset=utf-8']),
  ),
}

function typeOf(name: string): string {
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return Object.hasOwn(types, extension) ? types[extension]! : 'application/octet-stream'
}

/** RFC 6266: a name in ASCII for whoever reads no other, and the real one. */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  return plain === name
    ? `attachment; filename="${name}"`
    : `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)}`
}
