/**
 * A port that nobody listens on. It lies below the range that systems give to outgoing connections, so that it is still free when a
 * stopped service starts again; and it is drawn, so that test files that run at once get different ones.
 */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

/** What a server answers first to these bytes; '' where it says nothing within the time or before it closes. */
export function answer(port: number, question: string, milliseconds = 1_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(question))
    const end = (text: string): void => {
      socket.destroy()
      resolve(text)
    }
    socket.setTimeout(milliseconds, () => end(''))
    socket.once('data', (bytes) => end(bytes.toString()))
    socket.once('end', () => end(''))
    socket.once('error', reject)
  })
}
