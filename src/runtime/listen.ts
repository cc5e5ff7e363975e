/** Puts an opened platform behind HTTP. */
import { fileURLToPath } from 'node:url'
import { isLoopbackHost } from '../kernel/addresses.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { atMost } from '../kernel/persist.ts'
import { httpServer, readConsole } from '../server/index.ts'
import type { Opened } from './open.ts'
import { version } from './version.ts'

export interface Listening {
  readonly url: string
  readonly port: number
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
}

/** Throws SX_KEYS_REQUIRED, and has listened to nobody, where others could reach it and there is no key. */
export async function listen(
  opened: Opened,
  { port = standardPort, host = '127.0.0.1', access = 'auto', hosts = [] }: ListenOptions = {},
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
  const server = httpServer({
    services: opened,
    access: opened.keys.access(required),
    hosts,
    console: readConsole(consoleFolder()),
    logger: opened.logger,
    version,
  })
  try {
    const where = await server.listen(port, host)
    opened.servers.listens(where.url)
    // Whoever is told where it listens finds it among the servers as well. Where the store is away, it is said later.
    await atMost(announceMs, opened.servers.beat())
    return { ...where, close: () => server.close() }
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

/** Beside the compiled package, from there and from its sources alike. */
const consoleFolder = (): string =>
  fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/console' : '../console', import.meta.url))
