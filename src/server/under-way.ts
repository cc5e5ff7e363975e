/** What is being answered, so that a server ends when it has been: the count of it, and how listening ends. */
import { Server as NetServer } from 'node:net'
import { SixfoldError } from '../kernel/errors.ts'

export interface UnderWay {
  /** Throws SX_STOPPING where nothing new is taken. Each is followed by an `end`. */
  begin(): void
  end(): void
  during<T>(work: () => Promise<T>): Promise<T>
  /** From here on nothing new is taken. Resolves when nothing is under way. */
  finish(): Promise<void>
}

export function underWay(): UnderWay {
  let count = 0
  let finished = false
  const begin = (): void => {
    if (finished) throw new SixfoldError('SX_STOPPING', 'The server is stopping: it answers what is under way.')
    count++
  }
  const end = (): void => void count--
  return {
    begin,
    end,
    during: async (work) => {
      begin()
      try {
        return await work()
      } finally {
        end()
      }
    },
    finish: async () => {
      finished = true
      while (count > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    },
  }
}

/**
 * A balancer that is refused a connection asks another server, and nothing is lost. So the listening ends first; what had come by
 * then was accepted in this turn of the event loop. Connections that rest are not ended, as `close` of node:http would: a request
 * may be on its way on one, and nobody could say whether it was carried out.
 */
export async function drain(server: NetServer, milliseconds: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
    NetServer.prototype.close.call(server, () => resolve())
  })
  clearTimeout(timer)
}
