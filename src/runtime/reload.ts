/**
 * The configuration, read again while the server runs. What can change meanwhile does: how models are computed, and how often whoever has
 * no rate of their own may ask. What cannot is named, and stays as it is until the next start. A configuration with a mistake changes nothing.
 */
import type { Logger } from 'pino'
import type { Settings } from './config.ts'
import { loadSettings } from './config.ts'
import type { Listening } from './listen.ts'
import type { Opened } from './open.ts'

export interface Reloaded {
  /** Names of settings that changed and are in force. */
  readonly changed: readonly string[]
  /** Those that wait for the next start. */
  readonly waiting: readonly string[]
}

interface Running {
  readonly opened: Pick<Opened, 'reconfigure' | 'logger'>
  readonly listening: Pick<Listening, 'changeRate'>
}

/** Gives what reads it again. `path` is where it was read from, `before` what was read then. */
export function reloader(path: string, before: Settings, { opened, listening }: Running): () => Promise<Reloaded> {
  let current = before
  const reload = async (): Promise<Reloaded> => {
    const { settings } = await loadSettings(path)
    const changed: string[] = []
    const applied: { models?: Settings['models']; rate?: Settings['server']['rate'] } = {}
    for (const name of new Set([...Object.keys(settings.models), ...Object.keys(current.models)]))
      if (!isSame(settings.models[name], current.models[name])) changed.push(`models.${name}`)
    if (changed.length > 0) {
      await opened.reconfigure(settings.models)
      applied.models = settings.models
    }
    if (!isSame(settings.server.rate, current.server.rate)) {
      listening.changeRate(settings.server.rate)
      applied.rate = settings.server.rate
      changed.push('server.rate')
    }
    const waiting = [...differing(settings, current, ['models', 'server']), ...differingServer(settings, current)]
    current = {
      ...current,
      models: applied.models ?? current.models,
      server: { ...current.server, ...('rate' in applied ? { rate: applied.rate! } : {}) },
    }
    return { changed, waiting }
  }
  let last: Promise<unknown> = Promise.resolve()
  return () => {
    // One after another: the later one knows what the one before did.
    const next = last.then(reload)
    last = next.catch(() => {})
    return next
  }
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

const differing = (a: Settings, b: Settings, but: readonly string[]): readonly string[] =>
  Object.keys(a).filter((name) => !but.includes(name) && !isSame(a[name as keyof Settings], b[name as keyof Settings]))

const differingServer = ({ server: a }: Settings, { server: b }: Settings): readonly string[] =>
  Object.keys(a)
    .filter((name) => name !== 'rate' && !isSame(a[name as keyof typeof a], b[name as keyof typeof b]))
    .map((name) => `server.${name}`)

/** Says what came of it. */
export async function tellReload(reload: () => Promise<Reloaded>, logger: Logger): Promise<void> {
  try {
    const { changed, waiting } = await reload()
    if (changed.length === 0 && waiting.length === 0) logger.info('The configuration was read again, and is as it was.')
    else logger.info({ changed }, 'The configuration was read again.')
    if (waiting.length > 0)
      logger.warn(
        { waiting },
        'What changed of this is in force after the next start: it cannot change while the server runs.',
      )
  } catch (error) {
    logger.error({ err: error }, 'The configuration was read again and cannot be used: the one before stays in force.')
  }
}
