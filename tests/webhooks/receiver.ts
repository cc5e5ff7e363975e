/** A receiver of webhooks: it keeps what it is sent, and answers as it is told to. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly at: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into
  readonly json: any
}
export type Reply = number | ((response: ServerResponse, request: Received) => void)

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** From now on. */
  reply: Reply
  /** Resolves when so many have been received. */
  until(count: number, withinMs?: number): Promise<void>
  close(): Promise<void>
}

export async function receiver(port = 0): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const one = { at: Date.now(), headers: request.headers, text, json: JSON.parse(text) as unknown }
      received.push(one)
      if (typeof self.reply === 'number') response.writeHead(self.reply).end('noted')
      else self.reply(response, one)
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: taken } = server.address() as AddressInfo
  const self: Receiver = {
    url: `http://127.0.0.1:${taken}/hook`,
    port: taken,
    received,
    reply: 200,
    until: async (count, withinMs = 10_000) => {
      const last = performance.now() + withinMs
      while (received.length < count) {
        if (performance.now() > last) throw new Error(`${received.length} of ${count} were received.`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}
