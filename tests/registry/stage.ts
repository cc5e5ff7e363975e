/**
 * A registry over real stores in a folder of its own. Model files are JSON that says what an inspection would find, so that a test is about the
 * registry; and what a validation finds is the test's to say.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileArtifactStore } from '../../src/adapters/files/artifact-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import { hashOfDefinition } from '../../src/definition/describe.ts'
import type { Platform } from '../../src/definition/graph.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { isSixfoldError, SixfoldError } from '../../src/kernel/errors.ts'
import type { ArtifactStore } from '../../src/ports/artifact-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import type { Inspection, ModelRuntime } from '../../src/ports/model-runtime.ts'
import type { RegistryStore } from '../../src/ports/registry-store.ts'
import type { Asker, Registry, Serving, Validator } from '../../src/registry/index.ts'
import { registry } from '../../src/registry/index.ts'
import { withGates } from './platform.ts'

export interface Stage {
  readonly folder: string
  readonly registry: Registry
  readonly metadata: MetadataStore
  readonly artifacts: ArtifactStore
  /** A model file: `x` is its number of columns, `y` makes it another file. */
  file(y?: unknown, more?: Partial<Inspection>): Promise<string>
  write(name: string, contents: string): Promise<string>
  /** What the next validations find. */
  verdict(passed: boolean): void
  /** The same stores, as another process would have them. */
  beside(options?: Beside): Promise<Registry>
  close(): Promise<void>
}
export interface Beside {
  readonly platform?: Platform
  readonly environment?: string
  readonly alone?: Pick<Serving, 'rollBackAlone' | 'pending'> | null
  /** What becomes of every call of the store: it is away, or says nothing at all. */
  readonly away?: 'refuses' | 'says nothing'
}

export const ana: Asker = { actor: 'local:ana', reason: 'to see' }
export const ben: Asker = { actor: 'local:ben', reason: null }
export const cleo: Asker = { actor: 'local:cleo', reason: null }

export const fits: Inspection = {
  format: 'onnx',
  inputs: [{ name: 'x', type: 'float32', shape: [-1, 3] }],
  outputs: [{ name: 'minutes', type: 'float32', shape: [-1, 1] }],
  opset: 17,
  ir: 8,
  domains: {},
  operators: ['Gemm'],
  external: [],
  producer: null,
}

const models: ModelRuntime = {
  inspect: async (path) => {
    try {
      return { ...fits, ...(JSON.parse(await readFile(path, 'utf8')) as Partial<Inspection>) }
    } catch {
      throw new SixfoldError('SX_ARTIFACT_INVALID', `'${path}' cannot be loaded: it is no model.`)
    }
  },
  load: () => Promise.reject(new Error('Nothing is served here.')),
  isolate: () => Promise.reject(new Error('Nothing is called here.')),
  providers: async () => ['cpu'],
  structure: async () => null,
}

export async function stage(platform: Platform = withGates()): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-registry-'))
  const metadata = await sqliteMetadataStore(join(folder, 'metadata.sqlite'))
  const artifacts = fileArtifactStore(join(folder, 'artifacts'))
  let [passes, validations, files] = [true, 0, 0]
  const opened: MetadataStore[] = [metadata]
  const validator: Validator = async ({ version, model, gate }) => ({
    passed: passes,
    document: {
      manifest: version.manifest,
      definition: hashOfDefinition(model),
      gate: hashOfDefinition(gate),
      checks: [
        {
          name: 'loads',
          outcome: passes ? 'passed' : 'failed',
          words: `No. ${++validations}.`,
          figures: null,
          milliseconds: 1,
        },
      ],
    },
    artifacts: [],
  })
  const over = (
    store: MetadataStore,
    { platform: other = platform, environment = 'default', alone = null, away }: Beside,
  ): Registry =>
    registry({
      platform: other,
      store: away === undefined ? store.registry : awayStore(away),
      tracking: store.tracking,
      artifacts,
      models,
      clock: systemClock(),
      environment,
      alone,
      folder: join(folder, 'versions'),
      validator,
      card: async ({ model, version }) => `# ${model} ${version}`,
      lineage: () => Promise.reject(new Error('Not here.')),
      keys: { keys: async () => [], createKey: unasked, revokeKey: unasked },
      webhooks: {} as never,
    })
  const write = async (name: string, contents: string): Promise<string> => {
    await writeFile(join(folder, name), contents)
    return join(folder, name)
  }
  return {
    folder,
    metadata,
    artifacts,
    write,
    registry: over(metadata, {}),
    file: (y = ++files, more = {}) => write(`model-${++files}.onnx`, JSON.stringify({ y, ...more })),
    verdict: (passed) => {
      passes = passed
    },
    beside: async (options = {}) => {
      const store = await sqliteMetadataStore(join(folder, 'metadata.sqlite'))
      opened.push(store)
      return over(store, options)
    },
    close: async () => {
      for (const store of opened) await store.close()
      await artifacts.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const awayStore = (how: NonNullable<Beside['away']>): RegistryStore =>
  new Proxy({} as RegistryStore, {
    get: () => () =>
      how === 'says nothing'
        ? new Promise(() => {})
        : Promise.reject(new SixfoldError('SX_STORE_UNAVAILABLE', 'The metadata store does not answer.')),
  })

const unasked = (): Promise<never> => Promise.reject(new Error('Not here.'))

export const toProduction = { description: null, to: null, facts: null, golden: null }
export const registered = { ...toProduction, to: 'registered' } as const

/** What it rejects with; null where it does not. */
export async function refusal(work: Promise<unknown>): Promise<SixfoldError | null> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error !== null && !isSixfoldError(error)) throw error
  return error
}
