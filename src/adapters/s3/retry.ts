/**
 * Each request is sent again for as long as S3 cannot be reached, is overloaded or fails by itself, until `patienceMs` after it was
 * lost; not after so many attempts: a server that restarts refuses many within a second.
 */
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { pause, pauseAfter } from '../../kernel/persist.ts'

type Strategy = Extract<NonNullable<S3ClientConfig['retryStrategy']>, { refreshRetryTokenForRetry: unknown }>
type Token = Awaited<ReturnType<Strategy['acquireInitialRetryToken']>>
interface Patient extends Token {
  /** When the service was last there, on the clock of `performance.now`; null until something failed. */
  readonly since: number | null
}

export interface Patience {
  readonly patienceMs: number
  /** So long a connection may be silent: what failed for that was lost so much earlier. */
  readonly silenceMs: number
  /** Called where a connection was silent for too long. */
  lost(): void
  /** Given when the client is closed. */
  readonly closing: AbortSignal
}

export function patientRetries({ patienceMs, silenceMs, lost, closing }: Patience): Strategy {
  const token = (count: number, since: number | null): Patient => ({
    since,
    getRetryCount: () => count,
    getRetryDelay: () => 0,
  })
  return {
    acquireInitialRetryToken: async () => token(0, null),
    refreshRetryTokenForRetry: async (last, { error, errorType }) => {
      // The driver calls so what was broken off as well, but that has the system's code.
      const silent = error?.name === 'TimeoutError' && !('code' in error)
      if (silent) lost()
      const now = performance.now()
      const since = (last as Patient).since ?? now - (silent ? silenceMs : 0)
      const left = since + patienceMs - now
      if (closing.aborted || left <= 0 || (errorType !== 'TRANSIENT' && errorType !== 'THROTTLING'))
        throw new Error('It is not tried again.')
      await pause(Math.min(left, pauseAfter(last.getRetryCount() + 1)), closing)
      if (closing.aborted) throw new Error('It is not tried again.')
      return token(last.getRetryCount() + 1, since)
    },
    recordSuccess: () => {},
  }
}
