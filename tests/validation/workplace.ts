/** A model with a gate, versions of it as files, held-out rows, and the validator over the real adapters. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { duckdbOfflineStore } from '../../src/adapters/duckdb/offline-store.ts'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import type { Gate } from '../../src/definition/gate.ts'
import { hashOf } from '../../src/kernel/hash.ts'
import type { ModelRuntime } from '../../src/ports/model-runtime.ts'
import type { Evidence, ModelVersion, VersionFile } from '../../src/ports/registry-store.ts'
import type { Check } from '../../src/registry/registry.ts'
import type { HeldVersion, ValidationResult } from '../../src/registry/validation/evidence.ts'
import { validator } from '../../src/registry/validation/validator.ts'

export interface Workplace {
  readonly folder: string
  /** Written by DuckDB: `SELECT …` over anything. */
  parquet(name: string, query: string): Promise<string>
  version(files: { readonly [path: string]: Uint8Array | string }, number?: number): Promise<HeldVersion>
  validate(
    gate: Gate,
    held: HeldVersion,
    options?: {
      readonly champion?: HeldVersion
      readonly data?: string
      readonly models?: ModelRuntime
      readonly evidence?: readonly Evidence[]
      readonly progress?: (done: number, what: string) => void
    },
  ): Promise<ValidationResult>
  close(): Promise<void>
}

export async function workplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-validation-'))
  const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  const offline = duckdbOfflineStore({ temporaryFolder: join(folder, 'tmp'), projectFolder: folder, remote: null })
  const stored = join(folder, 'artifacts')
  await mkdir(stored, { recursive: true })
  const standard = onnxModelRuntime()
  let count = 0
  return {
    folder,
    parquet: async (name, query) => {
      await db.run(`COPY (${query}) TO '${join(folder, name)}' (FORMAT parquet)`)
      return name
    },
    version: async (contents, number = ++count) => {
      const place = join(folder, `version-${number}`)
      await mkdir(place, { recursive: true })
      const files: VersionFile[] = []
      for (const [path, content] of Object.entries(contents)) {
        await writeFile(join(place, path), content)
        const bytes = Buffer.from(content)
        files.push({ path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
      }
      const entry = files.find(({ path }) => path.endsWith('.onnx'))?.path ?? null
      const version = {
        model: 'm',
        version: number,
        manifest: hashOf(files),
        files,
        entry,
        facts: { schema: null },
      } as unknown as ModelVersion
      return { version, path: entry === null ? null : join(place, entry) }
    },
    validate: (gate, held, { champion, data, models = standard, evidence = [], progress = () => {} } = {}) =>
      validator({
        models,
        offline,
        artifacts: {
          put: async (path) => {
            const bytes = await readFile(path)
            const sha256 = createHash('sha256').update(bytes).digest('hex')
            await writeFile(join(stored, sha256), bytes)
            return { sha256, bytes: (await stat(path)).size }
          },
          open: async (sha256) => join(stored, sha256),
        },
        store: { evidence: async () => evidence },
        temporaryFolder: join(folder, 'tmp'),
      })({ ...held, model: gate.model, gate, champion: champion ?? null, data: data ?? null, progress }),
    close: async () => {
      db.closeSync()
      await offline.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function checkIn({ document }: ValidationResult, name: string): Check {
  const found = document.checks.find((check) => check.name === name)
  if (found === undefined)
    throw new Error(`There is no check '${name}' among ${document.checks.map((c) => c.name).join(', ')}.`)
  return found
}
