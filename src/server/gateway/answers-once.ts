/**
 * Idempotency keys: a request that is sent again, because its answer was lost or was long in coming, is answered as the first one was,
 * with the same bytes and hence the same id of a prediction, also while that one is still under way. Answers are kept by this server
 * alone and for ten minutes; a failure is not kept, so that trying again does try again.
 */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SixfoldError } from '../../kernel/errors.ts'

export interface Kept {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string | Buffer
}

interface Entry {
  readonly fingerprint: string
  readonly until: number
  /** Null while it is under way. */
  kept: Kept | null
  readonly waiting: ((kept: Kept) => void)[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the first request with a key. */
    idempotent: { readonly name: string; readonly entry: Entry } | null
  }
}

const keptMs = 600_000
/** Of all bodies together. */
const mostBytes = 64 * 1024 * 1024
const header = 'idempotency-key'
/** What a key does something for: the questions to models, in whatever protocol. */
const questions = /(\/predict|\/infer|\/invocations|\/models\/:model|\/versions\/:version)$/
const carried = ['content-type', 'content-encoding', 'inference-header-content-length', 'server-timing']

/** To be called before routes are added. `most`: of keys that are kept. */
export function answerOnce(app: FastifyInstance, most: number): void {
  /** In the order of their first request. */
  const entries = new Map<string, Entry>()
  let bytes = 0
  const drop = (name: string): void => {
    bytes -= entries.get(name)?.kept?.body.length ?? 0
    entries.delete(name)
  }
  const makeRoom = (now: number): void => {
    for (const [name, { until }] of entries) {
      if (until > now && entries.size <= most && bytes <= mostBytes) return
      drop(name)
    }
  }

  app.decorateRequest('idempotent', null)
  app.addHook('preHandler', (request, reply, done) => {
    const key = request.headers[header]
    if (key === undefined || request.method !== 'POST' || !questions.test(request.routeOptions.url ?? '')) return done()
    try {
      const name = `${request.caller.key ?? request.caller.actor} ${keyOf(key)}`
      const fingerprint = fingerprintOf(request)
      const now = performance.now()
      const found = entries.get(name)
      if (found === undefined || found.until <= now) {
        if (found !== undefined) drop(name)
        const entry: Entry = { fingerprint, until: now + keptMs, kept: null, waiting: [] }
        entries.set(name, entry)
        makeRoom(now)
        request.idempotent = { name, entry }
        return done()
      }
      if (found.fingerprint !== fingerprint)
        throw new SixfoldError(
          'SX_IDEMPOTENCY_CONFLICT',
          `The ${header} of this request was sent before with another one.`,
        )
      if (found.kept !== null) return again(reply, found.kept)
      found.waiting.push((kept) => again(reply, kept))
    } catch (error) {
      done(error as Error)
    }
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    const first = request.idempotent
    if (first === null) return done(null, payload)
    request.idempotent = null
    const kept = keptOf(reply, payload)
    if (entries.get(first.name) === first.entry) {
      if (kept.status !== 200) drop(first.name)
      else {
        first.entry.kept = kept
        bytes += kept.body.length
        makeRoom(performance.now())
      }
    }
    for (const answer of first.entry.waiting.splice(0)) answer(kept)
    done(null, payload)
  })
}

function again(reply: FastifyReply, { status, headers, body }: Kept): void {
  void reply.code(status).headers(headers).header('idempotency-replayed', 'true').send(body)
}

function keptOf(reply: FastifyReply, payload: unknown): Kept {
  const headers: { [name: string]: string } = {}
  for (const name of [...carried, 'retry-after']) {
    const value = reply.getHeader(name)
    if (value !== undefined) headers[name] = String(value)
  }
  return { status: reply.statusCode, headers, body: Buffer.isBuffer(payload) ? payload : String(payload ?? '') }
}

function keyOf(header: string | readonly string[]): string {
  const key = String(header)
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new SixfoldError(
    'SX_REQUEST_INVALID',
    'The header idempotency-key is empty, longer than 255 characters, or no plain text.',
    {
      fix: 'Send a fresh random text with each request, such as a UUID.',
    },
  )
}

/** What is asked: of whom, in which form, and the body as it was read. */
function fingerprintOf({ url, headers, body }: FastifyRequest): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([url, headers['content-type'] ?? '', headers['inference-header-content-length'] ?? '']))
  return hash.update(Buffer.isBuffer(body) ? body : (JSON.stringify(body) ?? '')).digest('base64')
}
