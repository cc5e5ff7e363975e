/**
 * Training as a step: the data as of each label's instant, the user's own command, and what it logged tied to data, definitions and code.
 *
 * Here: building and keeping the data, running the command, and running it again. Not here: what a run is (tracking/), and what becomes
 * of a version (registry/).
 */
export { dataTags, factsOfRun, ownFolder, tags } from './tags.ts'
