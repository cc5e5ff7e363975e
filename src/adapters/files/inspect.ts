/** What the folder of an embedded store says of itself. */
import { randomUUID } from 'node:crypto'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventLog } from '../../ports/event-log.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'

export async function inspectLog(folder: string, log: EventLog, writable: boolean): Promise<StoreReport> {
  const { facts, problems } = await inspectFolder(folder)
  const topics = await log.topics()
  const began = performance.now()
  for (const { topic } of topics.slice(0, 5)) await log.ends(topic)
  const bytes = topics.reduce((sum, topic) => sum + (topic.bytes ?? 0), 0)
  return {
    technology: 'files',
    where: folder,
    version: null,
    roundTripMs: topics.length === 0 ? null : (performance.now() - began) / Math.min(5, topics.length),
    facts: [
      { name: 'topics', value: String(topics.length) },
      { name: 'size', value: megabytes(bytes) },
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
      what: `Only ${megabytes(free)} are free where '${folder}' lies.`,
      fix: 'Free space before it is used up: then pushes and outcomes are refused.',
    })
  return { facts: [{ name: 'free', value: megabytes(free) }], problems }
}

const littleRoom = 512 * 1024 * 1024

export const megabytes = (bytes: number): string =>
  bytes < 1024 * 1024 * 1024 ? `${(bytes / 1024 / 1024).toFixed(1)} MB` : `${(bytes / 1024 ** 3).toFixed(1)} GB`
