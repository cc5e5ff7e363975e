/** How good a model's answers have been, as outcomes come in: kept as counts, so that it can be stored, and added to. */
import type { Model, Output } from '../definition/model.ts'
import type { ClassificationCounts, ClassificationQuality } from '../statistics/classification.ts'
import { addExample, classificationCounts, classificationQuality, scoreBins } from '../statistics/classification.ts'
import type { RegressionQuality, RegressionSums } from '../statistics/regression.ts'
import { addPair, regressionQuality, regressionSums } from '../statistics/regression.ts'

export type OutcomeValue = boolean | number | string | readonly number[]

/** One output of a model, over all outcomes, and by the day of the prediction. */
export type OutputQuality =
  | {
      readonly kind: 'probability'
      readonly total: ClassificationQuality
      readonly days: readonly ({ readonly day: number } & ClassificationQuality)[]
    }
  | {
      readonly kind: 'number'
      readonly total: RegressionQuality
      readonly days: readonly ({ readonly day: number } & RegressionQuality)[]
    }
  | {
      readonly kind: 'label'
      readonly total: Accuracy
      readonly days: readonly ({ readonly day: number } & Accuracy)[]
    }

export interface Accuracy {
  readonly examples: number
  /** The share of outcomes that were predicted. */
  readonly accuracy: number
  /** What always answering the most frequent label would have got. */
  readonly baseAccuracy: number
}

export interface QualitySnapshot {
  readonly outcomes: number
  /** Outcomes of degraded answers; they are not part of the figures. */
  readonly ofDegraded: number
  readonly outputs: { readonly [output: string]: OutputQuality }
}

const dayMs = 86_400_000
/** Days that are kept apart; older ones stay part of the total. */
const daysKept = 400

interface LabelCounts {
  examples: number
  right: number
  readonly labels: { [label: string]: number }
}
type Sums = ClassificationCounts | RegressionSums | LabelCounts
interface Tally<S extends Sums> {
  total: S
  readonly days: Map<number, S>
}

export class Quality {
  outcomes = 0
  ofDegraded = 0
  readonly #kinds: { readonly [output: string]: Output }
  readonly #tallies = new Map<string, Tally<Sums>>()

  constructor(model: Model) {
    this.#kinds = model.output
    for (const [name, kind] of Object.entries(model.output))
      if (sumsFor(kind) !== null) this.#tallies.set(name, { total: sumsFor(kind)!, days: new Map() })
  }

  /** `at` is the instant of the prediction. Outputs without an outcome are left out. */
  add(
    predicted: { readonly [output: string]: unknown },
    outcome: { readonly [output: string]: OutcomeValue },
    at: number,
    degraded: boolean,
  ): void {
    this.outcomes++
    if (degraded) {
      this.ofDegraded++
      return
    }
    const day = Math.floor(at / dayMs) * dayMs
    for (const [name, tally] of this.#tallies) {
      if (outcome[name] === undefined) continue
      let ofDay = tally.days.get(day)
      if (ofDay === undefined) {
        ofDay = sumsFor(this.#kinds[name]!)!
        tally.days.set(day, ofDay)
        if (tally.days.size > daysKept) tally.days.delete(Math.min(...tally.days.keys()))
      }
      for (const sums of [tally.total, ofDay]) addTo(sums, predicted[name], outcome[name])
    }
  }

  snapshot(): QualitySnapshot {
    const outputs = [...this.#tallies].map(([name, { total, days }]) => {
      const kind = this.#kinds[name]!
      const ordered = [...days].sort(([a], [b]) => a - b)
      return [
        name,
        {
          kind: nameOf(kind),
          total: qualityOf(total),
          days: ordered.map(([day, sums]) => ({ day, ...qualityOf(sums) })),
        } as OutputQuality,
      ]
    })
    return { outcomes: this.outcomes, ofDegraded: this.ofDegraded, outputs: Object.fromEntries(outputs) }
  }

  /** As JSON; bins without an example are left out. */
  toJSON(): unknown {
    const tallies = [...this.#tallies].map(([name, { total, days }]) => [
      name,
      { total: pack(total), days: [...days].map(([day, sums]) => [day, pack(sums)]) },
    ])
    return { outcomes: this.outcomes, ofDegraded: this.ofDegraded, tallies: Object.fromEntries(tallies) }
  }

  static fromJSON(model: Model, stored: unknown): Quality {
    const quality = new Quality(model)
    const { outcomes, ofDegraded, tallies } = stored as {
      outcomes: number
      ofDegraded: number
      tallies: Record<string, { total: unknown; days: [number, unknown][] }>
    }
    quality.outcomes = outcomes
    quality.ofDegraded = ofDegraded
    for (const [name, tally] of quality.#tallies) {
      const from = tallies[name]
      if (from === undefined) continue
      tally.total = unpack(from.total)
      for (const [day, sums] of from.days) tally.days.set(day, unpack(sums))
    }
    return quality
  }
}

const nameOf = (kind: Output): OutputQuality['kind'] => (kind === 'probability' || kind === 'number' ? kind : 'label')

/** Null for kinds of output that have no figure. */
function sumsFor(kind: Output): Sums | null {
  if (kind === 'probability') return classificationCounts()
  if (kind === 'number') return regressionSums()
  return 'label' in kind ? { examples: 0, right: 0, labels: Object.create(null) } : null
}

function addTo(sums: Sums, predicted: unknown, outcome: OutcomeValue): void {
  if ('positives' in sums) addExample(sums, predicted as number, outcome === true || outcome === 1)
  else if ('absolute' in sums) addPair(sums, predicted as number, Number(outcome))
  else {
    sums.examples++
    if (predicted === outcome) sums.right++
    sums.labels[String(outcome)] = (sums.labels[String(outcome)] ?? 0) + 1
  }
}

function qualityOf(sums: Sums): ClassificationQuality | RegressionQuality | Accuracy {
  if ('positives' in sums) return classificationQuality(sums)
  if ('absolute' in sums) return regressionQuality(sums)
  return {
    examples: sums.examples,
    accuracy: sums.right / sums.examples,
    baseAccuracy: Math.max(0, ...Object.values(sums.labels)) / sums.examples,
  }
}

type Packed = {
  readonly positives: readonly (readonly [number, number])[]
  readonly negatives: readonly (readonly [number, number])[]
  readonly logLoss: number
  readonly squares: number
}
function pack(sums: Sums): unknown {
  if (!('positives' in sums)) return sums
  const sparse = (bins: Float64Array): (readonly [number, number])[] =>
    [...bins].flatMap((n, bin) => (n === 0 ? [] : [[bin, n] as const]))
  return { ...sums, positives: sparse(sums.positives), negatives: sparse(sums.negatives) }
}
function unpack(stored: unknown): Sums {
  if (!('positives' in (stored as object))) return stored as Sums
  const { positives, negatives, logLoss, squares } = stored as Packed
  const dense = (pairs: Packed['positives']): Float64Array => {
    const bins = new Float64Array(scoreBins)
    for (const [bin, n] of pairs) bins[bin] = n
    return bins
  }
  return { positives: dense(positives), negatives: dense(negatives), logLoss, squares }
}
