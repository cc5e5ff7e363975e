/** The larger answers of the server. The console and the command line read them too. */

import type { Equality } from '../expression/equality.ts'
import type { Degradation, MeasuresSnapshot, SchedulingSnapshot, StageTimes } from '../inference/index.ts'
import type { QualitySnapshot } from '../monitoring/index.ts'
import type { RunState } from '../ports/batch-store.ts'
import type { StoreReport } from '../ports/inspection.ts'
import type { RemoteState } from '../ports/model-runtime.ts'
import type { Link } from '../ports/model-structure.ts'

export interface Explanation {
  readonly id: string
  readonly model: string
  readonly version: string | null
  readonly at: number
  readonly keys: { readonly [key: string]: unknown }
  readonly request: { readonly [field: string]: unknown }
  readonly groups: readonly {
    readonly group: string
    readonly view: string
    readonly entity: 'known' | 'never seen'
    /** How old the newest event was, in milliseconds. */
    readonly ageMs: number | null
    readonly features: { readonly [feature: string]: unknown }
  }[]
  /** The vector, computed again from the logged values; null when the model's definition has changed since. */
  readonly vector: { readonly [entry: string]: unknown } | null
  readonly outputs: { readonly [output: string]: unknown }
  readonly degraded: readonly Degradation[]
  readonly milliseconds: StageTimes
  readonly outcome: { readonly at: number; readonly values: { readonly [output: string]: unknown } } | null
  /** Null where they were not asked for. */
  readonly attributions: Attributions | null
}

/** An answer taken apart: what each entry of the vector added to it, from what the version answers to other vectors on average. */
export interface Attributions {
  /** Of the model: whose number it is, before any post-processing. */
  readonly output: string
  /** Of several numbers in a row of the file's output the one that is meant: the highest, or the second of two classes. */
  readonly place: number
  /** How the margin becomes the answer. */
  readonly link: Link
  /** The mean of the margin over the background. Base and entries together are the margin. */
  readonly base: number
  readonly margin: number
  /** The margin through the link: what the file answers. */
  readonly answer: number
  /** How many vectors it is compared with: the last distinct ones of the model's predictions. */
  readonly background: number
  readonly entries: { readonly [entry: string]: number }
}

export interface Status {
  readonly now: number
  readonly startedAt: number
  /** The hash of its definitions: whoever knows the description of that hash need not ask again. */
  readonly platform: string
  readonly models: readonly ModelStatus[]
  readonly views: readonly ViewStatus[]
  /** `end` is the number of entries; `bytes` is null where the log does not say. */
  readonly topics: readonly { readonly topic: string; readonly end: number; readonly bytes: number | null }[]
  /** What is live of each, its newest run, and when it is next due. */
  readonly batches: readonly BatchStatus[]
  /** Of the online store; null while it cannot be asked. */
  readonly store: { readonly entries: number; readonly bytes: number } | null
  readonly limits: { readonly [limit: string]: number }
  /** The servers that share these stores, and this one among them. */
  readonly servers: readonly ServerInfo[]
  /** What each store says of itself; asked at most every few seconds. */
  readonly stores: readonly NamedStoreReport[]
}

/** Instants in milliseconds. */
export interface BatchStatus {
  readonly batch: string
  /** Null: nothing is. */
  readonly live: { readonly version: number; readonly at: number } | null
  /** The live version is older than the batch promises. */
  readonly stale: boolean
  /** The newest run, whatever became of it; null: there was none. */
  readonly latest: { readonly version: number; readonly at: number; readonly state: RunState } | null
  /** When the schedule wants the next; null: it has none. */
  readonly next: number | null
  /** Keys that were looked up at this server since it started, by what answered; 'none': nothing did. */
  readonly lookups: { readonly [rung: string]: number }
}

/** A server, as all that share its stores see it. */
export interface ServerInfo {
  readonly id: string
  /** The name of its machine. */
  readonly host: string
  readonly pid: number
  /** Where it listens; null before it does. */
  readonly url: string | null
  /** Of Sixfold. */
  readonly version: string
  readonly startedAt: number
  /** When it last said that it runs. */
  readonly seenAt: number
  /** The hash of its definitions. */
  readonly platform: string
}

export interface NamedStoreReport {
  /** 'online', 'log', 'metadata', 'artifacts', 'offline' or 'serving'. */
  readonly port: string
  readonly report: StoreReport
}

export interface ModelStatus {
  readonly model: string
  readonly version: string | null
  readonly budget: { readonly [stage: string]: number }
  readonly waiting: number
  readonly measures: MeasuresSnapshot
  /** Of each version that is loaded here: where it is computed, what waits for it, and what was not taken. */
  readonly scheduling: readonly {
    readonly version: string
    readonly snapshot: SchedulingSnapshot
    /** How its server stands, of a version on another one; null of one that is here. */
    readonly remote: RemoteState | null
  }[]
  readonly quality: QualitySnapshot
}

export interface ViewStatus {
  readonly view: string
  /** History visible by then is part of the state; null when none was materialised. */
  readonly through: number | null
  /** How many entries of the log the state has, and how many it does not have yet; null while a store cannot be asked. */
  readonly position: number | null
  readonly behind: number | null
}

/** What is defined: it changes only when the server starts over, with other definitions. */
export interface PlatformDescription {
  /** Of the project's folder. */
  readonly name: string
  readonly hash: string
  readonly graph: Graph
}

/** The definitions as a graph: sources and entities, the views made of them, the models that read those. */
export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string | null }[]
}

export interface GraphNode {
  readonly id: string
  readonly kind: 'source' | 'entity' | 'view' | 'model'
  readonly name: string
  readonly description: string | null
  /** What is said of it as a whole, in the order to be read. */
  readonly facts: readonly { readonly name: string; readonly value: string }[]
  /** What it is made of: fields, features, a vector. */
  readonly parts: readonly { readonly title: string; readonly members: readonly Member[] }[]
}

export interface Member {
  readonly name: string
  readonly type: string
  /** The expression as its author would write it; of what has none, what else there is to say. */
  readonly text: string | null
  /** How alike the engines compute it; null for what is not computed. */
  readonly equality: Equality | null
}
