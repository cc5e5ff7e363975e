/** Puts an opened platform behind HTTP. */
import { fileURLToPath } from 'node:url'
import { SixfoldError } from '../kernel/errors.ts'
import { httpServer, readConsole } from '../server/index.ts'
import type { Opened } from './open.ts'

export interface Listening {
  readonly url: string
  readonly port: number
  /** Answers what is under way, and takes nothing new. The platform stays open. */
  close(): Promise<void>
}

export const standardPort = 6006

export async function listen(
  opened: Opened,
  { port = standardPort, host = '127.0.0.1' }: { readonly port?: number; readonly host?: string } = {},
): Promise<Listening> {
  const server = httpServer({ services: opened, console: readConsole(consoleFolder()), logger: opened.logger })
  try {
    const where = await server.listen(port, host)
    opened.servers.listens(where.url)
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
