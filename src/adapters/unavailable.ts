/** How all adapters say that a store cannot be used for now, and why. */
import { SixfoldError } from '../kernel/errors.ts'

/** Why something failed. Several addresses of one name fail together, each with its own reason. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  return error.message || (error as NodeJS.ErrnoException).code || error.name
}

/** `what` goes on from the store's name: 'Redis at redis://host', 'cannot be reached'. The reason is the cause's. */
export const unavailable = (store: string, what: string, cause?: unknown, fix?: string): SixfoldError =>
  new SixfoldError(
    'SX_STORE_UNAVAILABLE',
    `${store} ${what}${cause === undefined ? '' : `: ${reasonOf(cause).replace(/\.$/, '')}`}.`,
    { cause, ...(fix === undefined ? {} : { fix }) },
  )
