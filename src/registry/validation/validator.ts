/**
 * Looks at a version from all sides, in a process that may crash: it loads, its operators, its signature, recorded answers, invariants,
 * accuracy against what is in production, slices, latency and memory. What is wrong with the version is a check that failed; what keeps one
 * from looking (a store that is away) is an error.
 */
import { mkdir } from 'node:fs/promises'
import { hashOfDefinition } from '../../definition/describe.ts'
import { signatureOf } from '../../inference/index.ts'
import { isSixfoldError } from '../../kernel/errors.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { IsolatedModel, ModelRuntime } from '../../ports/model-runtime.ts'
import type { OfflineStore } from '../../ports/offline-store.ts'
import type { RegistryStore } from '../../ports/registry-store.ts'
import type { Check } from '../registry.ts'
import type { HeldVersion, ValidationDocument, ValidationRequest, ValidationResult, Validator } from './evidence.ts'
import { goldenIn, recordedIn, replay } from './golden.ts'
import { heldOutOf, measure } from './held-out.ts'
import { tryInvariant } from './invariants.ts'
import { checkOperators, measureCalls } from './performance.ts'
import { madeUp } from './samples.ts'
import type { Row, Scorer } from './scorer.ts'
import { scorer } from './scorer.ts'
import type { Finding } from './words.ts'
import { compact } from './words.ts'

export interface ValidatorOptions {
  readonly models: Pick<ModelRuntime, 'isolate'>
  readonly offline: Pick<OfflineStore, 'readRows'>
  readonly artifacts: Pick<ArtifactStore, 'put' | 'open'>
  readonly store: Pick<RegistryStore, 'evidence'>
  readonly temporaryFolder: string
}

/** What the evidence says besides what every validation does. */
export interface FullDocument extends ValidationDocument {
  readonly model: string
  readonly version: number
  /** In production when it was made. */
  readonly champion: number | null
  /** SHA-256 of recorded answers, which later validations compare with. */
  readonly recorded: string | null
}

/** Vectors that are made up, where nothing is recorded. */
const made = 1_000
/** Answers that are recorded. */
const recordedRows = 50

export const validator =
  (options: ValidatorOptions): Validator =>
  async (request) => {
    const opened: IsolatedModel[] = []
    try {
      await mkdir(options.temporaryFolder, { recursive: true })
      return await validate(request, options, opened)
    } finally {
      for (const one of opened) await one.close()
    }
  }

