/** What `process.ts` and the process that it starts say to each other. Arrays of numbers go as they are. */
import type { ErrorCode } from '../../kernel/errors.ts'
import type { Provider, Tensor } from '../../ports/model-runtime.ts'

export type Wanted =
  | { readonly do: 'load'; readonly path: string; readonly providers?: readonly Provider[] }
  | {
      readonly do: 'run'
      readonly inputs: { readonly [name: string]: Tensor }
      readonly outputs: readonly string[]
    }
  | {
      readonly do: 'measure'
      readonly inputs: { readonly [name: string]: Tensor }
      readonly outputs: readonly string[]
      readonly calls: number
    }
  /** What a file computes, where that is trees or linear. Nothing of it stays loaded. */
  | { readonly do: 'structure'; readonly path: string }
  | { readonly do: 'unload' }
export type Question = Wanted & { readonly id: number }

/** That of id 0 says that the process is ready. */
export interface Answer {
  readonly id: number
  readonly ok?: unknown
  readonly error?: { readonly message: string; readonly code: ErrorCode; readonly fix: string | null }
}
