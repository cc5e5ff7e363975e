/**
 * Pattern 6, the model registry: the source of truth for trained models.
 *
 * Here: versions, and which one answers. Not here: how a version is called (inference/), and files (ports/).
 */

export type { VersionFiles } from './artifacts/open-version.ts'
export { versionFiles } from './artifacts/open-version.ts'
export { asStored, referring } from './artifacts/refer.ts'
export { modelCard } from './card/card.ts'
export { escapeHtml } from './card/escape.ts'
export { pageStyle } from './card/html.ts'
export type { ProductionPeriod } from './lifecycle/productions.ts'
export { productionPeriods, versionBefore } from './lifecycle/productions.ts'
export type { PendingRollback, PendingRollbacks, Serving } from './lifecycle/serving.ts'
export { serving } from './lifecycle/serving.ts'
export { refused } from './lifecycle/situation.ts'
export type { LineageOptions } from './lineage/back.ts'
export { lineageOf } from './lineage/lineage.ts'
export { checkAliasName, checkModelName } from './names.ts'
export { missingFacts } from './registration/facts.ts'
export type { DeclaredInput, MlModel } from './registration/mlmodel.ts'
export { dependenciesIn, packagesIn, readMlModel } from './registration/mlmodel.ts'
export type * from './registry.ts'
export type { RegistryParts } from './registry-of.ts'
export { registry } from './registry-of.ts'
export type {
  HeldVersion,
  ValidationDocument,
  ValidationRequest,
  ValidationResult,
  Validator,
} from './validation/evidence.ts'
export { goldenPaths } from './validation/evidence.ts'
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
