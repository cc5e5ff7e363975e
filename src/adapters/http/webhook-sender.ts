/**
 * POST by HTTP to receivers of webhooks. Where a name leads is looked at again for every connection, in the lookup of the connection itself:
 * a name that stood for an address on the internet when the webhook was made may stand for one within, by now.
 */
import type { LookupAddress } from 'node:dns'
import { lookup as systemLookup } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { reachOf } from '../../kernel/addresses.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { WebhookAnswer, WebhookSender } from '../../ports/webhook-sender.ts'
import { NotSent } from '../../ports/webhook-sender.ts'

export interface WebhookSenderOptions {
  /** True: also to private networks. */
  readonly allowPrivate: boolean
  /** True: also to this machine. */
  readonly allowLoopback: boolean
  readonly timeoutMs?: number
  /** How a name is looked up; by default as the system does. */
  readonly lookup?: (host: string) => Promise<readonly LookupAddress[]>
  /** Certificates to trust beside those of Node. */
  readonly ca?: string
}

/** Of an answer: enough to see what is wrong, and nothing that could fill the memory. */
const answerBytes = 4_096
const urlLength = 2_048

export function webhookSender(options: WebhookSenderOptions): WebhookSender {
  const { timeoutMs = 10_000, lookup = (host) => systemLookup(host, { all: true }), ca } = options
  const closed = new AbortController()

  /** Null: it may be sent to. */
  const refusal = (addresses: readonly LookupAddress[], secure: boolean): string | null => {
    const reaches = addresses.map(({ address }) => reachOf(address))
    const allowed = { public: true, private: options.allowPrivate, loopback: options.allowLoopback, special: false }
    const not = reaches.findIndex((reach) => !allowed[reach])
    if (addresses.length === 0) return 'has no address'
    if (not >= 0) return `has the address ${addresses[not]!.address}, which is ${placeWords[reaches[not]!]}`
    return secure || !reaches.includes('public') ? null : 'is on the internet, where only https is sent to'
  }
  const addressesOf = async (host: string): Promise<readonly LookupAddress[]> =>
    isIP(host) === 0 ? lookup(host) : [{ address: host, family: isIP(host) }]

  return {
    check: async (text) => {
      const invalid = (why: string, fix?: string): SixfoldError =>
        new SixfoldError('SX_WEBHOOK_INVALID', `The URL of the webhook ${why}.`, fix === undefined ? {} : { fix })
      const url = URL.canParse(text) && text.length <= urlLength ? new URL(text) : null
      if (url === null || !['http:', 'https:'].includes(url.protocol))
        throw invalid('is none, or does not begin with https://', 'Write it as https://receiver.example/path.')
      if (url.username !== '' || url.password !== '')
        throw invalid(
          'holds a password, which everybody who lists webhooks would see',
          'Leave it out, and check the signature instead.',
        )
      const host = hostOf(url)
      const addresses = await addressesOf(host).catch((error: NodeJS.ErrnoException) => {
        throw invalid(
          `names the host '${shorten(host)}', whose address cannot be found (${error.code ?? error.message})`,
        )
      })
      const why = refusal(addresses, url.protocol === 'https:')
      if (why !== null)
        throw invalid(
          `names the host '${shorten(host)}', which ${why}`,
          'Name a receiver on the internet by https; or allow private networks with `webhooks: { allowPrivate: true }` in the configuration.',
        )
    },

    post: async (text, headers, body) => {
      const url = new URL(text)
      const secure = url.protocol === 'https:'
      const host = hostOf(url)
      // An address needs no lookup: it would not be looked at below.
      if (isIP(host) !== 0) {
        const why = refusal([{ address: host, family: isIP(host) }], secure)
        if (why !== null) throw new NotSent(why)
      }
      const late = AbortSignal.timeout(timeoutMs)
      return new Promise<WebhookAnswer>((resolve, reject) => {
        const sending = (secure ? requestHttps : requestHttp)(url, {
          method: 'POST',
          agent: false,
          headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' },
          signal: AbortSignal.any([late, closed.signal]),
          ...(ca === undefined ? {} : { ca }),
          lookup: (name, { all }, done) => {
            addressesOf(name).then(
              (addresses) => {
                const why = refusal(addresses, secure)
                if (why !== null) done(new NotSent(why), '', 0)
                else if (all) done(null, [...addresses])
                else done(null, addresses[0]!.address, addresses[0]!.family)
              },
              (error: Error) => done(error, '', 0),
            )
          },
        })
        const fail = (error: Error): void =>
          reject(late.aborted ? new NotSent(`did not answer within ${timeoutMs / 1000} s`, error) : notSent(error))
        sending.on('error', fail)
        sending.on('response', (answer) => {
          beginningOf(answer).then((text) => {
            resolve({ status: answer.statusCode!, text, retryAfterMs: retryAfterOf(answer) })
            sending.destroy()
          }, fail)
        })
        sending.end(body)
      })
    },

    close: () => closed.abort(),
  }
}

const placeWords = {
  loopback: 'this machine itself',
  private: 'in a private network',
  special: 'no ordinary place on the internet',
  public: 'on the internet',
} as const

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')

function notSent(error: Error): NotSent {
  if (error instanceof NotSent) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new NotSent(`could not be told (${code ?? shorten(message, 100)})`, error)
}

async function beginningOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= answerBytes) break
  }
  return Buffer.concat(chunks).subarray(0, answerBytes).toString('utf8')
}

/** Seconds; a date there is rare, and passed over. */
function retryAfterOf({ headers }: IncomingMessage): number | null {
  const seconds = headers['retry-after'] ?? ''
  return /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : null
}
