/**
 * kill -9 while versions are registered, validated, promoted and rolled back: at random instants, and at each failure point by its name. After
 * each, what was acknowledged must be in the audit, the chain whole, what is in force what the entries say, and every file of every version what
 * its name says. The step that was not answered is taken again under the same id, and must then be there once.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEntry, Stage } from '../src/ports/registry-store.ts'
import { linearModel } from '../tests/cli/onnx.ts'
import type { DrillResult } from './ingest-kill.ts'
import type { Said, Step } from './promoter.ts'
import type { Random } from './random.ts'
import { openRegistry } from './registry-open.ts'

const jiti = join(import.meta.dirname, '../node_modules/jiti/lib/jiti-cli.mjs')

/** So often a whole drill kills at every failure point, or it has shown nothing of them. */
const leastAtEach = 5

interface Death {
  readonly begun: Step | null
  readonly done: readonly (Step & { readonly became: number })[]
  readonly points: readonly string[]
  /** The failure point at which it ended; null for a random instant. */
  readonly at: string | null
  readonly killed: boolean
  readonly complaints: string
}

export interface PromoteResult extends DrillResult {
  /** Kills within each kind of step, and between two. */
  readonly steps: { readonly [kind: string]: number }
  /** Kills at each failure point that was ever passed. */
  readonly points: { readonly [name: string]: number }
}

export async function promoteKill(random: Random, kills: number, say: (text: string) => void): Promise<PromoteResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-drill-'))
  const models = join(folder, 'models')
  mkdirSync(models)
  for (let i = 0; i < 20; i++)
    writeFileSync(join(models, `${i}.onnx`), linearModel('risky', [0.001 * (i + 1), 0.0001], 0.1))
  const environment = { SIXFOLD_DATA: join(folder, 'data'), DRILL_MODELS: models }
  const before = process.env['SIXFOLD_DATA']
  process.env['SIXFOLD_DATA'] = environment.SIXFOLD_DATA
  try {
    return await drill(environment, random, kills, say)
  } finally {
    if (before === undefined) delete process.env['SIXFOLD_DATA']
    else process.env['SIXFOLD_DATA'] = before
    rmSync(folder, { recursive: true, force: true })
  }
}

async function drill(
  environment: NodeJS.ProcessEnv,
  random: Random,
  kills: number,
  say: (text: string) => void,
): Promise<PromoteResult> {
  const acknowledged: (Step & { readonly became: number })[] = []
  const points = new Map<string, number>()
  const steps: { [kind: string]: number } = {}
  const counts = { faults: 0, checked: 0, lost: 0, doubled: 0, half_visible: 0 }
  let again: Step | null = null
  while (counts.faults < kills) {
    // The point that was met least, and a random instant every fourth time.
    const least = [...points].toSorted(([, a], [, b]) => a - b)[0]?.[0]
    const point = counts.faults % 4 === 0 ? undefined : least
    const death: Death = await die(
      {
        ...environment,
        DRILL_SEED: String(random.below(2 ** 31)),
        DRILL_AGAIN: again === null ? '' : JSON.stringify(again),
        ...(point === undefined ? {} : { KILL_AT: point, KILL_AFTER: String(random.below(2)) }),
      },
      point === undefined ? 500 + random.below(2_500) : 15_000,
    )
    if (!death.killed) throw new Error(`The promoter ended by itself: ${death.complaints}`)
    counts.faults++
    for (const name of death.points) if (!points.has(name)) points.set(name, 0)
    if (death.at !== null) points.set(death.at, (points.get(death.at) ?? 0) + 1)
    const within = death.begun?.kind ?? 'between'
    steps[within] = (steps[within] ?? 0) + 1
    acknowledged.push(...death.done)
    again = death.begun
    await check(acknowledged, again, counts, say)
    if (counts.faults % 10 === 0)
      say(`${counts.faults} kills, ${acknowledged.length} steps acknowledged, ${points.size} failure points`)
  }
  const seldom = [...points].filter(([, times]) => times < leastAtEach)
  if (kills >= 200 && seldom.length > 0)
    throw new Error(`Killed too seldom at ${seldom.map(([name]) => name).join(', ')}`)
  say(`Killed within ${told(steps)}; at ${told(Object.fromEntries(points))}`)
  return { name: 'promote-kill', ...counts, steps, points: Object.fromEntries(points) }
}

