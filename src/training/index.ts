/**
 * Training as a step: the data as of each label's instant, the user's own command, and what it logged tied to data, definitions and code.
 *
 * Here: building and keeping the data, running the command, and running it again. Not here: what a run is (tracking/), and what becomes
 * of a version (registry/).
 */

export type { AttemptOptions, TrackingAddress, Watching } from './attempt.ts'
export { endDeadRuns } from './dead.ts'
export type { Ingredient } from './ingredients.ts'
export type { Outcome, Reproduction, ReproductionOptions } from './reproduce.ts'
export { reproduce } from './reproduce.ts'
export { dataTags, factsOfRun, measuredIn, ownFolder, tags, withinTraining } from './tags.ts'
export type { Trained, TrainingOptions } from './train.ts'
export { train } from './train.ts'
