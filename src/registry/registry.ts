/** What the registry does, for the server, the command line and the console. */
import type {
  AccessKey,
  Approval,
  AuditEntry,
  AuditQuery,
  Change,
  Evidence,
  Facts,
  ModelVersion,
  Precondition,
  RegisteredModel,
  Role,
  Stage,
  VersionFile,
} from '../ports/registry-store.ts'
import type { Page, Search } from '../ports/search.ts'
import type { ProductionPeriod } from './lifecycle/productions.ts'
import type { DeclaredInput } from './registration/mlmodel.ts'
import type { ListedDelivery, ListedWebhook, WebhookTest } from './webhooks/webhooks.ts'

/** Who asks: the rest of an `Author` is the registry's to fill in. */
export interface Asker {
  readonly actor: string
  readonly reason: string | null
  /** Names the request, so that it can be sent again: 32 hexadecimal digits. By default a new one. */
  readonly id?: string
}

export interface Registry {
  /** In which this server promotes. */
  readonly environment: string
  models(search: Search): Promise<Page<ModelSummary>>
  /** Throws SX_UNKNOWN_MODEL. Also of a model that is defined and has no version yet. */
  model(name: string): Promise<ModelDetail>
  /** `which` is a number, an alias, a stage or 'latest'. Throws SX_UNKNOWN_VERSION or SX_UNKNOWN_ALIAS. */
  version(model: string, which: string): Promise<VersionDetail>
  searchVersions(search: Search): Promise<Page<ModelVersion>>

  /** Creation, descriptions, tags, deletion: what no gate stands before. */
  change(change: PlainChange, asker: Asker): Promise<AuditEntry>
  /**
   * A version of files that the artifact store has. Of an ONNX file the form, operators and external data are looked at in a process of its own; of a
   * model that the platform defines also its signature. Throws SX_ARTIFACT_INVALID or SX_SIGNATURE_MISMATCH, and has then changed nothing.
   */
  register(wanted: Registration, asker: Asker): Promise<ModelVersion>
  /** A file or a folder with a model in it becomes a version, and goes as far as `to` where every gate on the way lets it. */
  add(model: string, path: string, options: AddOptions, asker: Asker): Promise<Added>
  validate(model: string, version: number, options: ValidateOptions, asker: Asker): Promise<Validation>
  /** What a move would do, and whether it may: nothing is changed. `actor` is who would ask: their own approval does not count. */
  consider(model: string, version: number, to: Stage, actor?: string): Promise<Consequence>
  /** One step or several, each with its own gate and entry. Throws SX_GATE_REFUSED, SX_STAGE_INVALID or SX_REGISTRY_CONFLICT. */
  move(model: string, version: number, to: Stage, options: MoveOptions, asker: Asker): Promise<Moved>
  approve(model: string, version: number, to: Stage, asker: Asker): Promise<AuditEntry>
  /** To an earlier production version; by default the one before. Also while the metadata store is away: then `pending` is true. */
  rollback(model: string, version: number | null, asker: Asker, expected?: RollbackExpected): Promise<RolledBack>
  /** What a roll back would do, and whether it may: nothing is changed. */
  considerRollback(model: string, version: number | null): Promise<Consequence>
  /** Every version that ever was in production here, newest first: what can be rolled back to. */
  productions(model: string): Promise<readonly ProductionPeriod[]>

  setAlias(
    model: string,
    alias: string,
    version: number,
    expected: number | null | undefined,
    asker: Asker,
  ): Promise<AuditEntry>
  deleteAlias(model: string, alias: string, asker: Asker): Promise<AuditEntry>

  diff(model: string, a: string, b: string): Promise<VersionDiff>
  lineage(of: LineageQuestion): Promise<Lineage>
  /** Markdown, or a page of HTML with plots, that stands alone. */
  card(model: string, version: number, form: 'markdown' | 'html'): Promise<string>

  audit(query: AuditQuery): Promise<readonly AuditEntry[]>
  verifyAudit(progress: (done: number) => void): Promise<AuditVerification>
  collect(options: CollectOptions, asker: Asker, progress: (done: number) => void): Promise<Collected>