const told = (counts: { readonly [name: string]: number }): string =>
  Object.entries(counts)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')

async function die(environment: NodeJS.ProcessEnv, afterMs: number): Promise<Death> {
  const child: ChildProcess = spawn(process.execPath, [jiti, join(import.meta.dirname, 'promoter.ts')], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, errors] = ['', '']
  // The time runs from the first step on: to kill a process that loads its modules tells nothing.
  let timer: NodeJS.Timeout | undefined
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    timer ??= setTimeout(() => child.kill('SIGKILL'), afterMs)
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  const said = out.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as Said] : []))
  let begun: Step | null = null
  const done: (Step & { readonly became: number })[] = []
  for (const one of said) {
    if ('begin' in one) begun = one.begin
    else begun = null
    if ('done' in one) done.push({ ...one.done, became: one.version })
  }
  const lines = errors.split('\n')
  return {
    begun,
    done,
    points: lines.flatMap((line) => (line.startsWith('point ') ? [line.slice(6)] : [])),
    at: lines.find((line) => line.startsWith('killed at '))?.slice(10) ?? null,
    killed: signal === 'SIGKILL',
    complaints: lines
      .filter((line) => !/^(point|killed at) /.test(line))
      .join('\n')
      .slice(-4_000),
  }
}

type Counts = { -readonly [K in 'checked' | 'lost' | 'doubled' | 'half_visible']: number }

async function check(
  acknowledged: readonly (Step & { readonly became: number })[],
  unanswered: Step | null,
  counts: Counts,
  say: (text: string) => void,
): Promise<void> {
  const { registry, opened, close } = await openRegistry()
  try {
    const verified = await registry.verifyAudit(() => {})
    counts.checked += verified.entries
    if (!verified.ok) {
      counts.half_visible += verified.problems.length
      say(`The audit: ${verified.problems.join('; ')}`)
    }
    const entries = await opened.stores.metadata.registry.audit({ after: 0, limit: 1_000_000 })
    const steps = acknowledged.map(({ kind, became }) => `${kind} ${became}`)
    // To add the newest version's file again is answered with that version.
    const done = countOf(steps.filter((step, i) => !step.startsWith('register') || steps.indexOf(step) === i))
    const found = countOf(entries.flatMap((entry) => stepOf(entry) ?? []))
    // The version of a registration or a roll back that was not answered is not known; all else is.
    const maybe =
      unanswered === null ? null : `${unanswered.kind}${unanswered.version === null ? '' : ` ${unanswered.version}`}`
    for (const [step, times] of done) {
      counts.checked += times
      const missing = times - (found.get(step) ?? 0)
      if (missing <= 0) continue
      counts.lost += missing
      say(`Lost: ${step}`)
    }
    let unexplained = 0
    for (const [step, times] of found) {
      const more = times - (done.get(step) ?? 0)
      if (more <= 0) continue
      if (maybe !== null && step.startsWith(maybe) && more === 1 && unexplained === 0) unexplained++
      else {
        counts.doubled += more
        say(`Twice, or never asked for: ${step}`)
      }
    }
    // What is there of the step that was not answered is there whole: the audit was verified against what is in force.
    if (unanswered !== null) counts.checked++
    const detail = await registry.model('risky').catch(() => null)
    const inProduction = detail?.list.filter(({ stage }) => stage === 'production') ?? []
    if (inProduction.length > 1) counts.half_visible++
    for (const version of (await opened.stores.metadata.registry.versions('risky')).slice(0, 3))
      for (const { sha256 } of version.files) {
        await opened.stores.artifacts.open(sha256)
        counts.checked++
      }
  } finally {
    await close()
  }
}

const countOf = (steps: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const step of steps) counts.set(step, (counts.get(step) ?? 0) + 1)
  return counts
}

/** The step of the promoter that ends with that entry; null for what is on the way. */
function stepOf({ action, version, details }: AuditEntry): string | null {
  if (action === 'version.registered') return `register ${version}`
  if (action === 'alias.set') return `alias ${version}`
  if (action !== 'stage.changed') return null
  const { to, rollback } = details as { readonly to: Stage; readonly rollback: boolean }
  if (rollback) return `roll back ${version}`
  return (
    { validated: `validate ${version}`, staging: `stage ${version}`, production: `promote ${version}` }[
      to as 'staging'
    ] ?? null
  )
}
