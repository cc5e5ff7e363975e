/**
 * Runs whose training was killed. Whoever trains says every some seconds that it lives, in a tag of the run; one that has said nothing for a
 * while, or whose process is gone from this machine, is marked as killed, and what its command left running is ended.
 */
import { readFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Run, TrackingStore } from '../ports/tracking-store.ts'
import { tags } from './tags.ts'

export const beatMs = 10_000
const silentMs = 6 * beatMs

interface Trainer {
  readonly host: string
  readonly pid: number
  /** Of the command; null before it runs. */
  readonly group: number | null
}

export const trainerTag = (group: number | null): string =>
  JSON.stringify({ host: hostname(), pid: process.pid, group } satisfies Trainer)

/** Gives the runs that it ended. `folders` is where trainings of this machine have their folders, each named by its run. */
export async function endDeadRuns(
  tracking: TrackingStore,
  experiments: readonly string[],
  folders: string,
  now: number,
): Promise<readonly Run[]> {
  const { items } = await tracking.searchRuns(
    experiments,
    {
      where: [
        { of: 'attribute', key: 'status', operator: '=', value: 'RUNNING' },
        { of: 'tag', key: tags.heartbeat, operator: 'IS NOT NULL', value: null },
      ],
      order: [],
      limit: 1_000,
      offset: 0,
    },
    'active',
  )
  const dead = items.filter((run) => isDead(run, now))
  for (const run of dead) {
    endLeft(run)
    await tracking.updateRun(run.id, { status: 'KILLED', endedAt: now })
  }
  // Also of one that was killed when its run had ended already.
  for (const name of await readdir(folders).catch(() => [])) {
    const run = await tracking.run(name)
    if (run === null || isDead(run, now)) await rm(join(folders, name), { recursive: true, force: true })
  }
  return dead
}

function trainerOf(run: Run): Trainer | null {
  try {
    const { host, pid, group } = JSON.parse(run.tags[tags.process] ?? '') as Partial<Trainer>
    return typeof host === 'string' && Number.isSafeInteger(pid) && pid! > 0
      ? { host, pid: pid!, group: group ?? null }
      : null
  } catch {
    return null
  }
}

function isDead(run: Run, now: number): boolean {
  const trainer = trainerOf(run)
  if (trainer?.host === hostname() && !isRunning(trainer.pid)) return true
  return !(now - Number(run.tags[tags.heartbeat]) < silentMs)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Only where the system says that the process is this run's: its number may be another's by now. */
function endLeft(run: Run): void {
  const trainer = trainerOf(run)
  if (trainer?.host !== hostname() || trainer.group === null || !(trainer.group > 1)) return
  try {
    const environment = readFileSync(`/proc/${trainer.group}/environ`, 'latin1').split('\0')
    if (environment.includes(`SIXFOLD_RUN_ID=${run.id}`)) process.kill(-trainer.group, 'SIGKILL')
  } catch {
    // It is gone, or belongs to somebody else.
  }
}
