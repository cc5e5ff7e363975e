/** How a model is trained: on which labels, of which time, by which command. */
import { parseInstant } from '../kernel/instant.ts'
import type { Model } from './model.ts'
import type { Storage } from './source.ts'

/** Instants from one on and before another, in milliseconds; null leaves that end open. */
export interface Period {
  readonly from: number | null
  readonly until: number | null
}

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
  readonly train: Period
  /** Later than what is trained on: a model is judged by what it could not have seen. */
  readonly heldOut: Period
  /** Where no period says where the held-out rows begin: the newest ones, this share of all. */
  readonly heldOutShare: number
  /** In which its runs are kept. */
  readonly experiment: string
  /** A program and its arguments, started without a shell in the project's folder. */
  readonly command: readonly string[]
  /** Variables for the command, beside those of whoever trains. */
  readonly environment: { readonly [name: string]: string }
  readonly seeds: { readonly [name: string]: number }
  readonly description: string | null
}

/** ISO 8601 with a zone: '2013-06-01T00:00:00Z'. */
type Instant = string | Date
interface Span {
  readonly from?: Instant
  readonly until?: Instant
}

export interface TrainingOptions {
  readonly labels: Storage
  readonly at: string
  readonly zone?: string
  /** By default everything before the held-out rows. */
  readonly train?: Span
  /** By default from the end of `train` on; without that, the newest fifth of all rows. */
  readonly heldOut?: Span
  /** How much is held out where neither `train.until` nor `heldOut.from` is given. By default a fifth. */
  readonly heldOutShare?: number
  /** By default named as the model. Name the one that the command sets, if it sets one. */
  readonly experiment?: string
  readonly command: readonly string[]
  readonly environment?: { readonly [name: string]: string }
  /** Each reaches the command as SIXFOLD_SEED_NAME; the one named `seed` also as SIXFOLD_SEED. */
  readonly seeds?: { readonly [name: string]: number }
  readonly description?: string
}

export function training<M extends Model>(model: M, options: TrainingOptions): Training<M> {
  const [train, heldOut] = [periodOf(options.train), periodOf(options.heldOut)]
  return Object.freeze({
    kind: 'training',
    name: model.name,
    model,
    labels: options.labels,
    at: options.at,
    zone: options.zone ?? null,
    train: Object.freeze({ from: train.from, until: train.until ?? heldOut.from }),
    heldOut: Object.freeze({ from: heldOut.from ?? train.until, until: heldOut.until }),
    heldOutShare: options.heldOutShare ?? 0.2,
    experiment: options.experiment ?? model.name,
    command: Object.freeze([...options.command]),
    environment: Object.freeze({ ...options.environment }),
    seeds: Object.freeze({ ...options.seeds }),
    description: options.description ?? null,
  })
}

/** What is no instant is NaN: `validate` names it. */
const instantOf = (given: Instant | undefined): number | null =>
  given === undefined ? null : given instanceof Date ? given.getTime() : (parseInstant(String(given)) ?? Number.NaN)

const periodOf = (span: Span = {}): Period => ({ from: instantOf(span.from), until: instantOf(span.until) })
