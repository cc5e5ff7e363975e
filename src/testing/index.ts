/**
 * `sixfold/testing`: the laws of the ports, as cases for whoever writes an adapter. A suite is told how a store is opened and gives cases;
 * each has a name and a `run` that throws, and says in plain words which law is broken. They need no test runner.
 */
export type { ArtifactStore } from '../ports/artifact-store.ts'
export type { EventLog } from '../ports/event-log.ts'
export type { MetadataStore } from '../ports/metadata-store.ts'
export type { OfflineStore } from '../ports/offline-store.ts'
export type { OnlineStore } from '../ports/online-store.ts'
export type { TrackingStore } from '../ports/tracking-store.ts'
export type { ArtifactStoreSetup } from './artifact-store.ts'
export { artifactStoreCases } from './artifact-store.ts'
export type { ContractCase } from './contract.ts'
export type { EventLogSetup } from './event-log.ts'
export { eventLogCases } from './event-log.ts'
export { metadataStoreCases } from './metadata-store.ts'
export type { ModelRuntimeSetup } from './model-runtime.ts'
export { modelApartCases, modelRuntimeCases } from './model-runtime.ts'
export type { OfflineStoreSetup } from './offline-store.ts'
export { offlineStoreCases } from './offline-store.ts'
export type { OnlineStoreSetup } from './online-store.ts'
export { onlineStoreCases } from './online-store.ts'
export { registryStoreCases } from './registry-store.ts'
export { trackingStoreCases } from './tracking-store.ts'
