/**
 * The registry's memory: models, their versions, the stages and aliases that name them, the evidence that moved them, and one chained
 * record of every change. Part of the metadata store, and in its transactions.
 *
 * Laws that every adapter keeps, beside those of the metadata store:
 * - **One way to change.** `change` checks the conditions of a change, makes its effect, appends its audit entry and puts what webhooks
 *   are to be told into the outbox, all in one transaction. There is no change without an entry and no entry without its change.
 * - **Chained.** Entries are numbered 1, 2, 3, … without a gap, in the order in which changes came into force. Each has the hash of the one before
 *   it, and its own is `hashOfEntry`.
 * - **Duplicates.** A change whose `id` is in the audit gives the entry that is there, and changes nothing: so a change whose answer was lost
 *   can be asked for again.
 * - **Compare and set.** A change says what it takes to be so. Where that is not so it rejects with SX_REGISTRY_CONFLICT and
 *   nothing has changed. Of two that exclude each other one wins, whichever process they come from.
 * - **One in production.** A model has at most one version whose place in an environment is `production` and exclusive; the database
 *   itself refuses a second.
 * - **Immutable.** Nothing of a version changes but its description, tags, places and aliases. Its number is never given again, also
 *   after it was deleted.
 * - **Text.** A change or author with text that holds a NUL character or half of a surrogate pair rejects with SX_REQUEST_INVALID: databases
 *   alter it, and an entry must come back as it was hashed. What is kept as JSON may hold any: documents, facts, preconditions.
 * - **References.** An artifact that is condemned is referred to by nothing, and nothing can begin to refer to it: such a change
 *   rejects with SX_ARTIFACT_CONDEMNED, whose `details.artifacts` lists the SHA-256 of each. Who condemned it deletes it within half
 *   a minute, and says so with `artifacts.collected`. It stays condemned, also when it is put again: whoever put it before cannot
 *   know whether that was deleted. So whoever wants to refer to it first has it spared, then puts it again.
 */
import { hashOf } from '../kernel/hash.ts'
import type { Rate } from '../kernel/rate.ts'
import type { BatchChange, LiveBatch } from './batch-store.ts'
import type { Page, Search } from './search.ts'

/** In the order in which a version goes through them. */
export const stages = ['registered', 'validated', 'staging', 'production', 'archived'] as const
export type Stage = (typeof stages)[number]

export interface RegistryStore {
  change(change: Change, by: Author): Promise<AuditEntry>

  model(name: string): Promise<RegisteredModel | null>
  version(model: string, version: number): Promise<ModelVersion | null>
  /** Newest first; at most 10,000. */
  versions(model: string): Promise<readonly ModelVersion[]>
  /** How every version of these models stands, without what it is made of. Of each model the newest first. */
  standings(models: readonly string[]): Promise<readonly VersionStanding[]>
  /** Versions whose place there is that stage, the one placed last first. */
  placed(model: string, environment: string, stage: 'staging' | 'production' | 'archived'): Promise<readonly number[]>
  /** Of each model the newest version that is in staging there, in production, archived, and the newest that is none of these. */
  latest(models: readonly string[], environment: string): Promise<readonly ModelVersion[]>
  /** Of every model, the version whose place there is `production`; where a model has several, the one placed last. */
  production(environment: string): Promise<readonly ModelVersion[]>
  searchModels(search: Search): Promise<Page<RegisteredModel>>
  searchVersions(search: Search): Promise<Page<ModelVersion>>
  /** Newest first. */
  evidence(model: string, version: number): Promise<readonly Evidence[]>
  approvals(model: string, version: number): Promise<readonly Approval[]>

  audit(query: AuditQuery): Promise<readonly AuditEntry[]>
  /** What of each batch is live, in every environment. */
  liveBatches(): Promise<readonly LiveBatch[]>

  keys(): Promise<readonly AccessKey[]>
  webhooks(): Promise<readonly Webhook[]>
  /**
   * Takes deliveries that are due, for so long; another process takes them after that. In order: of each webhook only the oldest that
   * still waits, and none while that one is taken or not due. Those of a webhook that is not active, or was deleted, wait or are gone.
   */
  takeDeliveries(limit: number, now: number, leaseMs: number): Promise<readonly Delivery[]>
  /**
   * `next` is when to try again; null: it arrived, or never will (`error` says which). Each counts as an attempt. One that was settled for
   * good waits again once it is given a `next`.
   */
  settleDelivery(
    id: number,
    result: { readonly error: string | null; readonly next: number | null },
    at: number,
  ): Promise<void>
  deliveries(query: { readonly webhook: string; readonly limit: number }): Promise<readonly Delivery[]>

