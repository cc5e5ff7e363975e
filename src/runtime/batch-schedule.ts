/** The schedules of batches, kept by a server: each run in a process of its own at a low priority, so that answers are not disturbed. */
import { spawn } from 'node:child_process'
import { constants, hostname, setPriority } from 'node:os'
import type { Logger } from 'pino'
import type { Batches, Scheduler, Work } from '../batch/index.ts'
import { scheduler } from '../batch/index.ts'
import type { Platform } from '../definition/graph.ts'
import { batchesOf } from '../definition/graph.ts'
import type { BatchRun, BatchStore } from '../ports/batch-store.ts'

export interface ScheduleOptions {
  readonly platform: Platform
  readonly environment: string
  readonly store: BatchStore
  readonly batches: Pick<Batches, 'begin' | 'cancel'>
  readonly parallel: number
  /** The program `sixfold`, and the configuration with which it works on runs. */
  readonly program: string
  readonly project: string
  readonly now: () => number
  readonly logger: Logger
}

/** Null: no batch is defined. */
export function keepSchedules(options: ScheduleOptions): Scheduler | null {
  const { platform, environment, store, batches: service, parallel, now, logger } = options
  const batches = batchesOf(platform)
  if (batches.length === 0) return null
  return scheduler({
    ...{ batches, environment, store, service, parallel, now },
    holder: `${hostname()} ${process.pid}`,
    log: (level, about, words) => logger[level](about, words),
    work: (run) => inProcess(run, options),
  })
}

/** After it was asked to end. */
const killMs = 8_000
const tailMost = 2_000

/** It ends by itself, or where it can be gone on with. Dies this process meanwhile, it goes on: its lease says so to whoever comes next. */
export function inProcess(
  run: BatchRun,
  { program, project, logger }: Pick<ScheduleOptions, 'program' | 'project' | 'logger'>,
): Work {
  const words = [program, 'batch', 'resume', run.id, '--project', project]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already, or this user may not: it works all the same.
  }
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-tailMost)
  })
  let killing: NodeJS.Timeout | undefined
  const ended = new Promise<void>((resolve) => {
    const over = (how: object): void => {
      clearTimeout(killing)
      logger.info({ batch: run.batch, version: run.version, ...how, said: said.trim() }, 'The process of a run ended.')
      resolve()
    }
    child.once('error', (err) => over({ err }))
    child.once('close', (code, signal) => over({ code, signal }))
  })
  return {
    ended,
    stop: () => {
      child.kill('SIGTERM')
      killing ??= setTimeout(() => child.kill('SIGKILL'), killMs)
    },
  }
}
