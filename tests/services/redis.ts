/** Redis. What it has acknowledged is in its append-only file, which the system writes out within a second (`everysec`). */
import { program } from '../../scripts/installed.mjs'
import { answer, freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

/** Arguments go to redis-server, after the harness's own. */
export async function startRedis(extraArgs: readonly string[] = []): Promise<Service> {
  const [port, folder] = [await freePort(), await dataFolder('redis')]
  const own = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--save', '', '--appendonly', 'yes']
  return startService({
    name: 'redis',
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    command: [program('redis-server') ?? 'redis-server', ...own, ...extraArgs],
    stopSignal: 'SIGTERM',
    healthy: async () => {
      const said = await answer(port, 'PING\r\n')
      // One that wants a password is up, too.
      if (!/^(\+PONG|-NOAUTH)/.test(said)) throw new Error(`redis says: ${said}`)
    },
  })
}
