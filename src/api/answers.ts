/** The larger answers of the server. The console and the command line read them too. */
import type { Degradation, MeasuresSnapshot, StageTimes } from '../inference/index.ts'
import type { QualitySnapshot } from '../monitoring/index.ts'

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
}

export interface Status {
  readonly now: number
  readonly startedAt: number
  readonly platform: string
  readonly graph: Graph
  readonly models: readonly ModelStatus[]
  readonly views: readonly ViewStatus[]
  readonly topics: readonly { readonly topic: string; readonly end: number; readonly bytes: number }[]
  readonly store: { readonly entries: number; readonly bytes: number }
  readonly limits: { readonly [limit: string]: number }
}

export interface ModelStatus {
  readonly model: string
  readonly version: string | null
  readonly budget: { readonly [stage: string]: number }
  readonly waiting: number
  readonly measures: MeasuresSnapshot
  readonly quality: QualitySnapshot
}

export interface ViewStatus {
  readonly view: string
  /** History visible by then is part of the state; null when none was materialised. */
  readonly through: number | null
  readonly position: number
  /** Entries of the log that the state does not have yet. */
  readonly behind: number
}

/** The definitions as a graph: sources and entities, the views made of them, the models that read those. */
export interface Graph {
  readonly nodes: readonly {
    readonly id: string
    readonly kind: 'source' | 'entity' | 'view' | 'model'
    readonly name: string
    readonly description: string | null
    readonly members: readonly { readonly name: string; readonly detail: string }[]
  }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string | null }[]
}
