/**
 * HTTP to one server, over connections that are kept. An answer is read up to a bound, a redirect is an answer like any other, and a call
 * that is given up takes its connection with it: nothing of it comes later.
 */
import { Pool } from 'undici'
import { formatBytes } from '../../kernel/size.ts'

export interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string | null
}

/** Of any answer, and of one that says what a server or a model is. */
export const mostBytes = 64 * 1024 * 1024
const mostAskedBytes = 1024 * 1024

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface Connection {
  /** Calls back once, unless it was given up before; gives how to do that. An answer of more bytes than `most` fails. */
  send(request: Request, most: number, answered: (answer: Answer) => void, failed: (error: Error) => void): () => void
  /** Lets calls under way end. */
  close(): Promise<void>
  /** They fail. */
  destroy(): void
}

const connectMs = 5_000
/** Shorter than servers keep them: a request on one that its server is closing is lost. */
const idleMs = 4_000

class GivenUp extends Error {}

/** `token`: with which the server knows who asks; it goes there and nowhere else. */
export function connection(origin: string, connections: number, token: string | null): Connection {
  const known = token === null ? null : { authorization: `Bearer ${token}` }
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    // Whoever calls has a deadline, which these are too coarse for.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: connectMs },
  })
  return {
    send: ({ method, path, headers, body }, most, answered, failed) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let over = false
      let abort: ((reason: Error) => void) | null = null
      let status = 0
      let head: Answer['headers'] = {}
      pool.dispatch(
        { method, path, headers: known === null ? headers : { ...headers, ...known }, body },
        {
          onRequestStart: (controller) => {
            // Given up while it waited for a connection.
            if (over) controller.abort(new GivenUp())
            else abort = (reason) => controller.abort(reason)
          },
          onResponseStart: (_, code, fields) => {
            status = code
            head = fields
          },
          onResponseData: (controller, chunk) => {
            bytes += chunk.length
            if (bytes <= most) chunks.push(chunk)
            else controller.abort(new Error(`its answer is larger than ${formatBytes(most)}`))
          },
          onResponseEnd: () => {
            if (over) return
            over = true
            answered({ status, headers: head, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) })
          },
          onResponseError: (_, error) => {
            if (over) return
            over = true
            failed(error)
          },
        },
      )
      return () => {
        if (over) return
        over = true
        abort?.(new GivenUp())
      }
    },
    close: () => pool.close(),
    destroy: () => void pool.destroy(),
  }
}

/** One that is asked now and then. Rejects with what the network said, and after `timeoutMs`. */
export function ask({ send }: Connection, request: Request, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      giveUp()
      reject(new Error(`it did not answer within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    const giveUp = send(
      request,
      mostAskedBytes,
      (answer) => {
        clearTimeout(timer)
        resolve(answer)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
