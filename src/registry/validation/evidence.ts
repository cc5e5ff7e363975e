/**
 * Evidence of a validation, and whether it still stands. It says of what it speaks: the version by its manifest, the model's definition and
 * the gate by their hashes. Of another gate or definition than today's it proves nothing any more.
 */
import type { Gate } from '../../definition/gate.ts'
import type { Model } from '../../definition/model.ts'
import type { Evidence, ModelVersion } from '../../ports/registry-store.ts'
import type { Check } from '../registry.ts'

/** What every document of a validation has; its author adds what else there is to tell. */
export interface ValidationDocument {
  readonly manifest: string
  readonly definition: string
  readonly gate: string
  readonly checks: readonly Check[]
}

/** Recorded inputs and outputs are a file of the version of one of these names. */
export const goldenPaths = ['golden.json', 'golden.parquet'] as const

/** A version whose files are at hand. */
export interface HeldVersion {
  readonly version: ModelVersion
  /** A local path to the verified ONNX file, the version's other files beside it; null where it has none. */
  readonly path: string | null
}

export interface ValidationRequest extends HeldVersion {
  readonly model: Model
  readonly gate: Gate
  /** In production now: what it is compared with. */
  readonly champion: HeldVersion | null
  /** Instead of the held-out rows that the gate names. */
  readonly data: string | null
  readonly progress: (done: number, what: string) => void
}

export interface ValidationResult {
  readonly passed: boolean
  readonly document: ValidationDocument
  /** Artifacts that it has stored and that the document refers to. */
  readonly artifacts: readonly string[]
}

/** Looks at a version from all sides. What is wrong with the version is in the result; it rejects where it could not look. */
export type Validator = (request: ValidationRequest) => Promise<ValidationResult>

export interface Basis {
  readonly definition: string
  readonly gate: string
}

export type Proof =
  | { readonly stands: true; readonly evidence: Evidence }
  | { readonly stands: false; readonly why: string; readonly evidence: Evidence | null }

/** The newest validation decides: an older one that passed is not asked when a newer one failed. */
export function proofOf(
  version: Pick<ModelVersion, 'manifest'>,
  evidence: readonly Evidence[],
  { definition, gate }: Basis,
): Proof {
  const newest = evidence.find(({ kind }) => kind === 'validation')
  if (newest === undefined) return { stands: false, why: 'It was never validated.', evidence: null }
  const { manifest, definition: then, gate: asked } = newest.document as Partial<ValidationDocument>
  const no = (why: string): Proof => ({ stands: false, why, evidence: newest })
  if (!newest.passed) return no('Its last validation failed.')
  if (manifest !== version.manifest) return no('Its last validation was of other files.')
  if (then !== definition) return no("The model's definition has changed since it was validated.")
  if (asked !== gate) return no("The model's gate has changed since it was validated.")
  return { stands: true, evidence: newest }
}
