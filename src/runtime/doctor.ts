/**
 * Looks at everything a server needs, each by itself: the configuration, the definitions, the machine, the data folder, the stores.
 * What is wrong with one is a finding and keeps nobody from looking at the others. It ends within a quarter of a minute, also where
 * nothing answers.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform as system } from 'node:os'
import { join } from 'node:path'
import { inspectFolder } from '../adapters/files/inspect.ts'
import { ownerOf } from '../adapters/files/lock.ts'
import { examineRemotes } from '../adapters/remote/examine.ts'
import type { Examination, ExaminedProblem } from '../api/index.ts'
import type { Platform } from '../definition/graph.ts'
import { historiesOf } from '../definition/graph.ts'
import { catalogue, isSixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Settings } from './config.ts'
import { loadSettings } from './config.ts'
import { examineBatches } from './examine-batches.ts'
import { examineStores, problemOf } from './examine-stores.ts'
import { planFor } from './plan.ts'
import { version } from './version.ts'

interface Findings {
  fact(name: string, value: string): void
  problem(problem: ExaminedProblem): void
}

/** Never rejects. */
export async function examine(from: string): Promise<Examination> {
  const facts: { readonly name: string; readonly value: string }[] = []
  const problems: ExaminedProblem[] = []
  const findings: Findings = {
    fact: (name, value) => facts.push({ name, value }),
    problem: (problem) => problems.push(problem),
  }
  const loaded = await loadSettings(from).catch((error: unknown) => {
    problems.push(...configurationProblems(error))
    return null
  })
  machine(findings)
  if (loaded === null) return { ok: false, facts, problems, stores: [] }

  const { settings } = loaded
  findings.fact('configuration', settings.file)
  const platform = await loaded.platform().catch((error: unknown) => {
    findings.problem({ of: 'definitions', ...problemOf(error) })
    return null
  })
  const asked = examineRemotes(settings.remotes, settings.remoteTokens)
  const stores = await examineStores(settings, platform === null ? [] : historiesOf(platform), async (metadata) => {
    await definitions(platform, metadata, findings)
    const { words, problems: left } = await examineBatches(metadata.batches, settings.environment, Date.now())
    if (words !== null) findings.fact('batches', words)
    for (const one of left) findings.problem(one)
  })
  await dataFolder(settings, findings)
  remotes(await asked, findings)
  const all = [...problems, ...stores.flatMap(({ report }) => report.problems)]
  return { ok: !all.some(({ severity }) => severity === 'error'), facts, problems, stores }
}

/** Each mistake of a configuration by itself, where they are told so. */
function configurationProblems(error: unknown): readonly ExaminedProblem[] {
  const problem = problemOf(error)
  const several = isSixfoldError(error) ? (error.details['problems'] as readonly string[] | undefined) : undefined
  return (several ?? [problem.what]).map((what) => ({ of: 'configuration', ...problem, what }))
}

function machine({ fact, problem }: Findings): void {
  fact('sixfold', version)
  fact('node', `${process.versions.node} on ${system()} ${arch()}`)
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    problem({ of: 'node', severity: 'error', what: 'Sixfold needs Node 20.19 or newer.', fix: 'Install a newer one.' })
  fact('clock', formatInstant(Date.now()))
  const { resolve } = createRequire(import.meta.url)
  try {
    resolve('onnxruntime-node')
  } catch {
    const { means, fix } = catalogue.SX_RUNTIME_MISSING
    problem({ of: 'models', severity: 'warning', what: `${means} Every model answers with its fallback.`, fix })
  }
}

function remotes(reports: Awaited<ReturnType<typeof examineRemotes>>, { fact, problem }: Findings): void {
  for (const { url, says, milliseconds, problem: wrong } of reports) {
    fact(url, says === null ? 'does not answer' : `${says}, in ${milliseconds.toFixed(1)} ms`)
    if (wrong !== null)
      problem({
        of: url,
        severity: 'warning',
        what: `Of the server of models ${url}: ${wrong}. Models on it answer with their fallback.`,
        fix: "Start it, or correct its address in 'remotes' of the configuration.",
      })
  }
}

/** How far a clock may be behind that of another machine before it is worth a word. */
const behindMs = 60_000

async function definitions(
  platform: Platform | null,
  metadata: MetadataStore,
  { fact, problem }: Findings,
): Promise<void> {
  const applied = await metadata.applied()
  fact('applied', applied === null ? 'never' : formatInstant(applied.at))
  if (applied !== null && applied.at > Date.now() + behindMs)
    problem({
      of: 'clock',
      severity: 'error',
      what: `The clock is behind: definitions were applied at ${formatInstant(applied.at)}, which it says is still to come.`,
      fix: 'Set the clock, and keep it by NTP.',
    })
  if (platform === null || applied === null) return
  const { changes } = await planFor(platform, metadata)
  if (changes.length > 0)
    problem({
      of: 'definitions',
      severity: 'warning',
      what: `They differ from those that were applied: ${changes.map(({ kind, name }) => `${kind} ${name}`).join(', ')}. \`sixfold serve\` does not start.`,
      fix: 'Look at them with `sixfold plan`, then run `sixfold apply`.',
    })
}

async function dataFolder({ data }: Settings, { fact, problem }: Findings): Promise<void> {
  fact('data', data)
  if (!existsSync(data)) {
    problem({
      of: 'data',
      severity: 'error',
      what: `The data folder '${data}' is not there and cannot be made.`,
      fix: catalogue.SX_STORE_READ_ONLY.fix,
    })
    return
  }
  try {
    const inspected = await inspectFolder(data)
    for (const { name, value } of inspected.facts) fact(name, value)
    for (const one of inspected.problems) problem({ of: 'data', ...one })
  } catch (error) {
    problem({ of: 'data', ...problemOf(error) })
  }
  const owner = ownerOf(join(data, 'log'))
  fact('held by', owner === null ? 'no server' : `process ${owner.pid} of '${owner.host}'`)
}
