/** What is asked about a model of another framework, and what became of it. */
export interface ConvertAsked {
  readonly path: string
  /** The Python that has the framework and its converter. */
  readonly python: string
  /** Null: it is told by what is in the file. */
  readonly framework: string | null
  /** Rows of the vector's entries, Parquet or CSV; null: they are made up about the model's thresholds. */
  readonly sample: string | null
  /** What may run code may be loaded. */
  readonly trust: boolean
  /** How long the conversion may take. */
  readonly patienceMs: number
  /** Where the files are written. */
  readonly folder: string
}

export interface Converted {
  /** The ONNX file. */
  readonly path: string
  /** Rows, and what the framework answers to them; null where the definition computes all outputs by itself. */
  readonly golden: string | null
  readonly framework: string
  /** 'lightgbm==4.7.0', who made it and who converted it. */
  readonly packages: readonly string[]
  readonly rows: number
  /** Rows that are left out, since the framework answers NaN or infinity to them. */
  readonly unanswered: number
  /** Outputs that are compared. */
  readonly outputs: readonly string[]
  /** Facts of the version. */
  readonly facts: object
}