  keys(): Promise<readonly Omit<AccessKey, 'hash'>[]>
  /** The key is in the answer and nowhere else. */
  createKey(
    wanted: {
      readonly name: string
      readonly role: Role
      readonly models: readonly string[]
      readonly rate?: AccessKey['rate']
      readonly expiresAt: number | null
    },
    asker: Asker,
  ): Promise<{ readonly key: string } & Omit<AccessKey, 'hash'>>
  revokeKey(id: string, asker: Asker): Promise<AuditEntry>

  webhooks(): Promise<readonly ListedWebhook[]>
  /** Throws SX_UNKNOWN_WEBHOOK. */
  webhook(id: string): Promise<ListedWebhook>
  /** Sends one that says it is a test, as of the event given or the first one of the webhook. */
  testWebhook(id: string, event: string | null): Promise<WebhookTest>
  /** Newest first. */
  webhookDeliveries(id: string, limit: number): Promise<readonly ListedDelivery[]>
  /** What arrived or was given up is sent once more, with the id that it had. */
  resendDelivery(id: string, delivery: number): Promise<void>
}

export type PlainChange = Extract<
  Change,
  {
    readonly kind:
      | 'model.created'
      | 'model.updated'
      | 'model.renamed'
      | 'model.deleted'
      | 'model.tagged'
      | 'model.untagged'
      | 'version.updated'
      | 'version.tagged'
      | 'version.untagged'
      | 'version.deleted'
      | 'webhook.created'
      | 'webhook.updated'
      | 'webhook.deleted'
  }
>

export interface Registration {
  readonly model: string
  /** Creates the model where there is none. */
  readonly create: boolean
  readonly files: readonly VersionFile[]
  /** The path of the ONNX file among them, if there is one that can be served. */
  readonly entry: string | null
  readonly flavor: string | null
  /** With what its own description says it is called: checked against the ONNX file. */
  readonly declared?: readonly DeclaredInput[] | null
  /** What the caller knows; what the file and the definition tell is added. */
  readonly facts: Partial<Facts>
  readonly source: string
  readonly run: string | null
  readonly runLink: string | null
  readonly loggedModel: string | null
  readonly description: string | null
  readonly tags: { readonly [key: string]: string }
  readonly unlessNewest: boolean
}

export interface ModelSummary extends RegisteredModel {
  /** True: the platform defines it, and its gates are in force. False: it is kept as MLflow would. */
  readonly defined: boolean
  readonly versions: number
  readonly newest: number | null
  /** The version in production here. */
  readonly production: number | null
  readonly staging: readonly number[]
}
export interface ModelDetail extends ModelSummary {
  /** What each stage asks, in words. */
  readonly gate: readonly { readonly stage: Stage; readonly asks: readonly string[] }[]
  readonly list: readonly VersionSummary[]
  readonly productions: readonly ProductionPeriod[]
  /** A roll back that the metadata store does not know of yet. */
  readonly pending: { readonly version: number; readonly actor: string; readonly at: number } | null
}
export interface VersionSummary {
  readonly version: number
  readonly stage: Stage
  readonly aliases: readonly string[]
  readonly manifest: string
  readonly flavor: string | null
  readonly bytes: number
  readonly at: number
  readonly actor: string
  readonly source: string
  readonly run: string | null
  readonly description: string | null
  readonly missing: readonly string[]
}
export interface VersionDetail extends ModelVersion {
  readonly stage: Stage
  /** Facts that nobody recorded: 'training data: hash', 'configuration: seeds'. */
  readonly missing: readonly string[]
  readonly evidence: readonly Evidence[]
  readonly approvals: readonly Approval[]
  /** The ways that lead on from here, each with its gate. */
  readonly ways: readonly Consequence[]
  readonly history: readonly AuditEntry[]
}

export interface Consequence {
  readonly model: string
  readonly version: number
  readonly from: Stage
  readonly to: Stage
  readonly allowed: boolean
  readonly preconditions: readonly Precondition[]
  /** What answers now and would no longer. */
  readonly replaces: number | null
  /** In sentences: 'Version 4 answers every request from the next second on.' */
  readonly effects: readonly string[]
}

