/** A model file becomes a version: looked at where a crash harms nobody, held against the definition, stored by its contents. */
import { statSync } from 'node:fs'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Model } from '../definition/model.ts'
import type { Signature } from '../inference/index.ts'
import { signatureOf } from '../inference/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { MetadataStore, ModelVersion } from '../ports/metadata-store.ts'
import type { LoadedModel, ModelRuntime } from '../ports/model-runtime.ts'

export interface RegistryOptions {
  readonly artifacts: ArtifactStore
  readonly metadata: MetadataStore
  readonly models: ModelRuntime
  readonly clock: Clock
}

export interface AddedVersion {
  readonly version: ModelVersion
  readonly signature: Signature
  /** False when the model had this file as a version already. */
  readonly added: boolean
}

/** Throws SX_ARTIFACT_INVALID or SX_SIGNATURE_MISMATCH, and has then changed nothing. */
export async function addVersion(
  model: Model,
  path: string,
  note: string | null,
  { artifacts, metadata, models, clock }: RegistryOptions,
): Promise<AddedVersion> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new SixfoldError('SX_ARTIFACT_INVALID', `'${path}' is no file.`, { fix: 'Name an ONNX file.' })
  const { inputs, outputs, opset } = await models.inspect(path)
  const signature = signatureOf(model, { inputs, outputs })
  const before = await metadata.versions(model.name)
  const { sha256, bytes } = await artifacts.put(path)
  const version = await metadata.addVersion(
    { model: model.name, artifact: sha256, bytes, definition: hashOfDefinition(model), inputs, outputs, opset, note },
    clock.now(),
  )
  return { version, signature, added: !before.some((known) => known.version === version.version) }
}

/** The version of the model that answers, loaded; null if there is none. */
export async function loadLive(
  model: Model,
  { artifacts, metadata, models }: RegistryOptions,
  known: string | null,
): Promise<{ readonly version: string; readonly loaded: LoadedModel } | null> {
  const live = await metadata.live(model.name)
  if (live === null || String(live.version) === known) return null
  if (live.definition !== hashOfDefinition(model)) signatureOf(model, live)
  return { version: String(live.version), loaded: await models.load(await artifacts.open(live.artifact)) }
}