  /** SHA-256 of every artifact that a version, evidence or file of a run refers to. */
  references(): Promise<ReadonlySet<string>>
  /**
   * Gives those of the artifacts to which nothing refers, condemned from now on. Not one that somebody else condemned less than
   * `condemnedMs` before `at` and has not yet collected.
   */
  condemn(artifacts: readonly string[], at: number): Promise<readonly string[]>
  /** Those that somebody condemned more than `condemnedMs` before `at` and did not come to collect: deleted or not, that was not written down. */
  abandoned(at: number): Promise<readonly string[]>
  /**
   * Nothing hinders any more that they are referred to: of those that were collected, and of those that somebody condemned more than
   * `condemnedMs` before `at` and did not come to collect. Gives those that are still condemned.
   */
  spare(artifacts: readonly string[], at: number): Promise<readonly string[]>
}

/** After that, one who condemned an artifact and has not collected it is taken to have died. */
export const condemnedMs = 60_000

/** Who makes a change. */
export interface Author {
  /** Of the request: random, 32 hexadecimal digits. */
  readonly id: string
  /** 'key:NAME', 'local:USER', 'mlflow:USER', 'sixfold'. */
  readonly actor: string
  readonly reason: string | null
  readonly at: number
}

export type Change =
  | { readonly kind: 'model.created'; readonly model: string; readonly description: string | null; readonly tags: Tags }
  | { readonly kind: 'model.updated'; readonly model: string; readonly description: string | null }
  | { readonly kind: 'model.renamed'; readonly model: string; readonly to: string }
  | { readonly kind: 'model.deleted'; readonly model: string }
  | { readonly kind: 'model.tagged'; readonly model: string; readonly key: string; readonly value: string }
  | { readonly kind: 'model.untagged'; readonly model: string; readonly key: string }
  | {
      readonly kind: 'version.registered'
      /** Its model is created where there is none and `create` says so. */
      readonly version: NewVersion
      readonly create: boolean
      /** Gives the newest version instead, where that has the same manifest. */
      readonly unlessNewest: boolean
    }
  | {
      readonly kind: 'version.updated'
      readonly model: string
      readonly version: number
      readonly description: string | null
    }
  | {
      readonly kind: 'version.tagged'
      readonly model: string
      readonly version: number
      readonly key: string
      readonly value: string
    }
  | { readonly kind: 'version.untagged'; readonly model: string; readonly version: number; readonly key: string }
  | { readonly kind: 'version.deleted'; readonly model: string; readonly version: number }
  | { readonly kind: 'evidence.recorded'; readonly evidence: Omit<Evidence, 'at' | 'actor'> }
  | {
      readonly kind: 'approval.given'
      readonly model: string
      readonly version: number
      readonly environment: string
      readonly to: Stage
    }
  | StageChange
  /** Made while the metadata store was away, in force until another version was put in production; kept for the record. */
  | {
      readonly kind: 'rollback.superseded'
      readonly model: string
      readonly version: number
      readonly environment: string
      readonly by: number | null
    }
  | {
      readonly kind: 'alias.set'
      readonly model: string
      readonly alias: string
      readonly version: number
      /** What the alias must name now: null for nothing. Left out, whatever it names. */
      readonly expected?: number | null
    }
  | { readonly kind: 'alias.deleted'; readonly model: string; readonly alias: string }
  | { readonly kind: 'key.created'; readonly key: Omit<AccessKey, 'at' | 'revokedAt'> }
  | { readonly kind: 'key.revoked'; readonly key: string }
  | { readonly kind: 'webhook.created'; readonly webhook: Omit<Webhook, 'createdAt' | 'updatedAt'> }
  | { readonly kind: 'webhook.updated'; readonly webhook: Omit<Webhook, 'createdAt' | 'updatedAt'> }
  | { readonly kind: 'webhook.deleted'; readonly webhook: string }
  /** Condemned artifacts were deleted: from now on each can be spared. */
  | { readonly kind: 'artifacts.collected'; readonly artifacts: readonly string[]; readonly bytes: number }
  | BatchChange

