/** An answer before it is sent, which whoever sends it needs not understand. */
import type { FastifyReply } from 'fastify'

export interface Answer {
  readonly status: number
  /** Names and values in turn, as node:http takes them; the length is not among them. */
  readonly headers: readonly string[]
  readonly body: string | Buffer
}

export const jsonType: readonly string[] = ['content-type', 'application/json; charset=utf-8']

export function sendAnswer(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  for (let i = 0; i < headers.length; i += 2) reply.header(headers[i]!, headers[i + 1]!)
  return reply.code(status).send(body)
}
