/**
 * Pattern 6, the model registry: the source of truth for trained models.
 *
 * Here: versions, and which one answers. Not here: how a version is called (inference/), and files (ports/).
 */
export { modelCard } from './card/card.ts'
export type { HeldVersion, ValidationDocument, ValidationRequest, ValidationResult, Validator } from './evidence.ts'
export { goldenPaths } from './evidence.ts'
export { missingFacts } from './facts.ts'
export { asStored, referring } from './keep.ts'
export type { LineageOptions } from './lineage/back.ts'
export { lineageOf } from './lineage/lineage.ts'
export type { DeclaredInput, MlModel } from './mlmodel.ts'
export { dependenciesIn, packagesIn, readMlModel } from './mlmodel.ts'
export { refused } from './move.ts'
export { checkAliasName, checkModelName } from './names.ts'
export type { VersionFiles } from './open-version.ts'
export { versionFiles } from './open-version.ts'
export type { ProductionPeriod } from './productions.ts'
export { productionPeriods, versionBefore } from './productions.ts'
export type * from './registry.ts'
export type { RegistryParts } from './registry-of.ts'
export { registry } from './registry-of.ts'
export type { PendingRollback, PendingRollbacks, Serving } from './serving.ts'
export { serving } from './serving.ts'
export { rowReader, scorer } from './validation/scorer.ts'
export { validator } from './validation/validator.ts'
export type { WebhookDelivery, WebhookDeliveryOptions } from './webhooks/delivery.ts'
export { pauseAfterAttempt, webhookDelivery } from './webhooks/delivery.ts'
export { newSecret } from './webhooks/payload.ts'
export type {
  ListedDelivery,
  ListedWebhook,
  WebhookChange,
  Webhooks,
  WebhooksOptions,
  WebhookTest,
} from './webhooks/webhooks.ts'
export { webhooksOf } from './webhooks/webhooks.ts'