export interface StageChange {
  readonly kind: 'stage.changed'
  readonly model: string
  readonly version: number
  readonly environment: string
  /** What its stage must be now. */
  readonly from: Stage
  readonly to: Stage
  /**
   * True: it shall be the only one in production there. `replaces` must name the one that is; that one becomes archived in the same
   * change. False, of models that no platform defines: others may stay beside it.
   */
  readonly exclusive: boolean
  readonly replaces: number | null
  /** Versions whose place there is `to`, and which become archived; for stages that are not exclusive. */
  readonly archives: readonly number[]
  /** Ids of evidence on which it rests. */
  readonly evidence: readonly string[]
  /** What each precondition found, in the order in which they were computed. */
  readonly preconditions: readonly Precondition[]
  /** True: back to a version that was in production before. */
  readonly rollback: boolean
}

export interface Precondition {
  /** 'validation', 'fact: data', 'approval', … */
  readonly name: string
  readonly met: boolean
  readonly words: string
}

export interface Tags {
  readonly [key: string]: string
}

export interface RegisteredModel {
  readonly name: string
  readonly description: string | null
  readonly tags: Tags
  readonly aliases: { readonly [alias: string]: number }
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a model is called with and what it gives, as found in its file. */
export interface TensorInfo {
  readonly name: string
  readonly type: string
  /** -1 where the size is free. */
  readonly shape: readonly number[]
}

export interface VersionFile {
  /** Within the version: 'model.onnx', 'MLmodel'. */
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

export interface NewVersion {
  readonly model: string
  /** SHA-256 of the canonical list of files and facts: what the version is. */
  readonly manifest: string
  /** All files, by path. The model itself is `entry`. */
  readonly files: readonly VersionFile[]
  /** The path of the ONNX file; null for a version that this server keeps and cannot run. */
  readonly entry: string | null
  /** 'onnx', or the flavour as MLflow names it. */
  readonly flavor: string | null
  /** The hash of the model's definition that it was checked against; null where no platform defines the model. */
  readonly definition: string | null
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  readonly facts: Facts
  /** From where it came: a path, 'models:/m-…', 'runs:/…'. */
  readonly source: string
  readonly run: string | null
  readonly runLink: string | null
  readonly loggedModel: string | null
  readonly description: string | null
  readonly tags: Tags
}

export interface ModelVersion extends NewVersion {
  readonly version: number
  readonly at: number
  readonly updatedAt: number
  /** True once a validation that passed has moved it on. */
  readonly validated: boolean
  /** Its stage in each environment where it was ever given one beyond `validated`. */
  readonly places: {
    readonly [environment: string]: { readonly stage: Stage; readonly at: number; readonly wasProduction: boolean }
  }
  readonly aliases: readonly string[]
}

export type VersionStanding = Pick<ModelVersion, 'model' | 'version' | 'validated' | 'places'>

export const stageIn = (
  { places, validated }: Pick<ModelVersion, 'places' | 'validated'>,
  environment: string,
): Stage =>
  (Object.hasOwn(places, environment) ? places[environment]!.stage : null) ?? (validated ? 'validated' : 'registered')

/** What a version must be able to say of itself. Null, whole or in part, is what nobody recorded: `missingFacts` names it. */
export interface Facts {
  readonly artifact: { readonly format: string; readonly sha256: string; readonly bytes: number } | null
  readonly schema: {
    readonly entries: readonly SchemaEntry[]
    readonly outputs: readonly { readonly name: string; readonly type: string }[]
  } | null
  readonly preprocessing: {
    /** Of the model's definition, as described: the vector as an expression graph. */
    readonly hash: string
    readonly graph: unknown
    /** Each entry of the vector as its author would write it. */
    readonly source: { readonly [entry: string]: string }
  } | null
  readonly data: {
    readonly pointer: string
    /** Of the data's bytes, or the digest that the tracking client computed. */
    readonly hash: string | null
    readonly rows: number | null
    readonly from: number | null
    readonly to: number | null
    readonly query: string | null
    /** Its SHA-256 in the artifact store, where it is kept there. */
    readonly artifact: string | null
  } | null
  readonly configuration: {
    readonly parameters: { readonly [name: string]: string }
    readonly seeds: { readonly [name: string]: string }
    readonly hardware: string | null
    readonly command: readonly string[] | null
    readonly commit: string | null
    /** True: the working tree had changes that the commit does not have. */
    readonly dirty: boolean | null
  } | null
  readonly evaluation: readonly {
    readonly metric: string
    readonly value: number
    readonly low: number | null
    readonly high: number | null
    /** 'carrier = UA'; null for the whole. */
    readonly slice: string | null
    /** The hash of the data it was measured on. */
    readonly data: string | null
  }[]
  readonly dependencies: {
    readonly opset: number | null
    readonly ir: number | null
    /** Operator sets beside the standard one: 'ai.onnx.ml' → 3. */
    readonly domains: { readonly [domain: string]: number }
    /** Versions of the runtime that can run it: '>=1.14'. */
    readonly runtime: string | null
    readonly packages: readonly string[]
    readonly language: string | null
  } | null
}

export interface SchemaEntry {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly range: readonly [low: number, high: number] | null
  /** What it is computed of: 'airline_punctuality.late_rate_1d', 'request.distance'. */
  readonly reads: readonly string[]
  /** The hashes of the views it reads, by name: their versions. */
  readonly views: { readonly [view: string]: string }
}

export interface Evidence {
  /** The hash of the document. */
  readonly id: string
  readonly model: string
  readonly version: number
  /** 'validation'. */
  readonly kind: string
  readonly passed: boolean
  /** JSON; what was checked, on what, with which figures. */
  readonly document: unknown
  /** Artifacts that it refers to: golden outputs, the held-out data. */
  readonly artifacts: readonly string[]
  readonly actor: string
  readonly at: number
}

export interface Approval {
  readonly environment: string
  readonly to: Stage
  readonly actor: string
  readonly reason: string | null
  readonly at: number
}

export interface AuditEntry {
  readonly number: number
  readonly id: string
  readonly at: number
  readonly actor: string
  readonly action: Change['kind']
  readonly model: string | null
  readonly version: number | null
  readonly environment: string | null
  readonly reason: string | null
  /** The change, without its secrets, and what it replaced. Plain JSON. */
  readonly details: { readonly [name: string]: unknown }
  /** The hash of the entry before; 64 zeros for the first. */
  readonly previous: string
  readonly hash: string
}

export const noEntry: string = '0'.repeat(64)

/** SHA-256 of the canonical JSON of all else. */
export const hashOfEntry = ({ hash: _, ...entry }: Omit<AuditEntry, 'hash'> & { readonly hash?: string }): string =>
  hashOf(entry)

export interface AuditQuery {
  /** Entries after that number, oldest first; left out, the newest first. */
  readonly after?: number
  readonly before?: number
  readonly model?: string
  readonly version?: number
  readonly actions?: readonly Change['kind'][]
  readonly limit: number
}

export type Role = 'viewer' | 'editor' | 'approver' | 'admin'
export interface AccessKey {
  /** The first characters of the key: it is known by them. */
  readonly id: string
  readonly name: string
  /** SHA-256 of the whole key, which is random and hence needs no slower hash. */
  readonly hash: string
  readonly role: Role
  /** Models to which it is confined; empty for all. */
  readonly models: readonly string[]
  /** How often it may ask; null: as often as the server says of all. */
  readonly rate: Rate | null
  readonly expiresAt: number | null
  readonly createdBy: string
  readonly at: number
  readonly revokedAt: number | null
}

export interface Webhook {
  readonly id: string
  readonly name: string
  readonly url: string
  /** Names of changes, or 'model.*', '*'. */
  readonly events: readonly string[]
  /** Only of these models; empty for all. */
  readonly models: readonly string[]
  /** Signs what is sent. Never shown. */
  readonly secret: string | null
  readonly description: string | null
  readonly active: boolean
  readonly createdAt: number
  readonly updatedAt: number
  /** What only the one who made it understands: MLflow's own form of its events. */
  readonly form: 'sixfold' | 'mlflow'
}

export interface Delivery {
  readonly id: number
  readonly webhook: Webhook
  readonly entry: AuditEntry
  readonly attempts: number
  readonly state: 'waiting' | 'delivered' | 'given up'
  readonly error: string | null
  readonly nextAt: number | null
  readonly settledAt: number | null
}
