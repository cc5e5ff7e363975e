/** COPY … FROM STDIN over a connection of the driver, which sends no faster than the server takes. */
import type { Duplex } from 'node:stream'
import type pg from 'pg'

/** What the driver's connection can do beside what its types say. */
interface Connection {
  readonly stream: Duplex
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

export interface Watch {
  /** Nothing was taken or answered for so long: the server is not there any more. */
  readonly stalledMs: number
  /** Breaks the connection off. */
  cut(): void
}

/** Resolves when the server has taken all of it in. Where `chunks` throws, so does this, and what was sent is not kept. */
export const copyIn = (
  client: pg.Client,
  text: string,
  chunks: AsyncIterable<Buffer>,
  { stalledMs, cut }: Watch,
): Promise<void> =>
  new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const waiting = (is: boolean): void => {
      clearTimeout(timer)
      timer = is ? setTimeout(cut, stalledMs) : undefined
    }
    let failure: { readonly error: unknown } | null = null
    let sending: Promise<void> = Promise.resolve()
    let answered = false
    const over = (): Promise<void> => {
      answered = true
      waiting(false)
      return sending
    }
    const fail = (error: unknown): void => {
      failure ??= { error }
    }
    const send = async (connection: Connection): Promise<void> => {
      try {
        for await (const chunk of chunks) {
          // The server has refused already, or is gone.
          if (failure !== null) return
          connection.sendCopyFromChunk(chunk)
          waiting(true)
          if (connection.stream.writableNeedDrain) await drained(connection.stream)
          waiting(false)
        }
        if (failure === null) connection.endCopyFrom()
      } catch (error) {
        if (failure === null) connection.sendCopyFail('What was to be copied cannot be read.')
        fail(error)
      }
      waiting(answered === false)
    }
    client.query({
      submit: (connection: Connection) => {
        waiting(true)
        connection.query(text)
      },
      handleCopyInResponse: (connection: Connection) => {
        waiting(false)
        sending = send(connection)
      },
      handleCommandComplete: () => {},
      // The driver says nothing more of what failed; whoever reads what was to be sent is to have ended, too.
      handleError: (error: unknown) => {
        fail(error)
        void over().then(() => reject(failure?.error))
      },
      handleReadyForQuery: () => void over().then(() => resolve()),
    } as unknown as pg.Submittable)
  })

const drained = (stream: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed) return resolve()
    const over = (): void => {
      stream.off('drain', over)
      stream.off('close', over)
      resolve()
    }
    stream.on('drain', over)
    stream.on('close', over)
  })
