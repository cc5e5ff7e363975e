/** Versions of a model 'm', as far as a test needs any. */
import { randomBytes } from 'node:crypto'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import type { Author, ModelVersion, NewVersion } from '../../src/ports/registry-store.ts'

export const author = (at: number, id = randomBytes(16).toString('hex')): Author => ({
  id,
  actor: 'local:test',
  reason: null,
  at,
})

export const newVersion = (manifest: string, more: Partial<NewVersion> = {}): NewVersion => ({
  model: 'm',
  manifest,
  files: [{ path: 'model.onnx', sha256: manifest, bytes: 1 }],
  entry: 'model.onnx',
  flavor: 'onnx',
  definition: 'd',
  inputs: [],
  outputs: [],
  facts: {
    artifact: null,
    schema: null,
    preprocessing: null,
    data: null,
    configuration: null,
    evaluation: [],
    dependencies: null,
  },
  source: 'model.onnx',
  run: null,
  runLink: null,
  loggedModel: null,
  description: null,
  tags: {},
  ...more,
})

/** Registers one with that manifest; gives its number. */
export async function addVersion(
  { registry }: Pick<MetadataStore, 'registry'>,
  manifest: string,
  at: number,
  more: Partial<NewVersion> = {},
): Promise<number> {
  const version = newVersion(manifest, more)
  const change = { kind: 'version.registered', version, create: true, unlessNewest: false } as const
  return (await registry.change(change, author(at))).version!
}

export const versionsOf = ({ registry }: Pick<MetadataStore, 'registry'>): Promise<readonly ModelVersion[]> =>
  registry.versions('m')
