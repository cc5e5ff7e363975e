/** What a prediction is: the answer, and how it came about. */
import type { OutputValue } from './tensors.ts'

export type Stage = 'features' | 'assembly' | 'inference' | 'post' | 'log'

/** A part of the answer that is not what it should be, and what stands for it. */
export interface Degradation {
  readonly stage: Stage
  /** 'missing': values taken as missing; 'rule': the model's fallback; 'unlogged': the answer is not in the log. */
  readonly by: 'missing' | 'rule' | 'unlogged'
  readonly reason: string
}

export interface StageTimes {
  readonly features: number
  readonly assembly: number
  /** From handing the vector over to having the outputs: waiting for the batch included. */
  readonly inference: number
  readonly post: number
  readonly total: number
}

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
