/**
 * One connection to one broker. Whatever goes wrong on it, also an answer that does not come in time, ends it, and with it all
 * requests under way; a connection that is half open is found out so. What was not sent yet is thrown away with it.
 *
 * The library's clients are not used: they keep a connection whose request timed out, which is then stuck for good, and they do not
 * tell whether a failed write may have happened. Its connections, formats and password exchanges are.
 */
import { isIP } from 'node:net'
import type { API, ConnectionOptions } from '@platformatic/kafka'
import { Connection, ResponseError } from '@platformatic/kafka'

const longestTimerMs = 2 ** 31 - 1

export class Link {
  readonly #connection: Connection
  readonly #ready: Promise<void>
  #dropped = false

  constructor(host: string, port: number, options: ConnectionOptions, gone: () => void) {
    this.#connection = new Connection('sixfold', {
      ...options,
      tlsServerName: isIP(host) === 0,
      // Requests have a time of their own, below.
      requestTimeout: longestTimerMs,
    })
    // After whoever waits for it has been told what the error was.
    this.#connection.on('error', () => queueMicrotask(() => this.drop()))
    this.#connection.on('close', () => {
      this.#dropped = true
      gone()
    })
    this.#ready = Promise.resolve(this.#connection.connect(host, port))
    this.#ready.catch(() => this.drop())
  }

  async ask<Question extends unknown[], Answer>(
    api: API<Question, Answer>,
    question: Question,
    withinMs: number,
  ): Promise<Answer> {
    await this.#ready
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${withinMs} ms`))
        this.drop()
      }, withinMs)
    })
    try {
      return await Promise.race([api.async(this.#connection, ...question), late])
    } catch (error) {
      // Of an answer in which something was refused the library makes an error; here each part of it is looked at.
      const { response } = error as { response?: Answer }
      if (error instanceof ResponseError && response !== undefined) return response
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  drop(): void {
    if (this.#dropped) return
    this.#dropped = true
    const { socket } = this.#connection
    try {
      socket.resetAndDestroy()
    } catch {
      socket.destroy()
    }
    // One that was not connected yet says nothing itself.
    this.#connection.emit('close')
  }
}
