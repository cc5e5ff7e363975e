/**
 * One writer a folder: a lock file with the owner's process id, taken over when that process no longer lives. A process id that
 * was used again is told apart by when the process started, where the system says so. A process of another machine, or of another
 * container, cannot be looked for: its lock holds for as long as the owner goes on touching it.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../kernel/clock.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { storageError } from '../../kernel/files.ts'

const touchMs = 5_000
/** For so long an owner may be too busy to touch its lock. */
const abandonedMs = 60_000

export interface Lock {
  release(): void
}

/** Throws SX_STORE_LOCKED with the owner's process id. */
export function lockFolder(folder: string): Lock {
  const path = join(folder, 'lock')
  const mine = `${identityOf(process.pid)} @${hostname()}`
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      mkdirSync(folder, { recursive: true })
      const file = openSync(path, 'wx')
      writeSync(file, mine)
      closeSync(file)
      const touching = setInterval(() => touch(path), touchMs)
      touching.unref()
      return {
        release: () => {
          clearInterval(touching)
          rmSync(path, { force: true })
        },
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storageError(error, folder)
      const owner = ownerOf(folder)
      if (owner !== null && owner.host !== hostname())
        throw new SixfoldError(
          'SX_STORE_LOCKED',
          `The data folder '${folder}' is in use by process ${owner.pid} of the machine '${owner.host}'. Servers of several machines cannot share it.`,
          {
            fix: `Give each server a folder of its own and name shared stores under 'stores' in sixfold.config.ts. If that process is gone, wait a minute.`,
          },
        )
      if (owner !== null)
        throw new SixfoldError(
          'SX_STORE_LOCKED',
          `The data folder '${folder}' is in use by process ${owner.pid}. Its log can have one server.`,
          {
            fix: "Stop that process, or use another data folder. For several servers name shared stores under 'stores' in sixfold.config.ts.",
          },
        )
      rmSync(path, { force: true })
    }
  }
  throw new SixfoldError('SX_STORE_LOCKED', `The data folder '${folder}' is being opened by several processes at once.`)
}

/** Whose lock holds; null where there is none, or only one that its owner left behind. */
export function ownerOf(folder: string): { readonly pid: string; readonly host: string } | null {
  const path = join(folder, 'lock')
  const [identity = '', host = hostname()] = (readOwner(path) ?? '').split(' @')
  const [pid = ''] = identity.split(' ')
  const holds =
    host === hostname() ? identity !== '' && identityOf(Number(pid)) === identity : ageOf(path) < abandonedMs
  return holds ? { pid, host } : null
}

function touch(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch {
    // It was taken away by force; whoever did knows.
  }
}

const ageOf = (path: string): number => {
  try {
    return systemClock().now() - statSync(path).mtimeMs
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function readOwner(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** The process id and, on Linux, the clock tick of its start; empty for a process that does not live. */
function identityOf(pid: number): string {
  if (!Number.isSafeInteger(pid) || pid <= 0) return ''
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return ''
  }
  try {
    // The name in parentheses may hold spaces; the start is the 20th field after it.
    const [, rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?!.*\) )/)
    return `${pid} ${rest!.split(' ')[19]}`
  } catch {
    return `${pid}`
  }
}
