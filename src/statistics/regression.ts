/** How good numbers are, from sums that add up. */
export interface RegressionSums {
  examples: number
  absolute: number
  squares: number
  /** Of the outcomes themselves, for what always answering their mean would have cost. */
  outcomes: number
  outcomeSquares: number
}

export const regressionSums = (): RegressionSums => ({
  examples: 0,
  absolute: 0,
  squares: 0,
  outcomes: 0,
  outcomeSquares: 0,
})

export function addPair(sums: RegressionSums, predicted: number, outcome: number): void {
  sums.examples++
  sums.absolute += Math.abs(predicted - outcome)
  sums.squares += (predicted - outcome) ** 2
  sums.outcomes += outcome
  sums.outcomeSquares += outcome ** 2
}

export interface RegressionQuality {
  readonly examples: number
  /** Like the others null without examples. */
  readonly meanAbsoluteError: number | null
  readonly rootMeanSquareError: number | null
  /** The standard deviation of the outcomes: the root mean square error of always answering their mean. */
  readonly baseRootMeanSquareError: number | null
}

export function regressionQuality({
  examples,
  absolute,
  squares,
  outcomes,
  outcomeSquares,
}: RegressionSums): RegressionQuality {
  if (examples === 0)
    return { examples, meanAbsoluteError: null, rootMeanSquareError: null, baseRootMeanSquareError: null }
  return {
    examples,
    meanAbsoluteError: absolute / examples,
    rootMeanSquareError: Math.sqrt(squares / examples),
    baseRootMeanSquareError: Math.sqrt(Math.max(0, outcomeSquares / examples - (outcomes / examples) ** 2)),
  }
}
