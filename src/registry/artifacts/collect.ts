/**
 * Collecting artifacts to which nothing refers. Each is condemned first, so that nothing can begin to refer to it, then deleted, and then
 * written down; in small lots, so that a lot is deleted well before anybody takes its collector for dead. Ended at any instant, it leaves
 * artifacts that are condemned and not deleted, or deleted and not written down: the next run takes them up again.
 */
import type { Clock } from '../../kernel/clock.ts'
import { systemClock } from '../../kernel/clock.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { RegistryStore } from '../../ports/registry-store.ts'
import { condemnedMs } from '../../ports/registry-store.ts'
import type { Purged, TrackingStore } from '../../ports/tracking-store.ts'
import { authorOf, partOf } from '../registration/register.ts'
import type { Asker, Collected, CollectOptions } from '../registry.ts'
import type { VersionFiles } from './open-version.ts'
import { folderOf } from './open-version.ts'

export interface CollectingOptions {
  readonly store: RegistryStore
  readonly tracking: TrackingStore
  readonly artifacts: ArtifactStore
  readonly files: VersionFiles
  readonly clock: Clock
}

const lot = 100
/** Folders of versions that are gone stay for so long after their last use, in case somebody is loading one. */
const folderMs = 3_600_000
const page = 500
/** Leases are of machines, whatever the clock of a replay says. */
const machine = systemClock()

interface Artifact {
  readonly sha256: string
  readonly bytes: number
}

export async function collect(
  { dryRun, olderThanMs }: CollectOptions,
  asker: Asker,
  { store, tracking, artifacts, files, clock }: CollectingOptions,
  progress: (done: number) => void,
): Promise<Collected> {
  const author = authorOf(asker, clock)
  const purged = olderThanMs === null ? nothing : await tracking.purge(machine.now() - olderThanMs, dryRun)
  // What a dry run has left in its place is not referred to when it is done.
  const freed = new Set(dryRun ? purged.artifacts : [])
  const references = await store.references()
  const unused: Artifact[] = []
  const kept = { artifacts: 0, bytes: 0 }
  for await (const one of artifacts.list())
    if (references.has(one.sha256) && !freed.has(one.sha256)) {
      kept.artifacts += 1
      kept.bytes += one.bytes
    } else unused.push(one)
  // What a collector that died had deleted is not there any more, and is still to be written down.
  const listed = new Set(unused.map(({ sha256 }) => sha256))
  for (const sha256 of dryRun ? [] : await store.abandoned(machine.now()))
    if (!listed.has(sha256) && !(await artifacts.has(sha256))) unused.push({ sha256, bytes: 0 })
  unused.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))

  const gone: Artifact[] = []
  if (dryRun) gone.push(...unused)
  else
    for (let at = 0; at < unused.length; at += lot) {
      gone.push(...(await collectLot(unused.slice(at, at + lot), at)))
      progress(Math.min(1, (at + lot) / unused.length))
    }
  if (!dryRun) await files.sweep(await foldersInUse(store), folderMs, machine.now())
  const { artifacts: _, ...counts } = purged
  return { dryRun, purged: counts, artifacts: gone, bytes: bytesOf(gone), kept }

  async function collectLot(some: readonly Artifact[], number: number): Promise<readonly Artifact[]> {
    const began = machine.monotonic()
    const condemned = new Set(
      await store.condemn(
        some.map(({ sha256 }) => sha256),
        machine.now(),
      ),
    )
    failpoint('collect: condemned')
    const deleted: Artifact[] = []
    for (const one of some) {
      // What is left is condemned still, and the next run's.
      if (machine.monotonic() - began > condemnedMs / 2) break
      if (!condemned.has(one.sha256)) continue
      await artifacts.delete(one.sha256)
      deleted.push(one)
      failpoint('collect: deleted')
    }
    if (deleted.length > 0)
      await store.change(
        {
          kind: 'artifacts.collected',
          artifacts: deleted.map(({ sha256 }) => sha256),
          bytes: bytesOf(deleted),
        },
        { ...author, id: partOf(author.id, `collect ${number}`) },
      )
    return deleted
  }
}

const nothing: Purged = { experiments: 0, runs: 0, loggedModels: 0, artifacts: [] }

const bytesOf = (all: readonly Artifact[]): number => all.reduce((sum, { bytes }) => sum + bytes, 0)

async function foldersInUse(store: RegistryStore): Promise<ReadonlySet<string>> {
  const folders = new Set<string>()
  for (let offset = 0; ; offset += page) {
    const { items, more } = await store.searchVersions({
      where: [],
      order: [
        { of: 'attribute', key: 'name', descending: false },
        { of: 'attribute', key: 'version_number', descending: false },
      ],
      limit: page,
      offset,
    })
    for (const { files } of items) if (files.length > 1) folders.add(folderOf(files))
    if (!more) return folders
  }
}