export interface AddOptions {
  readonly description: string | null
  /** Null: as far as the gates let it, of a model that the platform defines; any other stays as it is registered. */
  readonly to: Stage | null
  /** Facts that the file cannot tell, as JSON. */
  readonly facts: unknown
  /** A file of recorded inputs and outputs: JSON or Parquet. */
  readonly golden: string | null
  /** Where it is said to come from; by default the path. */
  readonly source?: string
  /** Of its validation. */
  readonly progress?: (done: number, what: string) => void
}
export interface Added {
  readonly version: ModelVersion
  readonly added: boolean
  readonly stage: Stage
  /** Why it did not go as far as it was to. */
  readonly stopped: Consequence | null
}
export interface ValidateOptions {
  /** Held-out rows with the vector's entries and the outputs' true values, instead of those that the gate names. */
  readonly data: string | null
  readonly progress?: (done: number, what: string) => void
}
export interface Validation {
  readonly evidence: string
  readonly passed: boolean
  readonly checks: readonly Check[]
  readonly moved: boolean
}
export interface Check {
  /** 'loads', 'signature', 'golden', 'invariant: bounded', 'held-out: log loss', 'slice: carrier', 'latency', 'memory', 'operators'. */
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'not asked' | 'not possible'
  readonly words: string
  /** What was measured, for reports and plots. */
  readonly figures: unknown
  readonly milliseconds: number
}
export interface MoveOptions {
  readonly expected?: { readonly from?: Stage; readonly production?: number | null }
  /** Of a model that no platform defines: versions that are at that stage become archived. */
  readonly archiveOthers?: boolean
}
export interface Moved {
  readonly entries: readonly AuditEntry[]
  readonly stage: Stage
}
/** What must be in production now; null for nothing. While the metadata store is away: as far as is known. */
export interface RollbackExpected {
  readonly production?: number | null
}
export interface RolledBack {
  readonly model: string
  readonly from: number | null
  readonly to: number
  /** True: it is in force, and written down where the metadata store will find it. */
  readonly pending: boolean
  readonly entry: AuditEntry | null
}

export interface VersionDiff {
  readonly model: string
  readonly a: number
  readonly b: number
  readonly facts: readonly FactDiff[]
}
export interface FactDiff {
  readonly fact: 'artifact' | 'schema' | 'preprocessing' | 'data' | 'configuration' | 'evaluation' | 'dependencies'
  readonly equal: boolean
  readonly changes: readonly {
    readonly path: string
    readonly a: unknown
    readonly b: unknown
    readonly words: string
  }[]
}

export type LineageQuestion =
  | { readonly of: 'prediction'; readonly id: string }
  | { readonly of: 'version'; readonly model: string; readonly version: number }
  | { readonly of: 'run'; readonly run: string }
  /** What breaks if it goes. */
  | { readonly of: 'column'; readonly source: string; readonly column: string }
  | { readonly of: 'feature'; readonly view: string; readonly feature: string }
export interface Lineage {
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string | null }[]
  /** In words, most important first. */
  readonly says: readonly string[]
}
export interface LineageNode {
  readonly id: string
  readonly kind:
    | 'prediction'
    | 'version'
    | 'run'
    | 'data'
    | 'model'
    | 'feature'
    | 'view'
    | 'source'
    | 'column'
    | 'alias'
  readonly name: string
  readonly facts: readonly { readonly name: string; readonly value: string }[]
}

export interface AuditVerification {
  readonly ok: boolean
  readonly entries: number
  /** The hash of the newest entry: kept elsewhere, it shows later that nothing was cut off. */
  readonly head: string
  readonly problems: readonly string[]
}
export interface CollectOptions {
  readonly dryRun: boolean
  /** Also deleted runs, experiments and logged models older than so many milliseconds; null leaves them. */
  readonly olderThanMs: number | null
}
export interface Collected {
  readonly dryRun: boolean
  /** What is gone for good of what had been deleted. */
  readonly purged: { readonly experiments: number; readonly runs: number; readonly loggedModels: number }
  readonly artifacts: readonly { readonly sha256: string; readonly bytes: number }[]
  readonly bytes: number
  readonly kept: { readonly artifacts: number; readonly bytes: number }
}
