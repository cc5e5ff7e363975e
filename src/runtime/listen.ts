/** Puts an opened platform behind HTTP. */
import { fileURLToPath } from 'node:url'
import { isLoopbackHost } from '../kernel/addresses.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { atMost } from '../kernel/persist.ts'
import type { Rate } from '../kernel/rate.ts'
import type { GrpcCounts, RateLimits } from '../server/index.ts'
import { grpcCounts, httpServer, rateLimits, readConsole } from '../server/index.ts'
import type { Opened } from './open.ts'
import { version } from './version.ts'

export interface Listening {
  readonly url: string
  readonly port: number
  /** Where gRPC is spoken, as host:port; null: nowhere. */
  readonly grpc: string | null
  /** How often whoever has no rate of their own may ask from now on. */
  changeRate(rate: Rate | null): void
  /** Answers what is under way, and takes nothing new. The platform stays open. */
  close(): Promise<void>
}

export const standardPort = 6006
const announceMs = 500

export interface ListenOptions {
  /** By default 6006; 0 takes any that is free. */
  readonly port?: number
  /** By default 127.0.0.1. */
  readonly host?: string
  /** 'keys': whoever asks needs a key. By default 'auto': so it is on any address but one that this machine alone reaches. */
  readonly access?: 'auto' | 'keys'
  /** Names under which it may be asked where no key is needed, beside those of this machine. */
  readonly hosts?: readonly string[]
  /** How often each key may ask that has no rate of its own, and each address where none is needed. By default as often as it likes. */
  readonly rate?: Rate | null
  /** Of gRPC. By default 'next', the one after that of HTTP; 0 takes any that is free; null: none. */
  readonly grpcPort?: number | 'next' | null
}

/** Throws SX_KEYS_REQUIRED, and has listened to nobody, where others could reach it and there is no key. */
export async function listen(
  opened: Opened,
  {
    port = standardPort,
    host = '127.0.0.1',
    access = 'auto',
    hosts = [],
    rate = null,
    grpcPort = 'next',
  }: ListenOptions = {},
): Promise<Listening> {
  const required = access === 'keys' || !isLoopbackHost(host)
  if (required && !opened.keys.usable())
    throw new SixfoldError(
      'SX_KEYS_REQUIRED',
      access === 'keys'
        ? "Keys are needed (server.access: 'keys'), and there is none with which anybody could come in."
        : `Others can reach a server on ${host}, and there is no key to tell them apart by.`,
      {
        fix: `Create one with \`sixfold key create NAME --role admin\`, or set SIXFOLD_ADMIN_KEY${access === 'keys' ? '' : ', or listen on 127.0.0.1'}.`,
      },
    )
  if (!isLoopbackHost(host)) opened.expose()
  const rates = rateLimits(rate)
  const counts = grpcCounts()
  const server = httpServer({
    services: opened,
    access: opened.keys.access(required),
    hosts,
    rates,
    grpc: counts,
    console: readConsole(consoleFolder()),
    logger: opened.logger,
    version,
  })
  try {
    const where = await server.listen(port, host)
    opened.servers.listens(where.url)
    // Whoever is told where it listens finds it among the servers as well. Where the store is away, it is said later.
    await atMost(announceMs, opened.servers.beat())
    const grpc =
      grpcPort === null
        ? null
        : await speakGrpc(opened, where.port, port, host, { required, rates, counts }, grpcPort).catch(
            async (error: unknown) => {
              await server.close()
              throw error
            },
          )
    return {
      ...where,
      grpc: grpc?.address ?? null,
      changeRate: (next) => rates.change(next),
      close: async () => {
        await Promise.all([server.close(), grpc?.close()])
      },
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new SixfoldError('SX_CONFIG_INVALID', `Port ${port} on ${host} is in use.`, {
        fix: 'Name another with --port, or stop what listens there.',
        cause: error,
      })
    if (code === 'EACCES')
      throw new SixfoldError('SX_CONFIG_INVALID', `Port ${port} may not be listened on by this user.`, {
        fix: 'Name a port above 1023 with --port.',
        cause: error,
      })
    throw error
  }
}

/** Throws SX_CONFIG_INVALID for a port that was named and is taken; without one that was named, the server goes on without gRPC. */
async function speakGrpc(
  opened: Opened,
  bound: number,
  asked: number,
  host: string,
  { required, rates, counts }: { readonly required: boolean; readonly rates: RateLimits; readonly counts: GrpcCounts },
  wanted: number | 'next',
): Promise<{ readonly address: string; close(): Promise<void> } | null> {
  // Its library is loaded by those alone who speak it.
  const { grpcServer } = await import('../server/grpc/index.ts')
  const made = grpcServer({
    services: opened,
    access: opened.keys.access(required),
    ...{ rates, counts, logger: opened.logger, version },
  })
  const port = wanted !== 'next' ? wanted : asked === 0 ? 0 : bound + 1
  try {
    const taken = await made.listen(port, host)
    const shown = ['0.0.0.0', '::'].includes(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host
    return { address: `${shown}:${taken}`, close: () => made.close() }
  } catch (error) {
    await made.close()
    if (wanted !== 'next')
      throw new SixfoldError('SX_CONFIG_INVALID', `gRPC cannot listen on port ${port} of ${host}: it is in use.`, {
        fix: 'Name another with --grpc-port, or `off`.',
        cause: error,
      })
    opened.logger.warn({ port }, 'gRPC is not spoken: its port is in use. Name another with --grpc-port.')
    return null
  }
}

/** Beside the compiled package, from there and from its sources alike. */
const consoleFolder = (): string =>
  fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/console' : '../console', import.meta.url))
