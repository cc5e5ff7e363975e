/** What the stores behind the ports say of themselves, for `sixfold doctor` and `sixfold status`. */
export interface Inspectable {
  /**
   * Asks the store itself: its version, how long an answer takes, whether it may do what it must. Never rejects: a store that
   * cannot be reached is a report with an error.
   */
  inspect(): Promise<StoreReport>
}

export interface StoreReport {
  /** 'LMDB', 'Redis', … */
  readonly technology: string
  /** Where it is, without secrets: a folder, or a URL without a password. */
  readonly where: string
  /** Null where it could not be asked. */
  readonly version: string | null
  /** The median of several small questions, one after another, in milliseconds; null where none was answered. */
  readonly roundTripMs: number | null
  /** What else an operator wants to know, in the order to be read. */
  readonly facts: readonly { readonly name: string; readonly value: string }[]
  readonly problems: readonly StoreProblem[]
}

export interface StoreProblem {
  /** 'error': it cannot be used so. 'warning': it can, and something that users count on is not given. */
  readonly severity: 'error' | 'warning'
  readonly what: string
  readonly fix: string
}
