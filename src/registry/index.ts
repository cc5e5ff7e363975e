/**
 * Pattern 6, the model registry: the source of truth for trained models.
 *
 * Here: versions, and which one answers. Not here: how a version is called (inference/), and files (ports/).
 */
export type { AddedVersion, RegistryOptions } from './add-version.ts'
export { addVersion, loadLive } from './add-version.ts'
export { asStored, referring } from './keep.ts'
export type { ProductionPeriod } from './productions.ts'
export { productionPeriods, versionBefore } from './productions.ts'
export type * from './registry.ts'
export type { PendingRollback, PendingRollbacks, Serving } from './serving.ts'
export { serving } from './serving.ts'
