/**
 * Asking the server, with the key that the reader gave, if the server wanted one. The key stays with this tab and is forgotten with it;
 * it is sent to the server that served the page and to nobody else.
 */
import { useSyncExternalStore } from 'react'

/** What the server refuses, or that it does not answer. */
export class Refusal extends Error {
  /** 0: it did not answer. */
  readonly status: number
  readonly code: string
  readonly fix: string
  constructor(status: number, code: string, detail: string, fix: string) {
    super(detail)
    this.status = status
    this.code = code
    this.fix = fix
  }
}

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: object
  readonly accept?: string
  readonly patienceMs?: number
  readonly signal?: AbortSignal
}

const usualPatienceMs = 10_000

/** The answer's text. Throws a Refusal. */
export async function askText(path: string, { method = 'GET', body, accept, patienceMs, signal }: Asking = {}) {
  const patience = AbortSignal.timeout(patienceMs ?? usualPatienceMs)
  let response: Response
  let text: string
  try {
    response = await fetch(path, {
      method,
      headers: {
        accept: accept ?? 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
    })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new Refusal(
      0,
      patience.aborted ? 'SLOW' : 'AWAY',
      patience.aborted ? 'The server did not answer in time.' : 'The server does not answer.',
      'It is asked again by itself.',
    )
  }
  if (response.ok) return text
  throw refusalOf(response.status, text)
}

export const ask = async <T>(path: string, asking?: Asking): Promise<T> => JSON.parse(await askText(path, asking)) as T

function refusalOf(status: number, text: string): Refusal {
  try {
    const { code, detail, fix } = JSON.parse(text) as { code: string; detail: string; fix: string }
    if (typeof code === 'string' && typeof detail === 'string') return new Refusal(status, code, detail, fix ?? '')
  } catch {
    // Something between here and the server answered in its stead.
  }
  return new Refusal(status, `HTTP ${status}`, `The server answers with ${status}.`, '')
}

const place = 'sixfold key'
/** A browser that keeps nothing keeps no key either: then it lasts as long as the page. */
function kept<T>(use: (storage: Storage) => T): T | null {
  try {
    return use(sessionStorage)
  } catch {
    return null
  }
}
let key: string | null = kept((storage) => storage.getItem(place))
const listeners = new Set<() => void>()

export function setKey(given: string | null): void {
  key = given
  kept((storage) => (given === null ? storage.removeItem(place) : storage.setItem(place, given)))
  for (const told of listeners) told()
}
const subscribe = (told: () => void): (() => void) => {
  listeners.add(told)
  return () => void listeners.delete(told)
}
export const useKey = (): string | null => useSyncExternalStore(subscribe, () => key)

/** A path with its names encoded: path`/v1/models/${model}`. */
export const path = (parts: TemplateStringsArray, ...names: readonly (string | number)[]): string =>
  String.raw({ raw: parts }, ...names.map((name) => encodeURIComponent(name)))
