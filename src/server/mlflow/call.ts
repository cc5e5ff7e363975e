/** One request of MLflow's API, as its handlers see it. */
import type { Asker, Caller, Registry, Right, Tracking } from '../../api/index.ts'
import type { Needs } from '../access.ts'
import type { Answer } from './answers.ts'
import type { Given } from './given.ts'

export interface Call {
  /** The body, or of GET the query. */
  readonly given: Given
  /** Parts of the path, by name. */
  readonly path: { readonly [name: string]: string }
  readonly tracking: Tracking
  readonly registry: Registry
  readonly caller: Caller
  /** Who makes a change. Where nobody needs a key the client does not say who it is, but a run has a user. */
  asker(user?: string | null): Asker
  /** Throws SX_FORBIDDEN. */
  demand(right: Right, model: string): void
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below /api/ and /ajax-api/. */
  readonly path: string
  readonly needs: Right | Needs
  readonly what: string
  /** Whether it changes something: the server ends when it has. */
  readonly changes: boolean
  readonly answer: (call: Call) => Promise<Answer>
}

const route =
  (method: Route['method'], changes: boolean) =>
  (path: string, needs: Right | Needs, what: string, answer: Route['answer']): Route => ({
    ...{ method, path, needs, what, changes, answer },
  })
export const get = route('GET', false)
/** Asks for something, and changes nothing. */
export const ask = route('POST', false)
export const post = route('POST', true)
export const patch = route('PATCH', true)
export const remove = route('DELETE', true)
