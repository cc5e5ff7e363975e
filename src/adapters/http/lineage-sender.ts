/** POST of lineage to a receiver of OpenLineage, event by event in their order. Tried again for some seconds, and then said in the log. */
import { persist } from '../../kernel/persist.ts'

export interface LineageSenderOptions {
  /** 'http://marquez:5000', or the whole path where it is another than that of the specification. */
  readonly url: string
  /** Sent as a bearer token; null: none. */
  readonly key: string | null
  readonly patienceMs?: number
  readonly log: (about: object, words: string) => void
}
export interface LineageSender {
  /** Never rejects. */
  tell(events: readonly object[]): Promise<void>
}

const timeoutMs = 5_000

export function lineageSender({ url, key, patienceMs = 8_000, log }: LineageSenderOptions): LineageSender {
  const target = new URL(url)
  if (target.pathname === '/') target.pathname = '/api/v1/lineage'
  const send = async (event: object): Promise<void> => {
    const response = await fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(event),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    await response.body?.cancel()
    if (!response.ok) throw new Refused(response.status)
  }
  return {
    tell: async (events) => {
      // For all of them together: a receiver that is away puts the end of a command off once.
      const until = performance.now() + patienceMs
      for (const event of events)
        try {
          await persist(() => send(event), { until, passes })
        } catch (error) {
          log({ err: error, receiver: target.origin }, 'Lineage of a batch could not be told.')
          return
        }
    },
  }
}

class Refused extends Error {
  readonly status: number
  constructor(status: number) {
    super(`It answered ${status}.`)
    this.status = status
  }
}
/** What it does not take it will not take the next time. */
const passes = (error: unknown): boolean => !(error instanceof Refused) || error.status >= 500 || error.status === 429
