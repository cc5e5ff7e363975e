/**
 * One writer a folder: a lock file with the owner's process id, taken over when that process no longer lives. A process id that
 * was used again is told apart by when the process started, where the system says so.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { SixfoldError } from '../../kernel/errors.ts'

export interface Lock {
  release(): void
}

/** Throws SX_STORE_LOCKED with the owner's process id. */
export function lockFolder(folder: string): Lock {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'lock')
  const mine = identityOf(process.pid)
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const file = openSync(path, 'wx')
      writeSync(file, mine)
      closeSync(file)
      return { release: () => rmSync(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = readOwner(path)
      if (owner !== null && identityOf(Number(owner.split(' ')[0])) === owner)
        throw new SixfoldError(
          'SX_STORE_LOCKED',
          `The data folder '${folder}' is in use by process ${owner.split(' ')[0]}.`,
        )
      rmSync(path, { force: true })
    }
  }
  throw new SixfoldError('SX_STORE_LOCKED', `The data folder '${folder}' is being opened by several processes at once.`)
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
