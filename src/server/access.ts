/**
 * What stands before every route: who asks, whether they may, and whether a browser was tricked into asking.
 *
 * Every route says in its `config` what it needs, and one that does not keeps the server from starting: what is not declared is not served.
 * This is decided before a body is read. Where the body names the model, the handler asks once more, with `demand`.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Access, Caller, Right } from '../api/index.ts'
import { roleFor } from '../api/index.ts'
import { isLoopbackHost } from '../kernel/addresses.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'

export interface Needs {
  readonly right: Right
  /** The parameter of the path that names the model it is about. */
  readonly model?: string
  /** It is about all models at once: a key that is confined to some is refused. */
  readonly everywhere?: boolean
  /** It is about runs and their files, which belong to no model: a key that is confined to some may touch them if it is an editor's. */
  readonly runs?: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** 'nothing': anybody may ask, also without a key. */
    readonly needs?: Needs | 'nothing'
    /** True: its body is as long as it is, and takes as long as it takes. */
    readonly streams?: boolean
    /** True: it is there to refuse a method. */
    readonly refuses?: boolean
  }
  interface FastifyRequest {
    caller: Caller
  }
}

export interface GuardOptions {
  readonly access: Access
  /** Names under which the server may be asked where no key is needed, beside those of this machine. */
  readonly hosts: readonly string[]
}

/** Who asks, if they may. Throws SX_ORIGIN_REFUSED, SX_UNAUTHENTICATED, SX_FORBIDDEN. */
export type Admit = (headers: IncomingHttpHeaders, method: string, needs: Needs, model: string | null) => Caller

/** Gives how it decides, for whoever is asked before the routes are. */
export function guard(app: FastifyInstance, { access, hosts }: GuardOptions): Admit {
  app.decorateRequest('caller', null as unknown as Caller)
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.needs === undefined) throw new Error(`${String(method)} ${url} does not say what it needs.`)
  })
  const named = new Set(hosts.map((host) => host.toLowerCase()))
  const admit: Admit = (headers, method, { right, everywhere = false, runs = false }, model) => {
    if (!access.required) refuseStranger(headers, named)
    if (method !== 'GET' && method !== 'HEAD') refuseForeignPage(headers)
    const caller = access.identify(headers.authorization)
    demand(caller, right, model)
    if (everywhere) demandEverywhere(caller)
    if (runs && !caller.everywhere) demand(caller, 'write', null)
    return caller
  }
  app.addHook('onRequest', (request, reply, done) => {
    const needs = request.routeOptions.config.needs
    // Nothing is served there.
    if (needs === undefined || needs === 'nothing') return done()
    try {
      const { headers, method, params } = request
      const model = needs.model === undefined ? null : (params as Record<string, string>)[needs.model]!
      request.caller = admit(headers, method, needs, model)
      done()
    } catch (error) {
      // Not Basic: a browser that asks its user for a password sends it along with whatever another page makes it send.
      if ((error as SixfoldError).code === 'SX_UNAUTHENTICATED')
        reply.header('www-authenticate', 'Bearer realm="sixfold"')
      if (isLong(request)) reply.header('connection', 'close')
      done(error as Error)
    }
  })
  return admit
}

/** What nobody reads is not worth waiting for: the connection ends, instead of taking in a body that was refused. */
const isLong = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 1024 * 1024

/** Throws SX_FORBIDDEN, with the role that would do. */
export function demand(caller: Caller, right: Right, model: string | null): void {
  if (caller.may(right, model)) return
  if (!caller.may(right, null))
    throw new SixfoldError('SX_FORBIDDEN', `${caller.actor} has the role ${caller.role}, which may not do this.`, {
      fix: `Use a key with the role ${roleFor(right)}.`,
      details: { role: roleFor(right) },
    })
  throw new SixfoldError(
    'SX_FORBIDDEN',
    `The key of ${caller.actor} is confined to ${listed(caller.models)}; this is about ${shorten(model ?? 'no model in particular')}.`,
    { fix: `Use a key with the role ${roleFor(right)} for that model.`, details: { role: roleFor(right) } },
  )
}

/** Throws SX_FORBIDDEN for a key that is confined to some models. */
export function demandEverywhere(caller: Caller): void {
  if (caller.everywhere) return
  throw new SixfoldError(
    'SX_FORBIDDEN',
    `The key of ${caller.actor} is confined to ${listed(caller.models)}; this is about all models.`,
    { fix: `Use a key with the role ${caller.role} that is confined to none.`, details: { role: caller.role } },
  )
}

const listed = (models: readonly string[]): string => shorten(models.join(', '), 200)

/**
 * A page of a stranger can give its own name the address 127.0.0.1, and is then of this server as far as the browser knows. It asks under
 * that name. And a proxy on this machine may pass on what others ask. Where keys are needed neither has one.
 */
function refuseStranger(headers: IncomingHttpHeaders, named: ReadonlySet<string>): void {
  const { host } = headers
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host ?? 'localhost')?.[1]?.toLowerCase() ?? ''
  if (named.has(name)) return
  if (!isLoopbackHost(name) && !name.endsWith('.localhost'))
    throw new SixfoldError(
      'SX_ORIGIN_REFUSED',
      `The request is for '${shorten(host!)}'. Without keys the server answers under names of this machine only.`,
      {
        fix: "Ask for 127.0.0.1 or localhost. If others reach this server through a proxy, need keys (server.access: 'keys'); or list the name in `server.hosts`.",
      },
    )
  const forwarded = headers['x-forwarded-for']
  if (forwarded === undefined) return
  const others = String(forwarded)
    .split(',')
    .find((address) => !isLoopbackHost(address.trim()))
  if (others !== undefined)
    throw new SixfoldError(
      'SX_ORIGIN_REFUSED',
      `A proxy passes this on for '${shorten(others.trim())}'. Without keys the server answers whoever is on this machine.`,
      {
        fix: "Need keys (server.access: 'keys'), or have the proxy ask under a name that `server.hosts` lists.",
      },
    )
}

/**
 * A page elsewhere can have the browser of somebody who may more than it send a request, though not read the answer. Browsers say so in
 * Sec-Fetch-Site, whatever proxies lie between; older ones in Origin, which is then held against the name the server was asked under.
 * Whatever sends neither is no browser.
 */
function refuseForeignPage(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return
  const { origin } = headers
  // What the browser asked for, as the first of the proxies heard it. A page cannot make a browser say that by itself.
  const name = String(headers['x-forwarded-host'] ?? headers.host ?? '')
    .split(',')[0]!
    .trim()
  if (site === undefined && (origin === undefined || isOurs(origin, name))) return
  throw new SixfoldError(
    'SX_ORIGIN_REFUSED',
    `The request comes from a page of ${origin === undefined ? 'another site' : `'${shorten(origin)}'`}.`,
  )
}

/** A proxy may have left the port out. */
function isOurs(origin: string, name: string): boolean {
  if (!URL.canParse(origin)) return false
  const { host, hostname } = new URL(origin)
  return name === host || name === hostname
}
