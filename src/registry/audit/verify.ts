/**
 * Whether the audit trail is the one that was written. Every entry is read, in pages: its number, its link to the one before, and its own hash.
 * Whoever can write to the store could still replace all of it; the hash of the newest entry, kept elsewhere, shows that.
 */
import { setImmediate as immediate } from 'node:timers/promises'
import type { AuditEntry, RegistryStore } from '../../ports/registry-store.ts'
import { hashOfEntry, noEntry } from '../../ports/registry-store.ts'
import type { AuditVerification } from '../registry.ts'
import type { Replay } from './replay.ts'
import { replay } from './replay.ts'

/** A page is read and hashed at one go: it is as long as others can wait. */
const page = 200
/** More would say the same: the first is what counts. */
const mostProblems = 20
const rounds = 10

export async function verifyAudit(store: RegistryStore, progress: (done: number) => void): Promise<AuditVerification> {
  const problems: string[] = []
  const state = replay()
  let [head, entries, last] = [noEntry, 0, 0]
  /** Gives whether there were more. */
  const readOn = async (): Promise<boolean> => {
    const before = last
    const [newest] = await store.audit({ limit: 1 })
    for (let full = true; full && problems.length < mostProblems; ) {
      const some = await store.audit({ after: last, limit: page })
      for (const entry of some) {
        const problem = problemOf(entry, last, head)
        if (problem !== null) problems.push(problem)
        state.take(entry)
        last = entry.number
        head = entry.hash
        entries += 1
      }
      progress(newest === undefined ? 1 : Math.min(1, last / newest.number))
      full = some.length === page
      await immediate()
    }
    return last > before
  }
  await readOn()
  // What was done to entries shows in the state as well; of two findings of one cause the first is enough.
  if (problems.length === 0) problems.push(...(await differences(state, store, readOn)))
  return { ok: problems.length === 0, entries, head, problems: problems.slice(0, mostProblems) }
}

/**
 * What differs, and goes on to: what changes while it is compared differs from entries that were read before, and no more when the later
 * ones are taken in.
 */
async function differences(
  state: Replay,
  store: RegistryStore,
  readOn: () => Promise<boolean>,
): Promise<readonly string[]> {
  let found = await state.compare(store)
  for (let round = 1; round < rounds && found.length > 0 && (await readOn()); round++) {
    const again = new Set(await state.compare(store))
    found = found.filter((difference) => again.has(difference))
  }
  return found
}

function problemOf(entry: AuditEntry, last: number, head: string): string | null {
  const { number, previous, hash } = entry
  if (number !== last + 1)
    return number === last + 2 ? `Entry ${last + 1} is missing.` : `Entries ${last + 1} to ${number - 1} are missing.`
  if (previous !== head) return `Entry ${number} does not follow entry ${last}: another was there when it was written.`
  if (hashOfEntry(entry) !== hash) return `Entry ${number} was changed: ${told(entry)} is not what its hash says.`
  return null
}

const told = ({ action, model, version, actor }: AuditEntry): string =>
  `${action}${model === null ? '' : ` of '${model}'`}${version === null ? '' : ` version ${version}`}, by ${actor},`
