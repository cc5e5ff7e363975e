/**
 * Asks the server how it is, once a second for as long as somebody looks. When it does not answer, what it last said stays, with the
 * instant from which it is; it is asked on. The description is asked for again only when the definitions' hash has changed.
 */
import { ask, Refusal } from './server.ts'
import type { PlatformDescription, Status } from './wire.ts'

export interface Live {
  /** Null until the server has answered for the first time. */
  readonly seen: { readonly platform: PlatformDescription; readonly status: Status; readonly at: number } | null
  readonly trouble: Trouble | null
}
export interface Trouble {
  /** When the server last answered, or was first asked: milliseconds of this machine's clock. */
  readonly since: number
  readonly reason: string
}

/** What it needs of a browser; a test gives its own. */
export interface Surroundings {
  readonly get: (path: string) => Promise<unknown>
  readonly now: () => number
  readonly hidden: () => boolean
  /** Calls back when the page is shown or hidden, until the function it gives is called. */
  readonly onVisibility: (changed: () => void) => () => void
}

const everyMs = 1_000

/** Ends with the function it gives. */
export function poll(tell: (live: Live) => void, around: Surroundings = browser): () => void {
  let live: Live = { seen: null, trouble: null }
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking = false
  let ended = false
  const began = around.now()

  const ask = async (): Promise<void> => {
    try {
      const status = (await around.get('/v1/status')) as Status
      const known = live.seen?.platform
      const platform =
        known?.hash === status.platform ? known : ((await around.get('/v1/platform')) as PlatformDescription)
      live = { seen: { platform, status, at: around.now() }, trouble: null }
    } catch (error) {
      const reason = error instanceof Refusal && error.status > 0 ? `answers with ${error.status}` : 'does not answer'
      live = { ...live, trouble: { since: live.seen?.at ?? began, reason } }
    }
  }
  const turn = async (): Promise<void> => {
    if (asking || ended || around.hidden()) return
    asking = true
    clearTimeout(timer)
    const start = around.now()
    await ask()
    asking = false
    if (ended) return
    tell(live)
    timer = setTimeout(() => void turn(), Math.max(0, everyMs - (around.now() - start)))
  }
  const forget = around.onVisibility(() => void turn())
  void turn()
  return () => {
    ended = true
    clearTimeout(timer)
    forget()
  }
}

const patienceMs = 5_000

const browser: Surroundings = {
  get: (path) => ask(path, { patienceMs }),
  now: () => Date.now(),
  hidden: () => document.hidden,
  onVisibility: (changed) => {
    document.addEventListener('visibilitychange', changed)
    return () => document.removeEventListener('visibilitychange', changed)
  },
}
