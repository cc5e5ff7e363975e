/** nginx with the test's `events` and `http` blocks. What keeps it in the foreground and off the system's files is added here. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from '../../scripts/installed.mjs'
import { answer, freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

export async function startNginx(configText: (port: number, folder: string) => string): Promise<Service> {
  const [port, folder] = [await freePort(), await dataFolder('nginx')]
  const config = join(folder, 'nginx.conf')
  await writeFile(config, configText(port, folder))
  // As root its workers would be another user, who cannot enter the folder.
  const main = `daemon off; pid ${join(folder, 'nginx.pid')};${process.getuid?.() === 0 ? ' user root;' : ''}`
  return startService({
    name: 'nginx',
    port,
    folder,
    url: `http://127.0.0.1:${port}`,
    command: [program('nginx') ?? 'nginx', '-p', folder, '-e', 'stderr', '-c', config, '-g', main],
    // Answers what it has begun to.
    stopSignal: 'SIGQUIT',
    healthy: async () => {
      const said = await answer(port, 'GET /nginx-is-up HTTP/1.0\r\n\r\n')
      if (!said.startsWith('HTTP/1.1 ')) throw new Error(`nginx says: ${said}`)
    },
  })
}
