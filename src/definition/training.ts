/** How a model is trained: on which labels, by which command. */
import type { Model } from './model.ts'
import type { Storage } from './source.ts'

export interface Training<M extends Model = Model> {
  readonly kind: 'training'
  /** The model's. */
  readonly name: string
  readonly model: M
  /** Keys, request fields, the instant of each row, and what was true. */
  readonly labels: Storage
  /** The column with the instants. */
  readonly at: string
  /** What instants without a zone are in; null refuses them. */
  readonly zone: string | null
  /** A program and its arguments. */
  readonly command: readonly string[]
  readonly description: string | null
}

export interface TrainingOptions {
  readonly labels: Storage
  readonly at: string
  readonly zone?: string
  readonly command: readonly string[]
  readonly description?: string
}

export const training = <M extends Model>(model: M, options: TrainingOptions): Training<M> =>
  Object.freeze({
    kind: 'training',
    name: model.name,
    model,
    labels: options.labels,
    at: options.at,
    zone: options.zone ?? null,
    command: Object.freeze([...options.command]),
    description: options.description ?? null,
  })
