/** What whoever reads a refusal can do, by what was refused: a sentence behind its figures. */
import type { Check } from '../documents.ts'

const advice: { readonly [kind: string]: string } = {
  coverage: 'Look which rows have no answer, mend what they lack, and run it again.',
  missing: 'Look where the value comes from; where it may be missing, allow it in the gate.',
  range: 'Look at the model and its inputs; where such values are right, widen gate.range.',
  twins: 'Give each key one row, in the query or the file of the rows.',
  rows: 'Look whether the rows arrived whole; where so many are right, publish it with a reason.',
  keys: 'Look which keys are missing from the rows; where they may be, lower gate.keys.',
  freshness: 'Wait for the source, or mend what fills it, and run it again.',
  schema: 'Bring the column back, or change the definition.',
  constant: 'Look where the column comes from: somebody may have stopped filling it.',
  segment: 'Look whether its rows arrived; where it has none any more, publish it with a reason.',
  distance:
    'Look what changed in the inputs; where the change is right, publish it with a reason, or declare another bound.',
  top: 'Look whether the order may change so much; where it may, lower gate.top.overlap.',
  flips: 'Look whether so many decisions may change; where they may, raise gate.flips.',
  outcomes: 'Look at what the model has not learnt, and train it on newer rows; or publish it with a reason.',
}

export const withAdvice = (check: Check): Check =>
  check.outcome !== 'refused' || advice[check.kind] === undefined
    ? check
    : { ...check, words: `${check.words} ${advice[check.kind]}` }
