/** What the folder of an embedded store says of itself. */
import { randomUUID } from 'node:crypto'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '../../kernel/size.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import { roundTripOf } from '../report.ts'

export async function inspectLog(folder: string, log: EventLog, writable: boolean): Promise<StoreReport> {
  const { facts, problems } = await inspectFolder(folder)
  const topics = await log.topics()
  const bytes = topics.reduce((sum, topic) => sum + (topic.bytes ?? 0), 0)
  return {
    technology: 'files',
    where: folder,
    version: null,
    roundTripMs: topics.length === 0 ? null : await roundTripOf(() => log.ends(topics[0]!.topic)),
    facts: [
      { name: 'topics', value: String(topics.length) },
      { name: 'size', value: formatBytes(bytes) },
      ...(writable ? [] : [{ name: 'opened', value: 'for reading, beside a server' }]),
      ...facts,
    ],
    problems,
  }
}

/** The room that is left, and whether a file can be written there. */
export async function inspectFolder(
  folder: string,
): Promise<{ readonly facts: StoreReport['facts']; readonly problems: readonly StoreProblem[] }> {
  const problems: StoreProblem[] = []
  const probe = join(folder, `.probe-${randomUUID()}`)
  try {
    await writeFile(probe, 'x', { flag: 'wx' })
  } catch (error) {
    problems.push({
      severity: 'error',
      what: `'${folder}' cannot be written to: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`,
      fix: 'Give this user the right to write there, or free space; or name another folder with SIXFOLD_DATA.',
    })
  } finally {
    await rm(probe, { force: true }).catch(() => {})
  }
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free < littleRoom)
    problems.push({
      severity: 'warning',
      what: `Only ${formatBytes(free)} are free where '${folder}' lies.`,
      fix: 'Free space before it is used up: then pushes and outcomes are refused.',
    })
  return { facts: [{ name: 'free', value: formatBytes(free) }], problems }
}

const littleRoom = 512 * 1024 * 1024
