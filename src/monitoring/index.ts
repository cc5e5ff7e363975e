/**
 * How well it goes: outcomes joined to predictions, and the figures that follow.
 *
 * Here: outcomes, quality by model and day. Not here: what a prediction is (inference/), and formulas (statistics/).
 */
export type { LoggedOutcome, OutcomeInput, OutcomeResult, Outcomes } from './outcomes.ts'
export { outcomes, topicOfOutcomes } from './outcomes.ts'
export type { OutputQuality, QualitySnapshot } from './quality.ts'
export { Quality } from './quality.ts'
