/** How good probabilities are, from counts that add up: nothing is kept for an example but where its score fell. */

/** Scores are told apart to a thousandth; within a bin they count as ties, so that the area is exact to half of what ties there. */
export const scoreBins = 1000

export interface ClassificationCounts {
  /** Examples of each class, by the bin of their score. */
  readonly positives: Float64Array
  readonly negatives: Float64Array
  /** Sums over all examples: of the logarithmic loss, and of the squared difference. */
  logLoss: number
  squares: number
}

export const classificationCounts = (): ClassificationCounts => ({
  positives: new Float64Array(scoreBins),
  negatives: new Float64Array(scoreBins),
  logLoss: 0,
  squares: 0,
})

/** Probabilities are kept from 0 and 1 by this much, as scikit-learn's log_loss keeps them. */
const epsilon = 2 ** -52

export function addExample(counts: ClassificationCounts, probability: number, outcome: boolean): void {
  const p = Math.min(Math.max(probability, epsilon), 1 - epsilon)
  const bin = Math.min(scoreBins - 1, Math.floor(probability * scoreBins))
  ;(outcome ? counts.positives : counts.negatives)[bin]!++
  counts.logLoss -= outcome ? Math.log(p) : Math.log1p(-p)
  counts.squares += (probability - (outcome ? 1 : 0)) ** 2
}

export interface ClassificationQuality {
  readonly examples: number
  /** The share of positive outcomes. Like the others null without examples. */
  readonly baseRate: number | null
  /** Mean, in nats. */
  readonly logLoss: number | null
  /** What always answering the base rate would have lost. */
  readonly baseLogLoss: number | null
  /** Area under the ROC curve: the chance that a positive example scores above a negative one, ties counting half. Null without both. */
  readonly auc: number | null
  /** Mean squared difference. */
  readonly brier: number | null
}

export function classificationQuality({
  positives,
  negatives,
  logLoss,
  squares,
}: ClassificationCounts): ClassificationQuality {
  let below = 0
  let concordant = 0
  let positive = 0
  for (let bin = 0; bin < scoreBins; bin++) {
    concordant += positives[bin]! * (below + negatives[bin]! / 2)
    below += negatives[bin]!
    positive += positives[bin]!
  }
  const examples = positive + below
  if (examples === 0) return { examples, baseRate: null, logLoss: null, baseLogLoss: null, auc: null, brier: null }
  const rate = positive / examples
  return {
    examples,
    baseRate: rate,
    logLoss: logLoss / examples,
    baseLogLoss: -xlogx(rate) - xlogx(1 - rate),
    auc: positive === 0 || below === 0 ? null : concordant / (positive * below),
    brier: squares / examples,
  }
}

const xlogx = (x: number): number => (x === 0 ? 0 : x * Math.log(x))
