/**
 * One call: a request, a second one where the first is late, and the first answer that is one. It ends by its deadline, and what is still
 * under way then is given up.
 */
import { isSixfoldError } from '../../kernel/errors.ts'
import type { Tensors } from '../../ports/model-runtime.ts'
import type { Answer } from './connection.ts'

export interface ExchangeOptions {
  /** Gives how to give it up. */
  send(answered: (answer: Answer) => void, failed: (error: Error) => void): () => void
  /** Throws SX_MODEL_FAILED over rows that the model does not take; what else it throws is the server's fault. */
  read(answer: Answer): Tensors
  /** What a network's error is to the caller. */
  unreachable(error: Error): Error
  readonly timeoutMs: number
  /** Null: no second one is sent. */
  readonly secondMs: number | null
  /** Whether a second one may be sent after all, now that it is time; if so, it is. */
  second(): boolean
}

export type Outcome =
  | { readonly kind: 'answered'; readonly tensors: Tensors; readonly second: boolean }
  /** Rows that the model does not take, and a server that is at fault. */
  | { readonly kind: 'refused' | 'failed'; readonly error: Error }
  | { readonly kind: 'late' }

/** Calls back once, unless it is given up before; gives how to do that. */
export function exchange(options: ExchangeOptions, settled: (outcome: Outcome) => void): () => void {
  const sent: (() => void)[] = []
  let pending = 0
  let over = false
  let hedge: NodeJS.Timeout | undefined

  const giveUp = (): void => {
    over = true
    clearTimeout(timer)
    clearTimeout(hedge)
    for (const one of sent) one()
  }
  const end = (outcome: Outcome): void => {
    giveUp()
    settled(outcome)
  }
  const fail = (error: Error): void => {
    // The other may still answer.
    if (pending === 0) end({ kind: 'failed', error })
  }
  const send = (second: boolean): void => {
    pending++
    const one = options.send(
      (answer) => {
        pending--
        if (over) return
        try {
          end({ kind: 'answered', tensors: options.read(answer), second })
        } catch (error) {
          if (isSixfoldError(error) && error.code === 'SX_MODEL_FAILED') end({ kind: 'refused', error })
          else fail(error as Error)
        }
      },
      (error) => {
        pending--
        if (!over) fail(options.unreachable(error))
      },
    )
    if (over) one()
    else sent.push(one)
  }

  const timer = setTimeout(() => end({ kind: 'late' }), options.timeoutMs)
  send(false)
  if (options.secondMs !== null && options.secondMs < options.timeoutMs && !over)
    hedge = setTimeout(() => {
      if (options.second()) send(true)
    }, options.secondMs)
  return giveUp
}
