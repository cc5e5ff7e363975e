/** Bytes on a connection, for what no client would send. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Answer } from './service.ts'

/** Sends the bytes and gives all that comes back until the server ends the connection. */
export async function exchange(url: string, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  // The server may end the connection while we write.
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  for (const part of parts) socket.write(part)
  await closed
  return Buffer.concat(received).toString()
}

/** The last answer of an exchange. */
export function lastAnswer(exchanged: string): Answer {
  const answer = exchanged.slice([...exchanged.matchAll(/HTTP\/1\.1 \d{3} /g)].at(-1)?.index ?? 0)
  const [head, text = ''] = answer.split('\r\n\r\n')
  const [first = '', ...lines] = head!.split('\r\n')
  const headers = new Headers(lines.map((line) => line.split(': ') as [string, string]))
  return { status: Number(first.split(' ')[1]), headers, text, json: text.startsWith('{') ? JSON.parse(text) : null }
}

export const requestText = (path: string, body: string, headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`
