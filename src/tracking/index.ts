/**
 * Pattern 7, the tracking of training: experiments, runs, what they read and made, and versions out of that. What MLflow's clients log.
 *
 * Here: what may be logged, files, and how what was logged becomes a version. Not here: what becomes of a version (registry/), how all of
 * it is kept (ports/), and the form in which its clients speak (server/).
 */

export type { Files, FilesOptions, Listed, OpenedFile } from './files.ts'
export { files } from './files.ts'
export type { OrderedField } from './filter/index.ts'
export { parseFilter, parseOrder } from './filter/index.ts'
export type { Found, Query } from './pages.ts'
export type { NamedModel, Tracking, WantedVersion } from './tracking.ts'
export type { TrackingOptions } from './tracking-of.ts'
export { tracking } from './tracking-of.ts'
