/** What `sixfold doctor` finds out about a project and what it needs. */
import type { StoreProblem, StoreReport } from '../ports/inspection.ts'
import type { NamedStoreReport } from './answers.ts'

export interface Examination {
  /** Whether there is no error among the problems, its own and those of the stores. */
  readonly ok: boolean
  /** Of the machine, the configuration and the data folder, in the order to be read. */
  readonly facts: StoreReport['facts']
  /** Of what is no store. */
  readonly problems: readonly ExaminedProblem[]
  /** None where the configuration does not say where they are. */
  readonly stores: readonly NamedStoreReport[]
}

export interface ExaminedProblem extends StoreProblem {
  /** What has it: 'configuration', 'definitions', … */
  readonly of: string
}
