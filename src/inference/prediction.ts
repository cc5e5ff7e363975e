/** What a prediction is: the answer, and how it came about. */
import type { OutputValue } from './tensors.ts'

/** Headers, of which the trace is read that a request belongs to. */
export type Carrier = Readonly<Record<string, string | readonly string[] | undefined>>

export type Stage = 'features' | 'assembly' | 'inference' | 'post' | 'log'

/** A part of the answer that is not what it should be, and what stands for it. */
export interface Degradation {
  readonly stage: Stage
  /**
   * For features: 'last known' values of the entity, or 'missing'. For the answer, in the order in which they are tried: 'cache', what
   * was answered to the same question before; 'batch', what a batch said of the keys; 'rule', the model's fallback; 'default', the same where it is a constant. 'unlogged': the
   * answer is not in the log.
   */
  readonly by: 'last known' | 'missing' | 'cache' | 'batch' | 'rule' | 'default' | 'unlogged'
  /** The code of an error, or words of ours: what kept the part from being what it should be. */
  readonly reason: string
}

/** Milliseconds; together they are the total. */
export interface StageTimes {
  /** From the arrival of the request to the first look at the question: what the server did before. */
  readonly gateway: number
  readonly features: number
  readonly assembly: number
  /** Waiting for the model. */
  readonly queue: number
  /** The call into the model in which this row was. */
  readonly inference: number
  readonly post: number
  readonly total: number
}

export const stagesOfTime = ['gateway', 'features', 'assembly', 'queue', 'inference', 'post', 'total'] as const

export interface Prediction {
  /** Null when the answer could not be logged. */
  readonly id: string | null
  readonly model: string
  /** Null when no version answered. */
  readonly version: string | null
  /** The instant asked about. */
  readonly at: number
  readonly outputs: { readonly [output: string]: OutputValue }
  readonly degraded: readonly Degradation[]
  readonly milliseconds: StageTimes
}
