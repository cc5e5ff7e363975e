/** Who asks more often than they may is refused before the body is read: by key, and by address where there is none. */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../../api/index.ts'
import { isLoopbackHost } from '../../kernel/addresses.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Rate } from '../../kernel/rate.ts'
import { burstOf, formatRate } from '../../kernel/rate.ts'
import type { Taken } from './buckets.ts'
import { buckets } from './buckets.ts'

export interface Allowance extends Taken {
  readonly rate: Rate
}

/** One for all ports of a server: who has asked much on one has asked much on the other. */
export interface RateLimits {
  /** Takes one request from what there is; null: there is no rate. */
  ask(caller: Caller, address: string): Allowance | null
  /** From now on, for whoever has no rate of their own. */
  change(standard: Rate | null): void
}

/** `standard` is for whoever has no rate of their own; null: none. */
export function rateLimits(atFirst: Rate | null): RateLimits {
  const kept = buckets()
  let standard = atFirst
  return {
    change: (rate) => {
      standard = rate
    },
    ask: (caller, address) => {
      const rate = caller.rate ?? standard
      if (rate === null) return null
      return { rate, ...kept.take(caller.key ?? networkOf(address), rate, performance.now()) }
    },
  }
}

export const overRate = ({ actor }: Caller, { rate, waitMs }: Allowance): SixfoldError =>
  new SixfoldError('SX_RATE_LIMITED', `${actor} may ask ${formatRate(rate)}, and asked more often.`, {
    fix: 'Send again after the time in Retry-After; or have a rate given to the key: `sixfold key create NAME --rate 100/s`.',
    details: { retryMs: Math.max(1, Math.ceil(waitMs)) },
  })

/** What is said of it in `ratelimit-policy` and `ratelimit`. */
export function headersOf({ rate, allowed, left, waitMs }: Allowance): {
  readonly policy: string
  readonly state: string
} {
  const [most, seconds] = [burstOf(rate), Math.max(allowed ? 0 : 1, Math.ceil(waitMs / 1_000))]
  return {
    policy: `"default";q=${most};w=${Math.max(1, Math.ceil(most / rate.perSecond))}`,
    state: `"default";r=${left};t=${seconds}`,
  }
}

/** To be called after the guard. */
export function limitRates(app: FastifyInstance, limits: RateLimits): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { config, url } = request.routeOptions
    // What tells whether the server lives must be heard also where much is asked.
    if (config.needs === undefined || config.needs === 'nothing' || url === '/metrics') return done()
    const { caller } = request
    const allowance = limits.ask(caller, addressOf(request.raw))
    if (allowance === null) return done()
    const { policy, state } = headersOf(allowance)
    reply.header('ratelimit-policy', policy)
    reply.header('ratelimit', state)
    if (allowance.allowed) return done()
    closeIfLong(request, reply)
    done(overRate(caller, allowance))
  })
}

/** What nobody reads is not worth waiting for. */
export function closeIfLong({ headers }: FastifyRequest, reply: FastifyReply): void {
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 1024 * 1024)
    reply.header('connection', 'close')
}

/** A proxy on this machine says for whom it asks; what stands last is what it saw itself. */
export function addressOf(raw: IncomingMessage): string {
  const peer = raw.socket.remoteAddress ?? ''
  const forwarded = raw.headers['x-forwarded-for']
  if (forwarded === undefined || !isLoopbackHost(peer.replace(/^::ffff:/, ''))) return peer
  return String(forwarded).split(',').at(-1)!.trim().slice(0, 45)
}

/** Whoever has one address of IPv6 has 2^64 of them. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [head = '', tail = ''] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  const whole = [
    ...before,
    ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0'),
    ...after,
  ]
  return whole.slice(0, 4).join(':')
}