async function validate(
  request: ValidationRequest,
  { models, offline, artifacts, store, temporaryFolder }: ValidatorOptions,
  opened: IsolatedModel[],
): Promise<ValidationResult> {
  const { model, gate, version, path, champion, data, progress } = request
  const checks: Check[] = []
  let recorded: string | null = null

  /** A check that fails by an error of the version's, or of the rows', says so; any other error is nobody's fault here. */
  async function check<T extends Finding>(name: string, look: () => Promise<T> | T): Promise<T | null> {
    progress(doneBy(checks.length), name)
    const began = performance.now()
    let found: T | null = null
    let finding: Finding
    try {
      found = await look()
      finding = found
    } catch (error) {
      finding = problemOf(error)
    }
    put(name, finding, began)
    return found
  }
  const put = (name: string, { outcome, words, figures }: Finding, began = performance.now()): void => {
    checks.push({ name, outcome, words, figures, milliseconds: Math.round(performance.now() - began) })
  }

  const load = async (held: HeldVersion): Promise<IsolatedModel> => {
    const loaded = await models.isolate(held.path!)
    opened.push(loaded)
    return loaded
  }

  const loads = await check('loads', async () => {
    if (path === null)
      return {
        outcome: 'failed' as const,
        words: 'It has no ONNX file that could be served.',
        figures: null,
        loaded: null,
      }
    const loaded = await load(request)
    const { inputs, outputs, producer } = loaded.inspection
    return {
      outcome: 'passed' as const,
      words:
        loaded.place === 'remote'
          ? `It is what was registered: ${producer}.`
          : `It loads, in a process of its own${producer === null ? '' : `; made by ${producer}`}.`,
      figures: { inputs, outputs, producer },
      loaded,
    }
  })
  const loaded = loads?.loaded ?? null
  if (loaded === null) return result()
  await check('operators', () => checkOperators(gate, loaded.inspection))
  const signed = await check('signature', () => {
    const signature = signatureOf(model, loaded.inspection)
    return {
      outcome: 'passed' as const,
      words: `Its inputs take the ${compact(Object.keys(model.vector).length)} entries of the vector, and its outputs are those of the model.`,
      figures: signature,
      signature,
    }
  })
  if (signed === null) return result()
  const { signature } = signed
  const challenger = scorer(model, signature, loaded)

  // --- accuracy, which also gives rows to try other things on
  let rows: readonly Row[] = []
  let from = ''
  const heldOut = heldOutOf(gate, data)
  if (heldOut === null)
    put('held-out', { outcome: 'not asked', words: 'The gate of the model names no held-out data.', figures: null })
  else {
    const began = performance.now()
    try {
      const other = await championOf()
      const measured = await measure(gate, heldOut, offline, challenger, other, (done) =>
        // How many are to come nobody knows.
        progress(0.1 + 0.6 * (1 - 1 / (1 + done / 50_000)), `held-out: ${compact(done)} rows`),
      )
      for (const { name, ...finding } of measured.findings) put(name, finding, began)
      rows = measured.rows
      from = `rows of ${heldOut.data.path}`
    } catch (error) {
      put('held-out', problemOf(error), began)
    }
  }

  /** Null, with a word on it, where what is in production cannot be asked. */
  async function championOf(): Promise<{ readonly version: number; readonly scorer: Scorer } | null> {
    if (champion === null || champion.path === null) return null
    const { version: number } = champion.version
    try {
      const theirs = await load(champion)
      return { version: number, scorer: scorer(model, signatureOf(model, theirs.inspection), theirs) }
    } catch (error) {
      const { words } = problemOf(error)
      put('champion', {
        outcome: 'not possible',
        words: `Version ${number}, which is in production, cannot be compared with: ${words}`,
        figures: null,
      })
      return null
    }
  }

  // --- recorded answers
  const golden = await check('golden', async () => {
    // A single file lies in the artifact store, where what is beside it is not its own.
    const root = version.files.length > 1 ? path!.slice(0, path!.length - version.entry!.length) : null
    const own = root === null ? null : await goldenIn(model, version, root, offline)
    if (rows.length === 0 && own !== null) {
      rows = own.rows
      from = `rows of ${own.from}`
    }
    if (rows.length === 0) {
      rows = madeUp(model, version.facts.schema, made)
      from = 'vectors made up from the ranges of the schema, always the same ones'
    }
    const before = own?.answers
      ? null
      : await recordedIn(model, version, await store.evidence(version.model, version.version), artifacts)
    const chosen = before ?? own ?? { from, rows: rows.slice(0, recordedRows), answers: null }
    return replay(model, chosen, gate.tolerance, challenger, artifacts, temporaryFolder)
  })
  recorded = golden?.recorded ?? null
  if (rows.length === 0) {
    rows = madeUp(model, version.facts.schema, made)
    from = 'vectors made up from the ranges of the schema, always the same ones'
  }

  for (const [name, invariant] of Object.entries(gate.invariants))
    await check(`invariant: ${name}`, () => tryInvariant(model, invariant, rows, from, challenger))

  const began = performance.now()
  progress(0.9, 'latency')
  try {
    // In a process that has called it with nothing else: thousands of held-out rows at once would count as what it needs.
    const { latency, memory } = await measureCalls(gate, signature, await load(request), challenger, rows)
    put('latency', latency, began)
    put('memory', memory)
  } catch (error) {
    put('latency', problemOf(error), began)
  }
  return result()

  function result(): ValidationResult {
    progress(1, 'done')
    const document: FullDocument = {
      model: version.model,
      version: version.version,
      manifest: version.manifest,
      definition: hashOfDefinition(model),
      gate: hashOfDefinition(gate),
      champion: champion?.version.version ?? null,
      recorded,
      checks,
    }
    return {
      passed: checks.every(({ outcome }) => outcome !== 'failed'),
      document: plain(document),
      artifacts: recorded === null ? [] : [recorded],
    }
  }
}

/** The first checks are quick. */
const doneBy = (checks: number): number => Math.min(0.9, checks < 3 ? checks * 0.03 : 0.7 + (checks - 3) * 0.02)

function problemOf(error: unknown): Finding {
  if (!isSixfoldError(error) || error.status >= 500) throw error
  return { outcome: 'failed', words: `${error.message} ${error.fix}`, figures: { code: error.code } }
}

/** As JSON has it: no number that is not finite, no integer beyond 2^53. */
const plain = (document: FullDocument): FullDocument =>
  JSON.parse(
    JSON.stringify(document, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  ) as FullDocument
