/** What computes the partitions of a run. */
import type { Batch } from '../definition/batch.ts'
import type { BatchRun, Partition } from '../ports/batch-store.ts'
import type { PlanDocument } from './documents.ts'

export interface ScoreWork {
  readonly batch: Batch
  readonly run: BatchRun
  readonly plan: PlanDocument
  /** The model's file, on this machine. */
  readonly model: string
  /** Files of the version that an incremental run goes on from; empty where there is none. */
  readonly previous: readonly string[]
  /** Where files are written on their way; there already. */
  readonly folder: string
  /** A local path to the rows of a partition that had to be made. */
  readonly open: (sha256: string) => Promise<string>
}

export interface Scored {
  /** The Parquet file of answers, written and synced. */
  readonly path: string
  readonly rows: number
  /** A ProfileSet, as JSON. */
  readonly profile: unknown
  readonly cost: {
    readonly inferred: number
    readonly cpuMs: number
    readonly modelMs: number
    readonly bytesRead: number
  }
}

export interface Scorer {
  /** Throws what cannot be mended by trying again as it is, and everything else too: whoever calls knows how often it was tried. */
  score(partition: Partition, progress: (rows: number) => void, signal: AbortSignal): Promise<Scored>
  close(): Promise<void>
}

export interface Engine {
  readonly name: BatchRun['engine']
  /** Partitions at once that are of use. */
  readonly parallel: number
  /** Loads what all partitions of a run need. */
  open(work: ScoreWork): Promise<Scorer>
}
