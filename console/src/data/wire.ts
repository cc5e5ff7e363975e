/** What the server answers, as it arrives here: the types are its own, but JSON has no NaN and gives null for it. */
import type {
  Explanation,
  Graph,
  GraphNode,
  Member,
  PlatformDescription,
  ModelStatus as ServedModelStatus,
  Status as ServedStatus,
} from '../../../dist/api/index.js'

export type { Explanation, Graph, GraphNode, Member, PlatformDescription }

type Wire<T> = T extends number
  ? number | null
  : T extends string
    ? T
    : T extends object
      ? { readonly [K in keyof T]: Wire<T[K]> }
      : T

type Measures = ServedModelStatus['measures']
export type Stages = Wire<Measures['stages']>
export interface ModelStatus extends Omit<ServedModelStatus, 'measures' | 'quality'> {
  readonly measures: Omit<Measures, 'stages'> & { readonly stages: Stages }
  readonly quality: Omit<ServedModelStatus['quality'], 'outputs'> & {
    readonly outputs: { readonly [output: string]: OutputQuality }
  }
}
export type OutputQuality = Wire<ServedModelStatus['quality']['outputs'][string]>
export interface Status extends Omit<ServedStatus, 'models'> {
  readonly models: readonly ModelStatus[]
}
